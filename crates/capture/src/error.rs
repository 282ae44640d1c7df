//! What can go wrong: with an import as a whole ([`CaptureError`]), and with one row of it ([`Reason`]).
//!
//! The two are apart because their consequences are: the first stops an import, the second rejects a row and goes on.

use thiserror::Error;

/// Why an import cannot start or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The caller's reader failed.
    #[error("cannot read {name}: {source}")]
    Io {
        /// Name of the source.
        name: String,
        /// What the reader said.
        source: std::io::Error,
    },
    /// The bytes are of no format that is read here.
    #[error("{name} is not of a known format: {problem}")]
    UnknownFormat {
        /// Name of the source.
        name: String,
        /// What was seen, and what would help.
        problem: String,
    },
    /// A word that names no format.
    #[error("no such format {0:?}: it is one of csv, xlsx, json, jsonl, parquet, line")]
    FormatName(String),
    /// The file as a whole is broken: nothing after this place can be read.
    #[error("{name}, line {line}: {problem}")]
    Broken {
        /// Name of the source.
        name: String,
        /// Line (or row, in a format without lines), from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A column was named that the source does not have.
    #[error("{role}: no column {column:?}{}", hint(.nearest.as_deref()))]
    UnknownColumn {
        /// Where the mapping names it, e.g. `columns.decision`.
        role: String,
        /// The name, or the pattern that matches nothing.
        column: String,
        /// The existing name that is closest.
        nearest: Option<String>,
    },
    /// The mapping contradicts itself or asks for what cannot be.
    #[error("mapping, {place}: {problem}")]
    Mapping {
        /// Key in the mapping, e.g. `columns.score`.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The TOML text of a mapping does not parse or has an unknown key.
    #[error("mapping: {problem}{}", hint(.nearest.as_deref()))]
    MappingText {
        /// What the TOML parser said, with the place.
        problem: String,
        /// The known key that is closest to an unknown one.
        nearest: Option<String>,
    },
    /// A decision needs a model, and the mapping gives none.
    #[error(
        "no model: a decision names its model; map a column to it (columns.model) or give a constant (constants.model.name)"
    )]
    NoModel,
    /// More of something than is taken.
    #[error("{name}: {found} {what}, of at most {limit}")]
    Limit {
        /// Name of the source.
        name: String,
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How many there are, as far as was counted.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Text that is not a record of the kind asked for was to be printed as a text line.
    #[error("not a decision that a text line can show: {0}")]
    NotALine(String),
}

/// Why one row was rejected. Its `Display` is what the rejects file says.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Another number of fields than the header has.
    #[error("{found} fields, the header has {expected}")]
    Ragged {
        /// Columns of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("column {column:?} is not UTF-8")]
    NotUtf8 {
        /// Column of the first such field.
        column: String,
    },
    /// A whole line that is not UTF-8.
    #[error("not UTF-8 from byte {at}")]
    LineNotUtf8 {
        /// Offset of the first such byte in the line.
        at: usize,
    },
    /// A quoted field that runs to the end of the file.
    #[error("the quote opened on line {line} is never closed")]
    UnclosedQuote {
        /// Line on which the quote stands.
        line: u64,
    },
    /// Something between a closing quote and the next delimiter.
    #[error("text after the closing quote of field {field}")]
    AfterQuote {
        /// Field, from 1.
        field: usize,
    },
    /// Longer than a row may be.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More columns or members than are taken.
    #[error("more than {limit} columns")]
    TooWide {
        /// The limit.
        limit: usize,
    },
    /// Not valid JSON.
    #[error("not JSON: {problem}")]
    Json {
        /// What the parser said, with its place.
        problem: String,
    },
    /// JSON, but not an object.
    #[error("not a JSON object: a row is an object with named members")]
    NotAnObject,
    /// The same member twice.
    #[error("member {name:?} is given twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Not in the form of the text line.
    #[error("not a decision line: {problem}")]
    Line {
        /// What is missing or wrong.
        problem: String,
    },
    /// Not a Python repr.
    #[error("byte {at}: {problem}")]
    Python {
        /// Offset in the line.
        at: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A cell that had to be a number.
    #[error("column {column:?} is not a number: {value:?}")]
    NotANumber {
        /// The column.
        column: String,
        /// What it holds, cut to a readable length.
        value: String,
    },
    /// A value that had to be one word: it is a list or an object.
    #[error("column {column:?} is a list or an object where one value is needed")]
    NotAWord {
        /// The column.
        column: String,
    },
    /// The id column is empty.
    #[error("column {column:?} gives the id and is empty")]
    NoId {
        /// The column.
        column: String,
    },
    /// A value that JSON has no room for.
    #[error("column {column:?}: {problem}")]
    Value {
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Refused further on, by the rules of the record; made by whoever found it.
    #[error("{0}")]
    Refused(String),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}

/// The candidate closest to `word` by edit distance, if one is close enough to be a slip of the hand.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let allowed = word.chars().count() / 3 + 1;
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// Levenshtein distance, upper and lower case taken as equal.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.to_lowercase().chars().enumerate() {
        let mut current = vec![row + 1];
        for ((b, diagonal), above) in right.iter().zip(&previous).zip(previous.iter().skip(1)) {
            let before = current.last().copied().unwrap_or(row + 1);
            let change = diagonal + usize::from(a != *b);
            current.push(change.min(above + 1).min(before + 1));
        }
        previous = current;
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed_and_a_far_one_is_not() {
        let names = ["decision", "score", "income"];
        assert_eq!(nearest("decison", names), Some("decision".to_owned()));
        assert_eq!(nearest("Income", names), Some("income".to_owned()));
        assert_eq!(nearest("zebra", names), None);
    }
}
