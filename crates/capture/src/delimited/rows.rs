//! Rows out of bytes: RFC 4180's automaton, for any one-byte delimiter and any line end, over chunks of any size. A row
//! that can be understood in more than one way is named as a fault, and the next row begins behind its end.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;

use crate::row::Cell;
use crate::source::{Unmarked, without_mark};
use crate::{COLUMNS_MAX, ROW_BYTES_MAX, Reason};

/// Takes rows apart, one at a time, into buffers that are used again.
pub(super) struct Reader<R> {
    input: BufReader<Unmarked<R>>,
    delimiter: u8,
    trim: bool,
    /// Line that the next byte stands on.
    line: u64,
    /// Whether the last row ended with a carriage return, to which a line feed may still belong.
    after_return: bool,
    /// Line on which the row begins.
    pub(super) row_line: u64,
    /// The row as it stands, without its end.
    pub(super) raw: Vec<u8>,
    /// The fields' bytes, one behind the other.
    pub(super) data: Vec<u8>,
    /// Where each field lies in `data`.
    pub(super) fields: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote inside a quoted field: the end of it, or half of a doubled one.
    QuoteSeen,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(input: R, delimiter: u8, trim: bool) -> std::io::Result<Reader<R>> {
        Ok(Reader {
            input: BufReader::with_capacity(BUFFER_BYTES, without_mark(input)?),
            delimiter,
            trim,
            line: 1,
            after_return: false,
            row_line: 1,
            raw: Vec::new(),
            data: Vec::new(),
            fields: Vec::new(),
        })
    }

    pub(super) fn skip_lines(&mut self, count: u64) -> std::io::Result<()> {
        for _ in 0..count {
            let mut ended = false;
            while !ended {
                let chunk = self.input.fill_buf()?;
                if chunk.is_empty() {
                    return Ok(());
                }
                let end = chunk.iter().position(|byte| *byte == b'\n');
                ended = end.is_some();
                let count = end.map_or(chunk.len(), |end| end + 1);
                self.input.consume(count);
            }
            self.line += 1;
        }
        Ok(())
    }

    /// The next row that is not an empty line, in `fields` and `data`; or why it is none. `None` at the end.
    pub(super) fn next_row(&mut self) -> std::io::Result<Option<Result<(), Reason>>> {
        loop {
            let more = self.take_row()?;
            match more {
                Some(Ok(())) if self.raw.is_empty() => {}
                other => return Ok(other),
            }
        }
    }

    fn take_row(&mut self) -> std::io::Result<Option<Result<(), Reason>>> {
        self.raw.clear();
        self.data.clear();
        self.fields.clear();
        let mut row = RowState {
            state: State::FieldStart,
            field_from: 0,
            quote_line: self.line,
            fault: None,
            keeping: true,
        };
        let mut began = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                if !began {
                    return Ok(None);
                }
                if row.state == State::Quoted {
                    row.fault = Some(Reason::UnclosedQuote {
                        line: row.quote_line,
                    });
                }
                self.end_field(&mut row);
                return Ok(Some(row.fault.map_or(Ok(()), Err)));
            }
            let mut chunk = chunk;
            let mut skipped = 0;
            if self.after_return {
                self.after_return = false;
                if let Some(rest) = chunk.strip_prefix(b"\n") {
                    chunk = rest;
                    skipped = 1;
                }
                if chunk.is_empty() {
                    self.input.consume(skipped);
                    continue;
                }
            }
            if !began {
                began = true;
                self.row_line = self.line;
                row.quote_line = self.line;
            }
            let mut step = Step {
                delimiter: self.delimiter,
                trim: self.trim,
                line: &mut self.line,
                data: &mut self.data,
                fields: &mut self.fields,
                row: &mut row,
            };
            let (used, ended) = step.run(chunk);
            let content = used - usize::from(ended);
            if row.keeping {
                let room = ROW_BYTES_MAX.saturating_sub(self.raw.len());
                if content > room {
                    row.keeping = false;
                    row.fault = Some(Reason::TooLong {
                        limit: ROW_BYTES_MAX,
                    });
                }
                let kept = chunk.get(..content.min(room)).unwrap_or_default();
                self.raw.extend_from_slice(kept);
            }
            let at_return = ended && chunk.get(used - 1) == Some(&b'\r');
            self.input.consume(used + skipped);
            if ended {
                self.after_return = at_return;
                self.line += 1;
                self.end_field(&mut row);
                return Ok(Some(row.fault.map_or(Ok(()), Err)));
            }
        }
    }

    fn end_field(&mut self, row: &mut RowState) {
        let mut step = Step {
            delimiter: self.delimiter,
            trim: self.trim,
            line: &mut self.line,
            data: &mut self.data,
            fields: &mut self.fields,
            row,
        };
        step.end_field();
    }

    /// The row's cells, if there is one for each name and all are UTF-8.
    pub(super) fn cells(
        &self,
        names: &[String],
        missing: &[String],
    ) -> Result<Vec<Cell<'_>>, Reason> {
        if self.fields.len() != names.len() {
            return Err(Reason::Ragged {
                expected: names.len(),
                found: self.fields.len(),
            });
        }
        let mut cells = Vec::with_capacity(names.len());
        for (field, name) in self.fields.iter().zip(names) {
            let bytes = self.data.get(field.clone()).unwrap_or_default();
            let Ok(text) = std::str::from_utf8(bytes) else {
                return Err(Reason::NotUtf8 {
                    column: name.clone(),
                });
            };
            let is_missing = text.is_empty() || missing.iter().any(|word| word == text);
            cells.push(if is_missing {
                Cell::Missing(Some(Cow::Borrowed(text)))
            } else {
                Cell::Text(Cow::Borrowed(text))
            });
        }
        Ok(cells)
    }
}

