//! Delimited text, RFC 4180 and its relatives: any one-byte delimiter, quoted fields with line ends in them, a byte
//! order mark, any line end. Cells come back byte for byte; a row that cannot be understood in one way only is
//! rejected, and reading goes on behind it. What a column's text means is left to the import.

mod rows;

use std::io::Read;
use std::ops::ControlFlow;

use crate::row::{Item, Place, Sink, SourceRow, distinct_names};
use crate::source::HEAD_BYTES;
use crate::{CaptureError, NAME_BYTES_MAX, ReadOptions, Source};
use rows::Reader;

/// Reads a source as delimited text.
pub(crate) fn read(
    source: &Source,
    options: &ReadOptions,
    sink: &mut Sink<'_>,
) -> Result<(), CaptureError> {
    let delimiter = match &options.delimiter {
        Some(word) => delimiter_byte(word)?,
        None => sniff(source.name(), &source.head()?, options.skip),
    };
    let io = |error| source.io(error);
    let mut reader = Reader::new(source.open()?, delimiter, options.trim).map_err(io)?;
    reader.skip_lines(options.skip).map_err(io)?;

    let has_header = options.header.unwrap_or(true);
    let mut outcome = reader.next_row().map_err(io)?;
    let found = match &outcome {
        None => return Ok(()),
        Some(Err(reason)) => {
            return Err(source.broken(reader.row_line, format!("the header: {reason}")));
        }
        Some(Ok(())) => reader.fields.len(),
    };
    let given = if options.columns.is_empty() {
        if has_header {
            header_names(source, &reader)?
        } else {
            (1..=found)
                .map(|position| format!("col_{position}"))
                .collect()
        }
    } else {
        options.columns.clone()
    };
    if given.len() != found {
        return Err(CaptureError::Mapping {
            place: "read.columns".to_owned(),
            problem: format!("{} names for {found} columns", given.len()),
        });
    }
    let (names, renamed) = distinct_names(given);
    let header = Item::Header {
        names: &names,
        renamed: &renamed,
    };
    if sink(header)?.is_break() {
        return Ok(());
    }
    if has_header {
        outcome = reader.next_row().map_err(io)?;
    }

    let mut row = 0;
    while let Some(result) = outcome {
        row += 1;
        let at = Place {
            row,
            line: reader.row_line,
        };
        let flow = match result.and_then(|()| reader.cells(&names, &options.missing)) {
            Ok(cells) => sink(Item::Row(SourceRow {
                at,
                raw: &reader.raw,
                names: &names,
                cells: &cells,
            }))?,
            Err(reason) => sink(Item::Bad {
                at,
                raw: &reader.raw,
                reason,
            })?,
        };
        if flow == ControlFlow::Break(()) {
            return Ok(());
        }
        outcome = reader.next_row().map_err(io)?;
    }
    Ok(())
}

/// The delimiter that a source most likely has: the one by which its first rows have the same number of fields, the
/// most fields winning; the blank only if no other splits at all.
pub(crate) fn sniff(name: &str, head: &[u8], skip: u64) -> u8 {
    if name.to_ascii_lowercase().ends_with(".tsv") {
        return b'\t';
    }
    let mut best = (1_usize, b',');
    for delimiter in [b',', b'\t', b'|', b';', b' '] {
        if delimiter == b' ' && best.0 > 1 {
            break;
        }
        let fields = steady_fields(head, delimiter, skip);
        if fields > best.0 {
            best = (fields, delimiter);
        }
    }
    best.1
}

/// Fields a row by this delimiter, if all but the odd row of the sample have the same number; else 0.
fn steady_fields(head: &[u8], delimiter: u8, skip: u64) -> usize {
    let Ok(mut reader) = Reader::new(head, delimiter, false) else {
        return 0;
    };
    let mut counts = Vec::new();
    if reader.skip_lines(skip).is_err() {
        return 0;
    }
    while let Ok(Some(result)) = reader.next_row() {
        if result.is_ok() {
            counts.push(reader.fields.len());
        }
        if counts.len() == SNIFFED_ROWS {
            break;
        }
    }
    // The sample may end in the middle of a row.
    let is_whole = (head.len() as u64) < HEAD_BYTES || counts.len() == SNIFFED_ROWS;
    if !is_whole && counts.len() > 1 {
        counts.pop();
    }
    let Some(first) = counts.first().copied() else {
        return 0;
    };
    let steady = counts.iter().filter(|count| **count == first).count();
    if steady * 10 >= counts.len() * 9 {
        first
    } else {
        0
    }
}

fn delimiter_byte(word: &str) -> Result<u8, CaptureError> {
    match (word, word.as_bytes()) {
        ("tab" | "\\t", _) => Ok(b'\t'),
        ("comma", _) => Ok(b','),
        ("semicolon", _) => Ok(b';'),
        ("pipe", _) => Ok(b'|'),
        ("space", _) => Ok(b' '),
        (_, [byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(CaptureError::Mapping {
            place: "read.delimiter".to_owned(),
            problem: format!(
                "{word:?} is not one ASCII character, nor tab, comma, semicolon, pipe or space"
            ),
        }),
    }
}

fn header_names<R: Read>(source: &Source, reader: &Reader<R>) -> Result<Vec<String>, CaptureError> {
    let mut names = Vec::with_capacity(reader.fields.len());
    for field in &reader.fields {
        let bytes = reader.data.get(field.clone()).unwrap_or_default();
        let name = std::str::from_utf8(bytes).map_err(|_| {
            source.broken(
                reader.row_line,
                "the header is not UTF-8; save the file as UTF-8",
            )
        })?;
        if name.len() > NAME_BYTES_MAX {
            let limit = format!(
                "a column name of {} bytes, of at most {NAME_BYTES_MAX}",
                name.len()
            );
            return Err(source.broken(reader.row_line, limit));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

const SNIFFED_ROWS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found_out() {
        let sniff = |text: &str| sniff("x", text.as_bytes(), 0);
        assert_eq!(sniff("a,b\n1,2\n"), b',');
        assert_eq!(sniff("a\tb,c\n1\t2\n"), b'\t');
        assert_eq!(sniff("a|b|c\n1|2,0|3\n"), b'|');
        assert_eq!(sniff("a;b\n1,5;2,5\n"), b';');
        assert_eq!(sniff("A11 6 A34\nA12 48 A32\n"), b' ');
        assert_eq!(sniff("word\nother\n"), b',');
    }
}
