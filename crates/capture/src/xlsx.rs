//! Workbooks (Office Open XML): one sheet as a table, cell by cell. Cells keep the types they have there; dates become
//! texts of dates, errors such as `#N/A` their own text.
//!
//! A sheet is read as a stream. Its shared strings are held in memory by the reader of the format; that there are not
//! too many is checked before it sees the file.

use std::borrow::Cow;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;

use calamine::{Cell as SheetCell, DataRef, ExcelDateTime, Reader as _, Xlsx, XlsxError};

use crate::row::{Cell, Item, Place, Sink, SourceRow, distinct_names};
use crate::shield::shielded;
use crate::text::quoted;
use crate::{COLUMNS_MAX, CaptureError, ReadOptions, Reason, Source, number};

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

/// A cell in its type; or why it cannot be taken.
fn typed(cell: &SheetCell<DataRef<'_>>, options: &ReadOptions) -> Result<Cell<'static>, String> {
    let json = match cell.get_value() {
        DataRef::Empty => return Ok(Cell::Missing(None)),
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => number_text(*value)?,
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(value) => quoted(&date_text(*value)?),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => quoted(text),
        DataRef::Error(error) => quoted(&error.to_string()),
        DataRef::String(text) => return Ok(string_cell(text, options)),
        DataRef::SharedString(text) => return Ok(string_cell(text, options)),
    };
    Ok(Cell::Json(Cow::Owned(json)))
}

fn string_cell(text: &str, options: &ReadOptions) -> Cell<'static> {
    if text.is_empty() || options.missing.iter().any(|word| word == text) {
        return Cell::Missing(Some(Cow::Owned(text.to_owned())));
    }
    Cell::Json(Cow::Owned(quoted(text)))
}

/// A worksheet number: a double, which says nothing of how it was typed, so that 5.0 is 5.
fn number_text(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Err("not a finite number".to_owned());
    }
    if value.abs() > DOUBLE_EXACT_MAX && value.abs() < 1e21 {
        return Err(format!(
            "{value} is beyond 2^53, where a worksheet's numbers lose digits; store it as text"
        ));
    }
    if value.fract() == 0.0 && value.abs() <= DOUBLE_EXACT_MAX {
        return Ok(format!("{value:.0}"));
    }
    Ok(number::from_f64(value).into_owned())
}

/// A date, a time of day, a date with time or a duration, by what the number behind the format says.
fn date_text(value: ExcelDateTime) -> Result<String, String> {
    let days = value.as_f64();
    if value.is_duration() {
        let milliseconds = (days * 86_400_000.0).round();
        if !milliseconds.is_finite() || milliseconds.abs() > 9e15 {
            return Err(format!("{days} days is no duration"));
        }
        return Ok(format!("PT{}S", number_text(milliseconds / 1000.0)?));
    }
    if !(0.0..EXCEL_DAYS_END).contains(&days) {
        return Err(format!("{days} is no day of a worksheet's calendar"));
    }
    let (year, month, day, hour, minute, second, millisecond) = value.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let mut time = format!("{hour:02}:{minute:02}:{second:02}");
    if millisecond > 0 {
        time = format!("{time}.{millisecond:03}");
    }
    Ok(if days < 1.0 {
        time
    } else if days.fract() == 0.0 {
        date
    } else {
        format!("{date}T{time}")
    })
}