struct RowState {
    state: State,
    field_from: usize,
    quote_line: u64,
    fault: Option<Reason>,
    /// Off once the row is too long or too wide: its end is still looked for, its content is not held.
    keeping: bool,
}

/// The automaton over one chunk of bytes.
struct Step<'a> {
    delimiter: u8,
    trim: bool,
    line: &'a mut u64,
    data: &'a mut Vec<u8>,
    fields: &'a mut Vec<Range<usize>>,
    row: &'a mut RowState,
}

impl Step<'_> {
    /// Consumes bytes up to the end of the row or of the chunk: how many, and whether the last of them ended the row.
    fn run(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(byte) = chunk.get(at).copied() {
            match self.row.state {
                State::Quoted => {
                    let rest = chunk.get(at..).unwrap_or_default();
                    let run = rest
                        .iter()
                        .position(|byte| *byte == b'"')
                        .unwrap_or(rest.len());
                    let text = rest.get(..run).unwrap_or_default();
                    *self.line += text.split(|byte| *byte == b'\n').count() as u64 - 1;
                    self.keep(text);
                    at += run;
                    if run < rest.len() {
                        self.row.state = State::QuoteSeen;
                        at += 1;
                    }
                    continue;
                }
                State::FieldStart if byte == b'"' => {
                    self.row.state = State::Quoted;
                    self.row.quote_line = *self.line;
                }
                State::FieldStart if self.trim && self.is_blank(byte) => {}
                State::QuoteSeen if byte == b'"' => {
                    self.keep(b"\"");
                    self.row.state = State::Quoted;
                }
                State::FieldStart | State::Plain | State::QuoteSeen if byte == self.delimiter => {
                    self.end_field();
                }
                State::FieldStart | State::Plain | State::QuoteSeen
                    if matches!(byte, b'\n' | b'\r') =>
                {
                    return (at + 1, true);
                }
                State::QuoteSeen => {
                    if !(self.trim && self.is_blank(byte)) && self.row.fault.is_none() {
                        self.row.fault = Some(Reason::AfterQuote {
                            field: self.fields.len() + 1,
                        });
                    }
                }
                State::FieldStart | State::Plain => {
                    self.row.state = State::Plain;
                    let rest = chunk.get(at..).unwrap_or_default();
                    let run = rest
                        .iter()
                        .position(|byte| *byte == self.delimiter || matches!(byte, b'\n' | b'\r'))
                        .unwrap_or(rest.len());
                    self.keep(rest.get(..run).unwrap_or_default());
                    at += run;
                    continue;
                }
            }
            at += 1;
        }
        (at, false)
    }

    fn end_field(&mut self) {
        let mut end = self.data.len();
        if self.trim && self.row.state == State::Plain {
            let text = self.data.get(self.row.field_from..).unwrap_or_default();
            end -= text
                .iter()
                .rev()
                .take_while(|byte| self.is_blank(**byte))
                .count();
        }
        if self.fields.len() < COLUMNS_MAX {
            self.fields.push(self.row.field_from..end);
        } else {
            self.row.keeping = false;
            self.row.fault = Some(Reason::TooWide { limit: COLUMNS_MAX });
        }
        self.row.field_from = self.data.len();
        self.row.state = State::FieldStart;
    }

    fn keep(&mut self, text: &[u8]) {
        if self.row.keeping && self.data.len() <= ROW_BYTES_MAX {
            self.data.extend_from_slice(text);
        }
    }

    fn is_blank(&self, byte: u8) -> bool {
        byte != self.delimiter && matches!(byte, b' ' | b'\t')
    }
}

