//! Reading a table from end to end: the rows of one committed state, in the order they lie on disk.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use causebook_ledger::{ColumnFault, Row, Scan, ScannedRow, TableError, TableView, Visit};

use crate::batch::{Decoder, Unreadable};
use crate::columns;
use crate::datafile::DataFile;
use crate::error::damaged;
use crate::log::{LoggedFile, PARTITION, Snapshot};
use crate::table::{DeltaTable, MICROSECONDS_A_DAY, date_of, day_number};

/// One committed state of the table.
pub(crate) struct DeltaView<'a> {
    pub(crate) table: &'a DeltaTable,
    pub(crate) snapshot: Snapshot,
}

impl TableView for DeltaView<'_> {
    fn covered(&self) -> u64 {
        self.snapshot.covered
    }

    fn scan(&self, scan: &Scan, visit: Visit<'_>) -> Result<(), TableError> {
        let mut snapshot = self.snapshot.clone();
        let mut rest = scan.indexes.clone();
        // Told at the end, so that whoever compares rows sees all of them.
        let mut misstated = None;
        loop {
            let files = Arc::clone(&snapshot.files);
            let in_range =
                |file: &&LoggedFile| file.first_index < rest.end && file.last_index >= rest.start;
            let wanted: Vec<&LoggedFile> = files.iter().filter(in_range).collect();
            let mut gone = None;
            for logged in wanted {
                let path = self.table.path(logged);
                let file = match DataFile::open(&path) {
                    Ok(file) => file,
                    Err(fault) if !path.exists() => {
                        gone = Some(fault);
                        break;
                    }
                    Err(fault) => return Err(fault),
                };
                let checks = Checks {
                    columns: scan.check_columns,
                    day: logged.date.as_deref().and_then(day_number),
                };
                let mut held = Held::default();
                let flow = scan_file(&file, logged, &rest, checks, &mut |scanned| {
                    held.add(scanned.row.index);
                    visit(scanned)
                })?;
                if flow.is_break() {
                    return Ok(());
                }
                if scan.check_columns && lies_within(logged, &rest) && !held.is_as_stated(logged) {
                    misstated.get_or_insert_with(|| held.misstated(&path, logged));
                }
                rest.start = rest.start.max(logged.last_index.saturating_add(1));
            }
            let Some(fault) = gone else {
                return misstated.map_or(Ok(()), Err);
            };
            snapshot = self.table.moved_on(&snapshot)?.ok_or(fault)?;
            // What was appended since is not part of this state.
            rest.end = rest.end.min(self.snapshot.covered);
        }
    }
}

pub(crate) fn damaged_row(file: &DataFile, row: &Unreadable) -> TableError {
    damaged(
        file.path(),
        format_args!("row {}: column {}: {}", row.index, row.column, row.why),
    )
}

fn lies_within(logged: &LoggedFile, indexes: &Range<u64>) -> bool {
    indexes.start <= logged.first_index && logged.last_index < indexes.end
}

/// What a file was found to hold. Look-ups by index, and other engines, go by what the table's log says of it.
#[derive(Debug, Default)]
struct Held {
    rows: u64,
    /// Least and greatest index.
    range: Option<(u64, u64)>,
}

impl Held {
    fn add(&mut self, index: u64) {
        self.rows += 1;
        let (least, greatest) = self.range.unwrap_or((index, index));
        self.range = Some((least.min(index), greatest.max(index)));
    }

    /// A file whose own rows are not dense is for those to judge who compare them one by one.
    fn is_as_stated(&self, logged: &LoggedFile) -> bool {
        let dense = |(least, greatest): &(u64, u64)| greatest - least == self.rows - 1;
        let Some(range) = self.range.filter(dense) else {
            return true;
        };
        self.rows == logged.rows && range == (logged.first_index, logged.last_index)
    }

    fn misstated(&self, path: &Path, logged: &LoggedFile) -> TableError {
        let (least, greatest) = self.range.unwrap_or_default();
        let what = format!(
            "it holds {} rows, indexes {least} to {greatest}, but the table's log says {} rows, {} to {}",
            self.rows, logged.rows, logged.first_index, logged.last_index
        );
        damaged(path, what)
    }
}

#[derive(Clone, Copy)]
struct Checks {
    /// Compare typed columns with the sealed text.
    columns: bool,
    /// The file's partition, as a day number.
    day: Option<i64>,
}

fn scan_file(
    file: &DataFile,
    logged: &LoggedFile,
    indexes: &Range<u64>,
    checks: Checks,
    visit: Visit<'_>,
) -> Result<ControlFlow<()>, TableError> {
    // A file that lies within the range is shown as it is, whatever indexes its rows claim.
    let whole = lies_within(logged, indexes);
    let batches = if whole {
        file.all()?
    } else {
        file.near(indexes)?
    };
    for batch in batches {
        let batch = batch?;
        let decoder = Decoder::new(&batch).map_err(|what| damaged(file.path(), what))?;
        for at in 0..decoder.len() {
            if !whole && !indexes.contains(&decoder.index(at).cast_unsigned()) {
                continue;
            }
            let scanned = scanned_row(file, &decoder, at, checks)?;
            if visit(scanned).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn scanned_row(
    file: &DataFile,
    decoder: &Decoder<'_>,
    at: usize,
    checks: Checks,
) -> Result<ScannedRow, TableError> {
    let cells = decoder.cells(at);
    let record = match decoder.record(at, &cells) {
        Ok(record) => record,
        Err(unreadable) if checks.columns => {
            let (row, fault) = unreadable.into_fault();
            return Ok(ScannedRow {
                row,
                column_fault: Some(fault),
            });
        }
        Err(unreadable) => return Err(damaged_row(file, &unreadable)),
    };
    let sealed = record.text().is_some();
    let column_fault = if checks.columns && sealed {
        columns::column_fault(&cells).or_else(|| date_fault(&cells, checks.day))
    } else {
        None
    };
    let index = decoder.index(at).cast_unsigned();
    Ok(ScannedRow {
        row: Row { index, record },
        column_fault,
    })
}

fn date_fault(cells: &columns::Cells<'_>, day: Option<i64>) -> Option<ColumnFault> {
    let recorded = cells.recorded_at?.div_euclid(MICROSECONDS_A_DAY);
    (day != Some(recorded)).then(|| ColumnFault {
        column: PARTITION,
        stored: day.map(date_of),
        sealed: Some(date_of(recorded)),
    })
}
