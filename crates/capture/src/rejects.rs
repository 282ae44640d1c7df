//! Rows that did not become records, and the file that collects them: where each stood, why it was rejected, and what
//! it was, whole, so that it can be put right and imported again.

use std::io::Write;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::row::Place;
use crate::text::quoted;
use crate::{CaptureError, RAW_BYTES_MAX, Reason};

/// A row that did not become a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Number of the row in its source, from 1, rejected ones counted.
    pub row: u64,
    /// Line on which it begins, from 1; the row of the sheet or table in formats without lines.
    pub line: u64,
    /// The row as it stands in the source, at most [`RAW_BYTES_MAX`] of it; a JSON array of the cells in formats that are
    /// not text.
    pub raw: Vec<u8>,
    /// Whether `raw` is only the beginning.
    pub cut: bool,
    /// Why.
    pub reason: Reason,
}

impl Rejected {
    pub(crate) fn new(at: Place, raw: &[u8], reason: Reason) -> Rejected {
        let (raw, cut) = cut(raw);
        Rejected {
            row: at.row,
            line: at.line,
            raw,
            cut,
            reason,
        }
    }
}

/// As much of a row as a rejects file takes, and whether that is less than all.
pub(crate) fn cut(raw: &[u8]) -> (Vec<u8>, bool) {
    let mut end = raw.len().min(RAW_BYTES_MAX);
    let cut = end < raw.len();
    // Not in the middle of a character: continuation bytes are 10xxxxxx.
    while cut && end > 0 && raw.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    (raw.get(..end).unwrap_or_default().to_vec(), cut)
}

/// What a rejects file is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RejectsFormat {
    /// Columns `row,line,reason,raw,encoding,cut`.
    #[default]
    Csv,
    /// One object a line with the same members.
    Jsonl,
}

impl FromStr for RejectsFormat {
    type Err = CaptureError;

    fn from_str(word: &str) -> Result<RejectsFormat, CaptureError> {
        match word {
            "csv" => Ok(RejectsFormat::Csv),
            "jsonl" | "ndjson" => Ok(RejectsFormat::Jsonl),
            _ => Err(CaptureError::FormatName(word.to_owned())),
        }
    }
}

/// Writes rejected rows. `encoding` is `utf-8`, or `base64` for a row that is not UTF-8.
#[derive(Debug)]
pub struct RejectsWriter<W: Write> {
    out: W,
    format: RejectsFormat,
    count: u64,
}

impl<W: Write> RejectsWriter<W> {
    /// A writer that has written nothing yet, not even the header.
    pub fn new(out: W, format: RejectsFormat) -> RejectsWriter<W> {
        RejectsWriter {
            out,
            format,
            count: 0,
        }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&mut self, rejected: &Rejected) -> std::io::Result<()> {
        let (raw, encoding) = match std::str::from_utf8(&rejected.raw) {
            Ok(text) => (text.to_owned(), "utf-8"),
            Err(_) => (STANDARD.encode(&rejected.raw), "base64"),
        };
        let Rejected { row, line, cut, .. } = rejected;
        let reason = rejected.reason.to_string();
        if self.format == RejectsFormat::Csv {
            if self.count == 0 {
                self.out.write_all(b"row,line,reason,raw,encoding,cut\n")?;
            }
            let (reason, raw) = (csv_field(&reason), csv_field(&raw));
            writeln!(self.out, "{row},{line},{reason},{raw},{encoding},{cut}")?;
        } else {
            let (reason, raw) = (quoted(&reason), quoted(&raw));
            writeln!(
                self.out,
                "{{\"row\":{row},\"line\":{line},\"reason\":{reason},\"raw\":{raw},\"encoding\":\"{encoding}\",\"cut\":{cut}}}"
            )?;
        }
        self.count += 1;
        Ok(())
    }

    /// How many rows were written.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Flushes, and gives back what was written to.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> std::io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.is_empty() {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rejected(raw: &[u8]) -> Rejected {
        let reason = Reason::Ragged {
            expected: 2,
            found: 1,
        };
        Rejected::new(Place { row: 3, line: 5 }, raw, reason)
    }

    #[test]
    fn both_forms_give_the_row_back() {
        let mut csv = RejectsWriter::new(Vec::new(), RejectsFormat::Csv);
        let mut jsonl = RejectsWriter::new(Vec::new(), RejectsFormat::Jsonl);
        for raw in [&b"a \"b\",\nc"[..], b"\xff"] {
            csv.write(&rejected(raw)).unwrap();
            jsonl.write(&rejected(raw)).unwrap();
        }
        assert_eq!(
            String::from_utf8(csv.finish().unwrap()).unwrap(),
            "row,line,reason,raw,encoding,cut\n\
             3,5,\"1 fields, the header has 2\",\"a \"\"b\"\",\nc\",utf-8,false\n\
             3,5,\"1 fields, the header has 2\",/w==,base64,false\n"
        );
        let text = String::from_utf8(jsonl.finish().unwrap()).unwrap();
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["raw"], "a \"b\",\nc");
        assert_eq!(first["line"], 5);
    }

    #[test]
    fn a_long_row_is_cut_between_characters_and_says_so() {
        let row = rejected("é".repeat(RAW_BYTES_MAX).as_bytes());
        assert!(row.cut);
        assert!(std::str::from_utf8(&row.raw).is_ok());
        assert!(!rejected(b"short").cut);
    }
}
