//! JSON: one object a line, or values in an array or one after another. Values are cut out of the stream by their
//! brackets and handed on as they stand, one at a time, so a long array needs no more memory than its longest element.

use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use crate::row::{Cell, Item, Place, Sink, SourceRow};
use crate::source::{Unmarked, without_mark};
use crate::{COLUMNS_MAX, CaptureError, NESTING_MAX, ROW_BYTES_MAX, Reason, Source, text};

/// Reads a source as JSON lines.
pub(crate) fn read_lines(source: &Source, sink: &mut Sink<'_>) -> Result<(), CaptureError> {
    each_line(source, &mut |at, line| match line {
        Ok(line) => row(at, line, sink),
        Err((raw, reason)) => sink(Item::Bad { at, raw, reason }),
    })
}

/// Reads a source as one JSON array, or as values one after another.
pub(crate) fn read_values(source: &Source, sink: &mut Sink<'_>) -> Result<(), CaptureError> {
    let mut values = Values::new(source)?;
    let mut number = 0;
    while let Some(result) = values.next_value()? {
        number += 1;
        let at = Place {
            row: number,
            line: values.value_line,
        };
        let text = result.and_then(|()| {
            std::str::from_utf8(&values.value).map_err(|error| Reason::LineNotUtf8 {
                at: error.valid_up_to(),
            })
        });
        let flow = match text {
            Ok(text) => row(at, text, sink)?,
            Err(reason) => sink(Item::Bad {
                at,
                raw: &values.value,
                reason,
            })?,
        };
        if flow.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// What is done with a line: its text, or what was held of it and the reason against it.
pub(crate) type LineSink<'s> =
    dyn FnMut(Place, Result<&str, (&[u8], Reason)>) -> Result<ControlFlow<()>, CaptureError> + 's;

/// Goes through the lines of a source that are not blank, without their ends.
pub(crate) fn each_line(source: &Source, each: &mut LineSink<'_>) -> Result<(), CaptureError> {
    let io = |error| source.io(error);
    let mut input = BufReader::new(without_mark(source.open()?).map_err(io)?);
    let mut line = Vec::new();
    let mut at = Place { row: 0, line: 0 };
    loop {
        line.clear();
        let limit = ROW_BYTES_MAX as u64 + 1;
        let read = input.by_ref().take(limit).read_until(b'\n', &mut line);
        if read.map_err(io)? == 0 {
            return Ok(());
        }
        at.line += 1;
        let is_whole = line.ends_with(b"\n") || line.len() as u64 <= ROW_BYTES_MAX as u64;
        if !is_whole {
            skip_line(&mut input).map_err(io)?;
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        at.row += 1;
        let result = if is_whole {
            std::str::from_utf8(&line).map_err(|error| {
                let at = error.valid_up_to();
                (line.as_slice(), Reason::LineNotUtf8 { at })
            })
        } else {
            Err((
                line.as_slice(),
                Reason::TooLong {
                    limit: ROW_BYTES_MAX,
                },
            ))
        };
        if each(at, result)?.is_break() {
            return Ok(());
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(chunk.len(), |end| end + 1);
        input.consume(count);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Hands on one JSON object as a row of its members.
fn row(at: Place, json: &str, sink: &mut Sink<'_>) -> Result<ControlFlow<()>, CaptureError> {
    let raw = json.as_bytes();
    let members = match text::members(json) {
        Ok(members) if members.len() > COLUMNS_MAX => Err(Reason::TooWide { limit: COLUMNS_MAX }),
        other => other,
    };
    match members {
        Ok(members) => {
            let mut names = Vec::with_capacity(members.len());
            let mut cells = Vec::with_capacity(members.len());
            for (name, value) in members {
                names.push(name);
                cells.push(Cell::Json(value.into()));
            }
            sink(Item::Row(SourceRow {
                at,
                raw,
                names: &names,
                cells: &cells,
            }))
        }
        Err(reason) => sink(Item::Bad { at, raw, reason }),
    }
}

/// Cuts values out of a stream.
struct Values<'s> {
    source: &'s Source,
    input: BufReader<Unmarked<Box<dyn crate::ReadSeek>>>,
    line: u64,
    /// Whether the values are the elements of one array; not known before the first byte.
    in_array: Option<bool>,
    count: u64,
    ended: bool,
    value: Vec<u8>,
    value_line: u64,
}

impl<'s> Values<'s> {
    fn new(source: &'s Source) -> Result<Values<'s>, CaptureError> {
        let input = without_mark(source.open()?).map_err(|error| source.io(error))?;
        Ok(Values {
            source,
            input: BufReader::new(input),
            line: 1,
            in_array: None,
            count: 0,
            ended: false,
            value: Vec::new(),
            value_line: 1,
        })
    }

    /// The next value, in `value`; or why it is rejected. `None` at the end.
    fn next_value(&mut self) -> Result<Option<Result<(), Reason>>, CaptureError> {
        if self.ended {
            return match self.peek_solid()? {
                None => Ok(None),
                Some(_) => Err(self.broken("something stands behind the end of the array")),
            };
        }
        let Some(mut byte) = self.peek_solid()? else {
            return match self.in_array {
                Some(true) => Err(self.broken("the array is not closed")),
                _ => Ok(None),
            };
        };
        if self.in_array.is_none() {
            self.in_array = Some(byte == b'[');
            if byte == b'[' {
                self.input.consume(1);
                byte = self.solid("the array is not closed")?;
                if byte == b']' {
                    return self.end_array();
                }
            }
        } else if self.in_array == Some(true) {
            match byte {
                b']' => return self.end_array(),
                b',' => {
                    self.input.consume(1);
                    self.solid("the array is not closed")?;
                }
                _ => {
                    return Err(
                        self.broken("neither a comma nor the end of the array behind an element")
                    );
                }
            }
        }
        self.count += 1;
        self.value_line = self.line;
        self.take_value().map(Some)
    }

    fn end_array(&mut self) -> Result<Option<Result<(), Reason>>, CaptureError> {
        self.input.consume(1);
        self.ended = true;
        self.next_value()
    }

    /// Copies one value: to the bracket that closes it, or, for one without brackets, to what ends it.
    fn take_value(&mut self) -> Result<Result<(), Reason>, CaptureError> {
        self.value.clear();
        let mut closers: Vec<u8> = Vec::new();
        let mut in_string = false;
        let mut escaped = false;
        let mut fault = None;
        loop {
            let Some(byte) = self.peek()? else {
                if closers.is_empty() && !in_string {
                    return Ok(fault.map_or(Ok(()), Err));
                }
                let problem = format!(
                    "the value that begins on line {} is not closed",
                    self.value_line
                );
                return Err(self.broken(problem));
            };
            if !in_string && closers.is_empty() && !self.value.is_empty() {
                let is_end =
                    byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}' | b'[' | b'{');
                if is_end {
                    return Ok(fault.map_or(Ok(()), Err));
                }
            }
            self.input.consume(1);
            self.line += u64::from(byte == b'\n');
            if self.value.len() < ROW_BYTES_MAX {
                self.value.push(byte);
            } else {
                fault = Some(Reason::TooLong {
                    limit: ROW_BYTES_MAX,
                });
            }
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                if in_string || !closers.is_empty() {
                    continue;
                }
                return Ok(fault.map_or(Ok(()), Err));
            }
            match byte {
                b'"' => in_string = true,
                b'{' => closers.push(b'}'),
                b'[' => closers.push(b']'),
                b'}' | b']' => {
                    if closers.pop() != Some(byte) {
                        let problem = format!("{:?} closes nothing", char::from(byte));
                        return Err(self.broken(problem));
                    }
                    if closers.is_empty() {
                        return Ok(fault.map_or(Ok(()), Err));
                    }
                }
                _ => {}
            }
            if closers.len() > NESTING_MAX * 8 {
                // Deep nesting is for the record to refuse; this deep, the brackets themselves would need memory.
                return Err(self.broken("nested too deeply to follow"));
            }
        }
    }

    fn solid(&mut self, problem: &str) -> Result<u8, CaptureError> {
        match self.peek_solid()? {
            Some(byte) => Ok(byte),
            None => Err(self.broken(problem)),
        }
    }

    /// The next byte that is not white space, left where it is.
    fn peek_solid(&mut self) -> Result<Option<u8>, CaptureError> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.input.consume(1);
        }
        Ok(None)
    }

    fn peek(&mut self) -> Result<Option<u8>, CaptureError> {
        let chunk = self
            .input
            .fill_buf()
            .map_err(|error| self.source.io(error))?;
        Ok(chunk.first().copied())
    }

    fn broken(&self, problem: impl Into<String>) -> CaptureError {
        self.source.broken(self.line, problem)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Rows = Vec<(u64, Result<Vec<(String, String)>, Reason>)>;

    fn collect(text: &[u8], lines: bool) -> Result<Rows, CaptureError> {
        let source = Source::from_bytes("x", text);
        let mut rows = Vec::new();
        let mut sink = |item: Item<'_>| {
            match item {
                Item::Row(row) => {
                    let cells = row.cells.iter().map(|cell| match cell {
                        Cell::Json(json) => json.to_string(),
                        _ => String::new(),
                    });
                    rows.push((
                        row.at.line,
                        Ok(row.names.iter().cloned().zip(cells).collect()),
                    ));
                }
                Item::Bad { at, reason, .. } => rows.push((at.line, Err(reason))),
                Item::Header { .. } => {}
            }
            Ok(ControlFlow::Continue(()))
        };
        if lines {
            read_lines(&source, &mut sink)?;
        } else {
            read_values(&source, &mut sink)?;
        }
        Ok(rows)
    }

    fn one(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn lines_are_rows_and_bad_ones_are_named_by_their_line() {
        let rows = collect(
            b"\xef\xbb\xbf{\"a\": 1.50}\r\n\n{'a':1}\n[1]\n{\"a\":1,\"a\":2}\n\xff\n{\"b\":2}",
            true,
        )
        .unwrap();
        assert_eq!(rows[0], (1, Ok(one("a", "1.50"))));
        assert!(matches!(&rows[1], (3, Err(Reason::Json { .. }))));
        assert_eq!(rows[2], (4, Err(Reason::NotAnObject)));
        assert_eq!(rows[3], (5, Err(Reason::Duplicate { name: "a".into() })));
        assert_eq!(rows[4], (6, Err(Reason::LineNotUtf8 { at: 0 })));
        assert_eq!(rows[5], (7, Ok(one("b", "2"))));
    }

    #[test]
    fn a_line_beyond_the_limit_is_rejected_and_the_next_one_is_read() {
        let mut text = vec![b' '; ROW_BYTES_MAX];
        text.extend_from_slice(b"  {}\n{\"a\":1}\n");
        text[0] = b'x';
        let rows = collect(&text, true).unwrap();
        assert_eq!(
            rows[0].1,
            Err(Reason::TooLong {
                limit: ROW_BYTES_MAX
            })
        );
        assert_eq!(rows[1], (2, Ok(one("a", "1"))));
    }

    #[test]
    fn an_array_an_object_and_several_objects_are_read_alike() {
        for text in [
            &b"[{\"a\": \"]},{\\\"\"},\n {\"b\":[1,{}]}]\n"[..],
            b"{\"a\": \"]},{\\\"\"}\n{\"b\":[1,{}]}",
        ] {
            let rows = collect(text, false).unwrap();
            assert_eq!(rows[0], (1, Ok(one("a", "\"]},{\\\"\""))));
            assert_eq!(rows[1], (2, Ok(one("b", "[1,{}]"))));
            assert_eq!(rows.len(), 2);
        }
        assert_eq!(collect(b" [ ] ", false).unwrap(), []);
        assert_eq!(collect(b"", false).unwrap(), []);
    }

    #[test]
    fn elements_that_are_no_objects_are_rejected_one_by_one() {
        let rows = collect(b"[1, \"x\", {bad}, {\"a\":1}]", false).unwrap();
        assert_eq!(rows[0].1, Err(Reason::NotAnObject));
        assert_eq!(rows[1].1, Err(Reason::NotAnObject));
        assert!(matches!(rows[2].1, Err(Reason::Json { .. })));
        assert_eq!(rows[3].1, Ok(one("a", "1")));
    }

    #[test]
    fn an_array_whose_brackets_do_not_match_stops_with_the_line() {
        for text in [
            "[{\"a\":1},\n{\"b\":2]",
            "[{}\n{}]",
            "[{}]\nx",
            "[{}",
            "[{},",
            "[",
        ] {
            assert!(
                matches!(
                    collect(text.as_bytes(), false),
                    Err(CaptureError::Broken { .. })
                ),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>, text in "[\\[\\]{}\",:\\\\a1 \n]{0,40}") {
            let _ = collect(&bytes, false);
            let _ = collect(text.as_bytes(), false);
            let _ = collect(&bytes, true);
        }
    }
}
