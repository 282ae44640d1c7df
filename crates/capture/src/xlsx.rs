//! Workbooks (Office Open XML): one sheet as a table, cell by cell. Cells keep the types they have there; dates become
//! texts of dates, errors such as `#N/A` their own text.
//!
//! A sheet is read as a stream. Its shared strings are held in memory by the reader of the format; that there are not
//! too many is checked before it sees the file.

mod archive;
mod cell;

use std::borrow::Cow;
use std::io::BufReader;
use std::ops::ControlFlow;

use calamine::{Reader as _, Xlsx, XlsxError};

use crate::row::{Cell, Item, Place, Sink, SourceRow, cells_text, distinct_names};
use crate::shield::shielded;
use crate::{COLUMNS_MAX, CaptureError, ReadOptions, Reason, Source};
use archive::check_archive;
use cell::typed;

/// Reads one sheet of a workbook.
pub(crate) fn read(
    source: &Source,
    options: &ReadOptions,
    sink: &mut Sink<'_>,
) -> Result<(), CaptureError> {
    check_archive(source)?;
    let input = BufReader::new(source.open()?);
    let mut workbook: Xlsx<_> = shielded(source, 1, || Xlsx::new(input))?;
    let sheets = workbook.sheet_names();
    let sheet = match &options.sheet {
        Some(wanted) if sheets.contains(wanted) => wanted.clone(),
        Some(wanted) => {
            return Err(CaptureError::Mapping {
                place: "read.sheet".to_owned(),
                problem: format!("no sheet {wanted:?}; there are {}", sheets.join(", ")),
            });
        }
        None => match sheets.first() {
            Some(first) => first.clone(),
            None => return Err(source.broken(1, "the workbook has no sheet")),
        },
    };
    let mut cells = shielded(source, 1, || workbook.worksheet_cells_reader(&sheet))?;
    let mut table = Table {
        source,
        options,
        header: None,
        row: 0,
        pending: None,
    };
    loop {
        let line = table
            .pending
            .as_ref()
            .map_or(1, |pending| u64::from(pending.sheet_row) + 1);
        let next = shielded(source, line, || match cells.next_cell() {
            Ok(Some(cell)) => Ok(Some(Ok((cell.get_position(), typed(&cell, options))))),
            // An error value that the format's reader does not know: the row's fault, and reading can go on.
            Err(XlsxError::CellError(value)) => Ok(Some(Err(value))),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        })?;
        let flow = match next {
            Some(Ok(((sheet_row, column), cell))) => table.cell(sheet_row, column, cell, sink)?,
            Some(Err(value)) => {
                if let Some(pending) = &mut table.pending {
                    pending.fault = Some(Reason::Value {
                        column: "?".to_owned(),
                        problem: format!("unknown error value {value:?}"),
                    });
                }
                ControlFlow::Continue(())
            }
            None => {
                return table.end_row(sink).map(|_| ());
            }
        };
        if flow.is_break() {
            return Ok(());
        }
    }
}

/// Names of the sheets of a workbook, in order.
pub(crate) fn sheet_names(source: &Source) -> Result<Vec<String>, CaptureError> {
    check_archive(source)?;
    let input = BufReader::new(source.open()?);
    let workbook: Xlsx<_> = shielded(source, 1, || Xlsx::new(input))?;
    Ok(workbook.sheet_names())
}

/// Gathers cells into rows.
struct Table<'a> {
    source: &'a Source,
    options: &'a ReadOptions,
    header: Option<Header>,
    row: u64,
    pending: Option<Pending>,
}

struct Header {
    names: Vec<String>,
    first_column: u32,
}

/// The row whose cells are being gathered.
struct Pending {
    sheet_row: u32,
    cells: Vec<(u32, Cell<'static>)>,
    fault: Option<Reason>,
}

impl Table<'_> {
    fn cell(
        &mut self,
        sheet_row: u32,
        column: u32,
        cell: Result<Cell<'static>, String>,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, CaptureError> {
        if u64::from(sheet_row) < self.options.skip {
            return Ok(ControlFlow::Continue(()));
        }
        let line = u64::from(sheet_row) + 1;
        if column as usize >= COLUMNS_MAX {
            return Err(self
                .source
                .broken(line, format!("a cell beyond column {COLUMNS_MAX}")));
        }
        let in_row = self.pending.as_ref().map(|pending| pending.sheet_row);
        if in_row.is_some_and(|in_row| sheet_row < in_row) {
            return Err(self
                .source
                .broken(line, "the rows of the sheet are not in order"));
        }
        let mut flow = ControlFlow::Continue(());
        if in_row.is_some_and(|in_row| sheet_row > in_row) {
            flow = self.end_row(sink)?;
        }
        let pending = self.pending.get_or_insert_with(|| Pending {
            sheet_row,
            cells: Vec::new(),
            fault: None,
        });
        match cell {
            Ok(Cell::Missing(None)) => {}
            Ok(cell) => pending.cells.push((column, cell)),
            Err(problem) => {
                pending.fault = Some(Reason::Value {
                    column: column_letters(column),
                    problem,
                });
            }
        }
        Ok(flow)
    }