/// The cells as a JSON array: what a rejects file shows of a row that has no text of its own.
pub(crate) fn cells_text(cells: &[Cell<'_>]) -> String {
    let mut out = String::from("[");
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match cell {
            Cell::Json(json) => out.push_str(json),
            Cell::Text(text) | Cell::Missing(Some(text)) => {
                crate::text::push_string(&mut out, text);
            }
            Cell::Missing(None) => out.push_str("null"),
        }
    }
    out.push(']');
    out
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

/// Looks at the archive before the format's reader does, which holds all parts but the sheets in memory and reserves
/// as much as they announce.
fn check_archive(source: &Source) -> Result<(), CaptureError> {
    let broken =
        |error: zip::result::ZipError| source.broken(1, format!("not a workbook: {error}"));
    let mut archive = zip::ZipArchive::new(BufReader::new(source.open()?)).map_err(broken)?;
    let limit = |what, found, limit| CaptureError::Limit {
        name: source.name().to_owned(),
        what,
        found,
        limit,
    };
    if archive.len() > ARCHIVE_PARTS_MAX {
        return Err(limit(
            "parts of a workbook",
            archive.len() as u64,
            ARCHIVE_PARTS_MAX as u64,
        ));
    }
    let mut bytes = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(broken)?;
        let name = part.name().map_err(broken)?.to_ascii_lowercase();
        let is_held = matches!(name.rsplit('.').next(), Some("xml" | "rels"))
            && !name.contains("worksheets/");
        if !is_held {
            continue;
        }
        let mut head = Vec::new();
        let io = |error| source.io(error);
        part.by_ref()
            .take(4_096)
            .read_to_end(&mut head)
            .map_err(io)?;
        let room = HELD_BYTES_MAX + 1;
        let rest = std::io::copy(&mut part.take(room), &mut std::io::sink()).map_err(io)?;
        let part_bytes = head.len() as u64 + rest;
        bytes += part_bytes;
        if bytes > HELD_BYTES_MAX {
            return Err(limit("bytes of texts and styles", bytes, HELD_BYTES_MAX));
        }
        if announced_count(&head) > part_bytes {
            return Err(source.broken(1, "it announces more texts than it has"));
        }
    }
    Ok(())
}

/// The number in `uniqueCount="..."`, by which memory is reserved.
fn announced_count(head: &[u8]) -> u64 {
    let head = String::from_utf8_lossy(head);
    let Some((_, after)) = head.split_once("uniqueCount") else {
        return 0;
    };
    let digits: String = after
        .chars()
        .skip_while(|character| !character.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(u64::MAX)
}

const DOUBLE_EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Behind 9999-12-31, the last day that a worksheet knows.
const EXCEL_DAYS_END: f64 = 2_958_466.0;
const ARCHIVE_PARTS_MAX: usize = 10_000;
const HELD_BYTES_MAX: u64 = 256 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn numbers_beyond_what_a_double_holds_are_not_taken_for_exact() {
        assert_eq!(number_text(5.0).unwrap(), "5");
        assert_eq!(number_text(0.1).unwrap(), "0.1");
        assert_eq!(number_text(-1_234_567.25).unwrap(), "-1234567.25");
        assert_eq!(
            number_text(9_007_199_254_740_992.0).unwrap(),
            "9007199254740992"
        );
        assert!(number_text(1e18).is_err());
        assert_eq!(number_text(1e300).unwrap(), "1e300");
    }

    #[test]
    fn dates_are_what_the_number_says() {
        let date = |days: f64, kind| date_text(ExcelDateTime::new(days, kind, false));
        assert_eq!(
            date(45_444.0, ExcelDateTimeType::DateTime).unwrap(),
            "2024-06-01"
        );
        assert_eq!(
            date(45_444.5, ExcelDateTimeType::DateTime).unwrap(),
            "2024-06-01T12:00:00"
        );
        assert_eq!(date(0.75, ExcelDateTimeType::DateTime).unwrap(), "18:00:00");
        assert_eq!(
            date(1.5, ExcelDateTimeType::TimeDelta).unwrap(),
            "PT129600S"
        );
        assert!(date(-1.0, ExcelDateTimeType::DateTime).is_err());
        assert!(date(3e6, ExcelDateTimeType::DateTime).is_err());
        assert!(date(f64::NAN, ExcelDateTimeType::TimeDelta).is_err());
    }

    #[test]
    fn columns_have_letters() {
        assert_eq!(column_letters(0), "A");
        assert_eq!(column_letters(25), "Z");
        assert_eq!(column_letters(26), "AA");
        assert_eq!(column_letters(16_383), "XFD");
    }
}
