//! Rows of a batch, formatted column by column and joined. A block has as many rows as fit its room: with long values
//! few, down to one.

use std::ops::Range;

use arrow::array::{Array as _, ArrayRef, RecordBatch};

use super::RowFault;
use super::cells::{Cells, Overflow};
use super::decode::Dictionaries;
use super::plan::{Node, Plan, Value};
use crate::ROW_BYTES_MAX;

/// Some rows of a stream, in its order.
#[derive(Debug)]
pub struct Block {
    /// Number of the first row.
    first: u64,
    text: String,
    /// Where the text of each row ends, or why it has none.
    rows: Vec<Result<usize, RowFault>>,
}

/// A row of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its number in the stream, from 1.
    pub number: u64,
    /// The JSON text of a record, for `causebook_record::Draft::parse`; or why there is none.
    pub record: Result<&'a str, &'a RowFault>,
}

impl Block {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none. A [`Reader`](super::Reader) gives no such block.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of the records' text.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Its rows.
    pub fn rows(&self) -> Rows<'_> {
        Rows {
            block: self,
            nth: 0,
            start: 0,
        }
    }
}

/// The rows of a block.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    block: &'a Block,
    nth: usize,
    /// Where the next text begins.
    start: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let row = self.block.rows.get(self.nth)?;
        let number = self.block.first + self.nth as u64;
        self.nth += 1;
        let record = row.as_ref().map(|end| {
            let text = self.block.text.get(self.start..*end);
            self.start = *end;
            text.unwrap_or_default()
        });
        Some(Row { number, record })
    }
}

/// A batch that blocks are cut from.
pub(super) struct Open {
    arrays: Vec<ArrayRef>,
    structs: Vec<ArrayRef>,
    rows: Range<usize>,
}

