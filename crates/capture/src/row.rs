//! One source row on its way to a record, whatever format it came from: named cells, each in the type it was read in.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::text::push_string;
use crate::{CaptureError, Reason};

/// A cell as its format gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Untyped text, of which the column decides what it is: delimited text only.
    Text(Cow<'a, str>),
    /// A typed value, as JSON text.
    Json(Cow<'a, str>),
    /// Nothing: empty text or a word declared to mean missing (with what was written), or an empty typed cell (`None`).
    Missing(Option<Cow<'a, str>>),
}

/// A row that was read.
#[derive(Debug)]
pub(crate) struct SourceRow<'a> {
    pub(crate) at: Place,
    /// The row as it stands in the source, for a rejects file.
    pub(crate) raw: &'a [u8],
    /// Names of the cells, in order.
    pub(crate) names: &'a [String],
    pub(crate) cells: &'a [Cell<'a>],
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the row, from 1, rejected ones counted.
    pub(crate) row: u64,
    /// Line on which it begins, from 1; the row of the sheet or of the table in formats without lines.
    pub(crate) line: u64,
}

/// A column name that had to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// Position, from 1.
    pub(crate) position: usize,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What a reader tells, in order: the header of a table first, then its rows.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    Header {
        names: &'a [String],
        renamed: &'a [Renamed],
    },
    Row(SourceRow<'a>),
    Bad {
        at: Place,
        raw: &'a [u8],
        reason: Reason,
    },
}

/// Takes items; an error or a break ends the reading.
pub(crate) type Sink<'s> = dyn FnMut(Item<'_>) -> Result<ControlFlow<()>, CaptureError> + 's;

/// Makes names fit to be told apart: an empty one is called by its position, a repeated one gets `_2`, `_3`, ...
pub(crate) fn distinct_names(given: Vec<String>) -> (Vec<String>, Vec<Renamed>) {
    let taken: std::collections::HashSet<String> = given.iter().cloned().collect();
    let mut used = std::collections::HashSet::new();
    let mut names = Vec::with_capacity(given.len());
    let mut renamed = Vec::new();
    for (index, from) in given.into_iter().enumerate() {
        let position = index + 1;
        let mut to = if from.is_empty() {
            format!("col_{position}")
        } else {
            from.clone()
        };
        if used.contains(&to) {
            let base = to;
            let mut number = 2_usize;
            loop {
                to = format!("{base}_{number}");
                if !used.contains(&to) && !taken.contains(&to) {
                    break;
                }
                number += 1;
            }
        }
        if to != from {
            renamed.push(Renamed {
                position,
                from,
                to: to.clone(),
            });
        }
        used.insert(to.clone());
        names.push(to);
    }
    (names, renamed)
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
                push_string(&mut out, text);
            }
            Cell::Missing(None) => out.push_str("null"),
        }
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_empty_names_become_distinct_and_are_reported() {
        let given = ["a", "a", "", "a_2", "a"].map(String::from).to_vec();
        let (names, renamed) = distinct_names(given);
        assert_eq!(names, ["a", "a_3", "col_3", "a_2", "a_4"]);
        let positions: Vec<usize> = renamed.iter().map(|one| one.position).collect();
        assert_eq!(positions, [2, 3, 5]);
    }
}
