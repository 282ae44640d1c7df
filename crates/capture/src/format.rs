//! Which format a run of bytes is in: by its first bytes, and by its name where the bytes leave it open.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{CaptureError, line};

/// A file format that rows are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Delimited text: commas, tabs, bars, semicolons or spaces.
    Csv,
    /// An Office Open XML workbook.
    Xlsx,
    /// JSON: an array of objects, or one object, or several one after another.
    Json,
    /// JSON, one object a line (NDJSON).
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Text lines `2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved`.
    Line,
}

impl Format {
    /// The format of a source, from its name and its first bytes.
    ///
    /// Bytes that mark a format win; the ending of the name decides between texts; what is left and can be text is
    /// taken for delimited text.
    ///
    /// # Errors
    /// [`CaptureError::UnknownFormat`] for what is none of the formats, with what would help: an old `.xls`,
    /// compressed data, UTF-16.
    pub fn detect(name: &str, head: &[u8]) -> Result<Format, CaptureError> {
        let unknown = |problem: &str| CaptureError::UnknownFormat {
            name: name.to_owned(),
            problem: problem.to_owned(),
        };
        if head.starts_with(b"PAR1") {
            return Ok(Format::Parquet);
        }
        if head.starts_with(b"PK\x03\x04") {
            return Ok(Format::Xlsx);
        }
        for (magic, problem) in FOREIGN {
            if head.starts_with(magic) {
                return Err(unknown(problem));
            }
        }
        let extension = name
            .rsplit_once('.')
            .map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase());
        let by_name = match extension.as_str() {
            "csv" | "tsv" | "psv" | "tab" => Some(Format::Csv),
            "json" => Some(Format::Json),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            "parquet" => return Err(unknown("it does not begin with PAR1")),
            "xlsx" | "xlsm" => return Err(unknown("it is not a zip archive, as a workbook is")),
            _ => None,
        };
        if let Some(format) = by_name {
            return Ok(format);
        }
        if head.contains(&0) {
            return Err(unknown("it has zero bytes, which no text format has"));
        }
        let text = String::from_utf8_lossy(head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let first_line = text.lines().next().unwrap_or_default();
        if line::looks_like_line(first_line) {
            return Ok(Format::Line);
        }
        if first_line.starts_with('{') {
            let whole = serde_json::from_str::<serde::de::IgnoredAny>(first_line).is_ok();
            return Ok(if whole { Format::Jsonl } else { Format::Json });
        }
        if first_line.starts_with('[') {
            return Ok(Format::Json);
        }
        Ok(Format::Csv)
    }

    /// The name of the format, as [`FromStr`] reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
            Format::Line => "line",
        }
    }

    /// Whether the rows have one header in common, so that a column that is missing is missing everywhere.
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Format::Csv | Format::Xlsx | Format::Parquet)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = CaptureError;

    fn from_str(word: &str) -> Result<Format, CaptureError> {
        match word {
            "csv" | "tsv" | "psv" => Ok(Format::Csv),
            "xlsx" => Ok(Format::Xlsx),
            "json" => Ok(Format::Json),
            "jsonl" | "ndjson" => Ok(Format::Jsonl),
            "parquet" => Ok(Format::Parquet),
            "line" => Ok(Format::Line),
            _ => Err(CaptureError::FormatName(word.to_owned())),
        }
    }
}

const FOREIGN: [(&[u8], &str); 6] = [
    (
        b"\xd0\xcf\x11\xe0",
        "it is an old binary workbook (.xls) or a password-protected one; save it as .xlsx without a password",
    ),
    (
        b"\x1f\x8b",
        "it is compressed with gzip; decompress it first",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "it is compressed with zstd; decompress it first",
    ),
    (b"ORC", "it is an ORC file; convert it to Parquet"),
    (b"\xff\xfe", "it is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16; save it as UTF-8"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_decide_and_the_name_where_they_do_not() {
        let detect = |name: &str, head: &[u8]| Format::detect(name, head).unwrap();
        assert_eq!(detect("a.csv", b"PAR1...."), Format::Parquet);
        assert_eq!(detect("a.csv", b"PK\x03\x04.."), Format::Xlsx);
        assert_eq!(detect("a.tsv", b"a\tb\n"), Format::Csv);
        assert_eq!(detect("a.json", b"{\"a\":1}"), Format::Json);
        assert_eq!(detect("a.ndjson", b"{\"a\":1}"), Format::Jsonl);
        assert_eq!(detect("-", b"{\"a\":1}\n{\"a\":2}\n"), Format::Jsonl);
        assert_eq!(detect("-", b"{\n \"a\":1}"), Format::Json);
        assert_eq!(detect("-", b" [{}]"), Format::Json);
        assert_eq!(
            detect(
                "app.log",
                b"2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved\n"
            ),
            Format::Line
        );
        assert_eq!(detect("german.data", b"A11 6 A34\n"), Format::Csv);
    }

    #[test]
    fn foreign_files_are_refused_with_what_would_help() {
        for head in [
            &b"\x1f\x8b\x08"[..],
            b"\xff\xfea\0",
            b"\xd0\xcf\x11\xe0",
            b"a\0b",
        ] {
            assert!(Format::detect("x", head).is_err(), "{head:?}");
        }
        assert!(Format::detect("x.parquet", b"a,b").is_err());
    }
}