impl Open {
    pub(super) fn new(plan: &Plan, batch: &RecordBatch) -> Self {
        Self {
            arrays: plan.arrays(batch),
            structs: plan.structs(batch),
            rows: 0..batch.num_rows(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Makes blocks. It keeps the columns' buffers from block to block, and how many rows fitted.
pub(super) struct Composer {
    cells: Vec<Cells>,
    faults: Vec<Option<RowFault>>,
    rows: usize,
    rows_max: usize,
    /// Bytes of text, and values looked at, so far.
    work: u64,
}

impl Composer {
    pub(super) fn new(plan: &Plan) -> Self {
        let by_cells = CELLS_MAX / plan.leaves.len().max(1);
        let by_frame = ROOM_BYTES / plan.frame_bytes;
        let rows_max = ROWS_MAX.min(by_cells).min(by_frame).max(1);
        Self {
            cells: plan.leaves.iter().map(|_| Cells::default()).collect(),
            faults: Vec::new(),
            rows: rows_max,
            rows_max,
            work: 0,
        }
    }

    /// What all blocks took: bytes of text, and values looked at.
    pub(super) fn work(&self) -> u64 {
        self.work
    }

    /// The next rows of a batch. `before` is the number of rows that came before them in the stream.
    pub(super) fn block(
        &mut self,
        plan: &Plan,
        batch: &mut Open,
        dictionaries: &Dictionaries,
        before: u64,
    ) -> Block {
        let taken = loop {
            let rows = batch.rows.clone().take(self.rows).len();
            let rows = batch.rows.start..batch.rows.start + rows;
            match self.fill(plan, batch, rows.clone(), dictionaries) {
                Ok(work) => {
                    if work < ROOM_BYTES / 8 {
                        self.rows = self.rows.saturating_mul(2).min(self.rows_max);
                    }
                    break rows;
                }
                Err(Overflow) => self.rows = (rows.len() / 4).max(1),
            }
        };
        let mut block = Block {
            first: before + 1,
            text: String::new(),
            rows: Vec::with_capacity(taken.len()),
        };
        for (row, index) in taken.clone().enumerate() {
            let joined = self.join(plan, batch, row, index, &mut block.text);
            block.rows.push(joined.map(|()| block.text.len()));
        }
        self.work += block.text.len() as u64;
        batch.rows.start = taken.end;
        block
    }

    /// Formats the columns, and gives what that took.
    fn fill(
        &mut self,
        plan: &Plan,
        batch: &Open,
        rows: Range<usize>,
        dictionaries: &Dictionaries,
    ) -> Result<usize, Overflow> {
        self.faults.clear();
        self.faults.resize(rows.len(), None);
        let keep_bytes = ROOM_BYTES / self.cells.len().max(1);
        for cells in &mut self.cells {
            cells.clear(keep_bytes);
        }
        let mut work = 0;
        for ((leaf, array), cells) in plan.leaves.iter().zip(&batch.arrays).zip(&mut self.cells) {
            let room = ROOM_BYTES.saturating_sub(work);
            let faults = &mut self.faults;
            let filled = cells.fill(leaf, array, rows.clone(), dictionaries, room, faults);
            self.work += cells.work() as u64;
            filled?;
            work += cells.work();
            if rows.len() == 1 && work > ROW_BYTES_MAX * 2 {
                // The row is lost already, and what the other columns have would only take memory.
                self.faults.fill(Some(too_long()));
                break;
            }
        }
        Ok(work)
    }

    /// Appends a row's record.
    fn join(
        &mut self,
        plan: &Plan,
        batch: &Open,
        row: usize,
        index: usize,
        out: &mut String,
    ) -> Result<(), RowFault> {
        if let Some(fault) = self.faults.get_mut(row).and_then(Option::take) {
            return Err(fault);
        }
        let start = out.len();
        let joiner = Joiner {
            cells: &self.cells,
            structs: &batch.structs,
            row,
            index,
        };
        joiner.object(&plan.root, out);
        if out.len() - start > ROW_BYTES_MAX {
            out.truncate(start);
            return Err(too_long());
        }
        Ok(())
    }
}

fn too_long() -> RowFault {
    RowFault::TooLong {
        limit: ROW_BYTES_MAX,
    }
}

/// Joins one row.
struct Joiner<'a> {
    cells: &'a [Cells],
    structs: &'a [ArrayRef],
    /// The row among those that were formatted.
    row: usize,
    /// The row in the batch.
    index: usize,
}

impl Joiner<'_> {
    /// Appends an object, and tells whether something is in it.
    fn object(&self, members: &[Node], out: &mut String) -> bool {
        out.push('{');
        let mut is_first = true;
        for member in members {
            let start = out.len();
            if !is_first {
                out.push(',');
            }
            out.push_str(&member.key);
            if self.value(&member.value, out) {
                is_first = false;
            } else {
                out.truncate(start);
            }
        }
        out.push('}');
        !is_first
    }

    /// Appends a value; `false` if there is none.
    fn value(&self, value: &Value, out: &mut String) -> bool {
        match value {
            Value::Leaf(nth) => {
                let text = self.cells.get(*nth).map_or("", |cells| cells.get(self.row));
                out.push_str(text);
                !text.is_empty()
            }
            Value::Made(members) => self.object(members, out),
            Value::Struct {
                nth,
                shows_null,
                members,
            } => {
                let is_null = |array: &ArrayRef| array.is_null(self.index);
                if !self.structs.get(*nth).is_none_or(is_null) {
                    self.object(members, out);
                    return true;
                }
                if *shows_null {
                    out.push_str("null");
                }
                *shows_null
            }
        }
    }
}

/// Most rows of a block: enough that what a column costs once is spread thin.
const ROWS_MAX: usize = 1024;
/// Most cells of a block: each takes a number for its end.
const CELLS_MAX: usize = 1 << 18;
/// What the columns of a block may take, unless it has one row; what the names of its rows may come to.
const ROOM_BYTES: usize = 8 << 20;
