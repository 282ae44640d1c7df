//! Short ways to the two errors that everything here ends in: the storage failed, or a file is not what it should be.

use std::error::Error;
use std::path::Path;

use causebook_ledger::TableError;

pub(crate) fn storage(
    doing: impl Into<String>,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> TableError {
    TableError::Storage {
        doing: doing.into(),
        source: source.into(),
    }
}

pub(crate) fn damaged(file: &Path, what: impl std::fmt::Display) -> TableError {
    TableError::Damaged {
        what: format!("{}: {what}", file.display()),
    }
}