const BUFFER_BYTES: usize = 128 << 10;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows as fields, or the reason, with the line of each.
    fn rows(text: &[u8], delimiter: u8, trim: bool) -> Vec<(u64, Result<Vec<String>, Reason>)> {
        // A reader that gives one byte at a time meets every chunk boundary.
        let mut reader = Reader::new(text, delimiter, trim).unwrap();
        reader.input = BufReader::with_capacity(1, without_mark(text).unwrap());
        let mut rows = Vec::new();
        while let Some(result) = reader.next_row().unwrap() {
            let fields = reader
                .fields
                .iter()
                .map(|field| String::from_utf8_lossy(&reader.data[field.clone()]).into_owned());
            rows.push((reader.row_line, result.map(|()| fields.collect())));
        }
        rows
    }

    fn good(text: &str) -> Vec<Vec<String>> {
        rows(text.as_bytes(), b',', false)
            .into_iter()
            .map(|(_, row)| row.unwrap())
            .collect()
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_quotes() {
        assert_eq!(
            good("a,\"b,\r\nc\"\"d\",\"\"\r\ne,f\"g,\n"),
            [["a", "b,\r\nc\"d", ""], ["e", "f\"g", ""]]
        );
    }

    #[test]
    fn every_line_end_ends_a_row_and_empty_lines_are_none() {
        assert_eq!(
            good("a,b\rc,d\r\n\r\n\ne,f"),
            [["a", "b"], ["c", "d"], ["e", "f"]]
        );
    }

    #[test]
    fn lines_are_counted_through_quoted_line_ends() {
        let lines: Vec<u64> = rows(b"h\r\n\"a\nb\"\nc\n\nd\r\n", b',', false)
            .iter()
            .map(|(line, _)| *line)
            .collect();
        assert_eq!(lines, [1, 2, 4, 6]);
    }

    #[test]
    fn a_byte_order_mark_is_not_content() {
        assert_eq!(good("\u{feff}a,b\n"), [["a", "b"]]);
    }

    #[test]
    fn text_behind_a_closing_quote_rejects_the_row_only() {
        let rows = rows(b"\"a\"b,c\nd,e\n", b',', false);
        assert_eq!(rows[0].1, Err(Reason::AfterQuote { field: 1 }));
        assert_eq!(rows[1].1.as_ref().unwrap(), &["d", "e"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_named_by_its_line() {
        let rows = rows(b"a\nb,\"c\nd\n", b',', false);
        assert_eq!(rows[1], (2, Err(Reason::UnclosedQuote { line: 2 })));
    }

    #[test]
    fn trimming_leaves_quoted_blanks_alone() {
        let rows = rows(b" a , \" b \" ,c d\t\n", b',', true);
        assert_eq!(rows[0].1.as_ref().unwrap(), &["a", " b ", "c d"]);
    }

    #[test]
    fn a_row_beyond_the_limit_is_rejected_and_the_next_one_is_read() {
        let mut text = vec![b'x'; ROW_BYTES_MAX + 10];
        text.extend_from_slice(b"\ny\n");
        let mut reader = Reader::new(text.as_slice(), b',', false).unwrap();
        assert_eq!(
            reader.next_row().unwrap(),
            Some(Err(Reason::TooLong {
                limit: ROW_BYTES_MAX
            }))
        );
        assert_eq!(reader.raw.len(), ROW_BYTES_MAX);
        assert_eq!(reader.next_row().unwrap(), Some(Ok(())));
        assert_eq!(reader.raw, b"y");
    }

    proptest! {
        #[test]
        fn what_another_writer_wrote_comes_back_byte_for_byte(
            table in (1_usize..5).prop_flat_map(|width| {
                proptest::collection::vec(proptest::collection::vec(any::<String>(), width), 1..8)
            }),
            delimiter in proptest::sample::select(vec![b',', b'\t', b'|', b';', b' ']),
        ) {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = writer.into_inner().unwrap();
            // The writer has no byte order mark; a cell that begins with one would be taken for it.
            prop_assume!(!text.starts_with(b"\xef\xbb\xbf"));
            let back: Vec<Vec<String>> = rows(&text, delimiter, false).into_iter().map(|(_, row)| row.unwrap()).collect();
            prop_assert_eq!(back, table);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>) {
            rows(&bytes, b',', true);
        }
    }
}
