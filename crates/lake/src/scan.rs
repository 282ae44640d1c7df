//! Reading a table from end to end: the rows of one committed state, in the order they lie on disk.

use std::ops::{ControlFlow, Range};
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
                if scan_file(&file, logged, &rest, checks, visit)?.is_break() {
                    return Ok(());
                }
                rest.start = rest.start.max(logged.last_index.saturating_add(1));
            }
            let Some(fault) = gone else {
                return Ok(());
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
    let whole = indexes.start <= logged.first_index && logged.last_index < indexes.end;
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
