//! Ids that are taken: what a record gets whose id the table has already.
//!
//! A client that was cut off sends everything again. Its records are looked up on its own thread, page by page where
//! they lie together, so that nobody else waits; the sequencer looks again only for what may have moved since.

use std::ops::ControlFlow;

use causebook_record::{Digest, Fields, Record, Stored};

use crate::buffer::Buffer;
use crate::error::{AppendError, LedgerError};
use crate::index::{Index, Key};
use crate::sequence::{Prepared, Receipt};
use crate::shared::Shared;
use crate::table::{Row, Scan, TableSink};

/// Rows between two that are wanted which are read along with them rather than looked up apart.
const GAP_ROWS: u64 = 512;

/// What a record's id was decided to give it: the receipt that the first of that id got, or a refusal.
pub(crate) type Settled = Result<Receipt, AppendError>;

/// What the table has of each record's id. `None` for those that it does not have, or that cannot be told here.
pub(crate) fn known_in_table(shared: &Shared, records: &[Prepared]) -> Vec<Option<Settled>> {
    let mut settled: Vec<Option<Settled>> = records.iter().map(|_| None).collect();
    let mut wanted: Vec<(u64, usize)> = Vec::new();
    for (place, record) in records.iter().enumerate() {
        // What the index cannot tell, the sequencer will ask again and report.
        let candidates = candidates(shared, record).unwrap_or_default();
        wanted.extend(candidates.into_iter().map(|position| (position, place)));
    }
    wanted.sort_unstable();
    for together in wanted.chunk_by(|one, next| next.0 - one.0 <= GAP_ROWS) {
        let (Some((first, _)), Some((last, _))) = (together.first(), together.last()) else {
            continue;
        };
        let mut rest = together.iter().peekable();
        let scan = Scan {
            indexes: *first..last + 1,
            check_columns: false,
        };
        let scanned = shared.table.scan(&scan, &mut |scanned| {
            while let Some((position, place)) =
                rest.next_if(|(position, _)| *position <= scanned.row.index)
            {
                if *position == scanned.row.index
                    && let Some((record, slot)) = records.get(*place).zip(settled.get_mut(*place))
                {
                    *slot = slot.take().or_else(|| settle(record, &scanned.row));
                }
            }
            ControlFlow::Continue(())
        });
        if scanned.is_err() {
            break;
        }
    }
    settled
}

/// What the table has of one record's id.
pub(crate) fn known_one(
    shared: &Shared,
    record: &Prepared,
) -> Result<Option<Settled>, LedgerError> {
    for position in candidates(shared, record)? {
        let row = shared.table.get(position)?;
        if let Some(settled) = row.and_then(|row| settle(record, &row)) {
            return Ok(Some(settled));
        }
    }
    Ok(None)
}

/// Where the record of an id is, in the table or in a buffer behind it.
pub(crate) fn position_of_id(
    index: &Index,
    buffer: &Buffer,
    table: &dyn TableSink,
    key: Option<Key>,
    fields: &Fields,
) -> Result<Option<u64>, LedgerError> {
    let Some(key) = key else {
        return Ok(None);
    };
    for position in buffer.find(key) {
        let held = buffer.get(position);
        if held.is_some_and(|entry| causebook_record::fields(&entry.sealed.text).id == fields.id) {
            return Ok(Some(position));
        }
    }
    if !index.may_have_id(key) {
        return Ok(None);
    }
    for position in index.find_id(key)? {
        let row = table.get(position)?;
        if row.is_some_and(|row| row.record.fields().id == fields.id) {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

fn candidates(shared: &Shared, record: &Prepared) -> Result<Vec<u64>, LedgerError> {
    let Some(key) = record.keys.id.filter(|_| record.given_id) else {
        return Ok(Vec::new());
    };
    let index = {
        let index = shared.index();
        if !index.may_have_id(key) {
            return Ok(Vec::new());
        }
        index.clone()
    };
    index.find_id(key)
}

/// What `row` means for a record of its id; `None` if the id is another.
fn settle(record: &Prepared, row: &Row) -> Option<Settled> {
    if row.record.fields().id.as_deref() != Some(record.id.as_str()) {
        return None;
    }
    match &row.record {
        Stored::Whole { text, .. } => {
            let digest = row.record.digest().ok().flatten()?;
            Some(compare(record, row.index, digest, text))
        }
        Stored::Redacted { .. } | Stored::Erased { .. } => Some(Err(AppendError::Erased {
            id: record.id.clone(),
            index: row.index,
        })),
    }
}

/// The receipt of the first record if the second says the same, a conflict otherwise.
pub(crate) fn compare(second: &Prepared, index: u64, digest: Digest, first_text: &str) -> Settled {
    let content = |text: &str| Record::from_text(text.to_owned()).map(|record| record.content());
    let same = matches!((content(first_text), content(&second.sealed.text)), (Ok(first), Ok(again)) if first == again);
    if same {
        Ok(Receipt {
            id: second.id.clone(),
            index,
            digest,
            repeated: true,
        })
    } else {
        Err(AppendError::Conflict {
            id: second.id.clone(),
            index,
        })
    }
}