    /// Hands on the gathered row: as the header if it is the first, not at all if it is blank.
    fn end_row(&mut self, sink: &mut Sink<'_>) -> Result<ControlFlow<()>, CaptureError> {
        let Some(pending) = self.pending.take() else {
            return Ok(ControlFlow::Continue(()));
        };
        if pending.cells.is_empty() && pending.fault.is_none() {
            return Ok(ControlFlow::Continue(()));
        }
        if self.header.is_none() {
            let has_header = self.options.header.unwrap_or(true);
            let flow = self.take_header(&pending, has_header, sink)?;
            if has_header || flow.is_break() {
                return Ok(flow);
            }
        }
        let Some(header) = &self.header else {
            return Ok(ControlFlow::Continue(()));
        };
        self.row += 1;
        let at = Place {
            row: self.row,
            line: u64::from(pending.sheet_row) + 1,
        };
        let mut cells: Vec<Cell<'static>> = vec![Cell::Missing(None); header.names.len()];
        let mut fault = pending.fault;
        for (column, cell) in pending.cells {
            let place = column
                .checked_sub(header.first_column)
                .map(|place| place as usize);
            match place.and_then(|place| cells.get_mut(place)) {
                Some(slot) => *slot = cell,
                None => {
                    fault = Some(Reason::Value {
                        column: column_letters(column),
                        problem: "a value outside the columns of the header".to_owned(),
                    });
                }
            }
        }
        let raw = cells_text(&cells);
        match fault {
            Some(reason) => sink(Item::Bad {
                at,
                raw: raw.as_bytes(),
                reason,
            }),
            None => sink(Item::Row(SourceRow {
                at,
                raw: raw.as_bytes(),
                names: &header.names,
                cells: &cells,
            })),
        }
    }

    fn take_header(
        &mut self,
        pending: &Pending,
        is_header: bool,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, CaptureError> {
        let line = u64::from(pending.sheet_row) + 1;
        let columns = || pending.cells.iter().map(|(column, _)| *column);
        let (Some(first_column), Some(last)) = (columns().min(), columns().max()) else {
            return Err(self.source.broken(line, "the header has no readable cell"));
        };
        let mut given: Vec<String> = Vec::new();
        for column in first_column..=last {
            let cell = pending.cells.iter().find(|(at, _)| *at == column);
            given.push(match cell {
                _ if !is_header => format!("col_{}", column - first_column + 1),
                Some((_, Cell::Json(json))) => crate::text::unquoted(json)
                    .unwrap_or(Cow::Borrowed(json))
                    .into_owned(),
                Some((_, Cell::Missing(Some(text)) | Cell::Text(text))) => text.to_string(),
                Some((_, Cell::Missing(None))) | None => String::new(),
            });
        }
        if !self.options.columns.is_empty() {
            if self.options.columns.len() != given.len() {
                return Err(CaptureError::Mapping {
                    place: "read.columns".to_owned(),
                    problem: format!(
                        "{} names for {} columns",
                        self.options.columns.len(),
                        given.len()
                    ),
                });
            }
            given.clone_from(&self.options.columns);
        }
        let (names, renamed) = distinct_names(given);
        let flow = sink(Item::Header {
            names: &names,
            renamed: &renamed,
        })?;
        self.header = Some(Header {
            names,
            first_column,
        });
        Ok(flow)
    }
}
/// A column as a worksheet calls it: A, B, ... Z, AA.
fn column_letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        let letter = u8::try_from(rest % 26).unwrap_or_default();
        letters.push(char::from(b'A' + letter));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        assert_eq!(column_letters(0), "A");
        assert_eq!(column_letters(25), "Z");
        assert_eq!(column_letters(26), "AA");
        assert_eq!(column_letters(16_383), "XFD");
    }
}
