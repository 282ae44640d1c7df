//! What can go wrong: with the stream as a whole, which ends it, and with one row, which is left out.

use thiserror::Error;

/// Why a stream cannot be read, or cannot be read on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The caller's reader failed.
    #[error("the stream cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The bytes do not begin an Arrow IPC stream.
    #[error("not an Arrow IPC stream: {problem}")]
    NotAStream {
        /// What was seen, and what would help.
        problem: String,
    },
    /// The stream is broken here: nothing after this place can be read.
    #[error("the stream is broken after row {row}: {problem}")]
    Broken {
        /// Rows that were read.
        row: u64,
        /// What is wrong.
        problem: String,
    },
    /// More of something than is taken.
    #[error("after row {row}: {found} {what}, of at most {limit}: {advice}")]
    Limit {
        /// Rows that were read.
        row: u64,
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How much there is, as far as was counted.
        found: u64,
        /// The limit.
        limit: u64,
        /// How to stay below it.
        advice: &'static str,
    },
    /// A column whose name is no place in a record.
    #[error(
        "column {column:?} is no member of a record{}; name a column after a member, or by its place, such as \"/input/age\"",
        hint(.nearest.as_deref())
    )]
    UnknownColumn {
        /// The name.
        column: String,
        /// The nearest name that would be taken.
        nearest: Option<String>,
    },
    /// A column that cannot be part of a record as it is.
    #[error("column {column:?}: {problem}")]
    Column {
        /// The name.
        column: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}

/// Why one row is no record. The rows around it are not touched by it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowFault {
    /// A value that a record has no form for.
    #[error("column {column:?}, {pointer}: {problem}")]
    Value {
        /// Name of the column.
        column: String,
        /// The place in the record.
        pointer: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// More text than a record may have, or more parts.
    #[error("more than {limit} bytes or parts")]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

impl RowFault {
    /// The place in the record; empty where it is the record as a whole.
    pub fn pointer(&self) -> &str {
        match self {
            Self::Value { pointer, .. } => pointer,
            Self::TooLong { .. } => "",
        }
    }
}
