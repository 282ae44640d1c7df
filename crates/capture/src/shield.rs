//! Other people's readers of binary formats, called so that a file which makes one panic is a broken file and nothing
//! worse: damaged workbooks and Parquet files do that. Only calls into them are shielded, never our own code.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{CaptureError, Source};

/// Calls a reader; its error, or its panic, says that `source` is broken at `line`.
///
/// What the call leaves behind when it panics must not be used again: the reading ends with the error.
pub(crate) fn shielded<T, E: Display>(
    source: &Source,
    line: u64,
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, CaptureError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(source.broken(line, error.to_string())),
        Err(_) => Err(source.broken(line, "it is damaged, or not in the format that it says")),
    }
}
