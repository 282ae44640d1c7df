//! The records of a folder that a filter means: from an index where the filter names a key, else by reading.

use std::ops::{ControlFlow, Range};

use causebook_filter::{Field, Filter};
use causebook_ledger::{Reader, Row};
use causebook_record::Mask;

use crate::read::fault::Fault;

/// Rows read at a time when the whole ledger is searched.
const STRIDE: u64 = 4096;

/// The first `limit` rows that match within the bounds, newest or oldest first.
pub(super) fn select(
    reader: &Reader,
    filter: &Filter,
    bounds: Range<u64>,
    oldest: bool,
    limit: usize,
) -> Result<Vec<Row>, Fault> {
    let Some(mut indexes) = indexed(reader, filter)? else {
        return search(reader, filter, bounds, oldest, limit);
    };
    indexes.retain(|index| bounds.contains(index));
    indexes.sort_unstable();
    if !oldest {
        indexes.reverse();
    }
    let mut found = Vec::new();
    for index in indexes {
        if found.len() >= limit {
            break;
        }
        found.extend(reader.get(index)?.filter(|row| admits(filter, row)));
    }
    Ok(found)
}

/// Whether a row matches. Who may read the folder sees all of it.
fn admits(filter: &Filter, row: &Row) -> bool {
    filter.is_empty() || filter.admits(row.index, &row.record, &Mask::default())
}

/// Candidates from an index, if the filter names a key of one.
fn indexed(reader: &Reader, filter: &Filter) -> Result<Option<Vec<u64>>, Fault> {
    if let Some(id) = filter.exact(&Field::Id) {
        let found = reader.find_exact(id)?;
        return Ok(Some(found.iter().map(|row| row.index).collect()));
    }
    if let Some(id) = filter.exact(&Field::RefersTo) {
        return Ok(Some(reader.referring_to(id)?));
    }
    if let Some(trace) = filter.exact(&Field::Trace) {
        return Ok(Some(reader.by_trace(trace)?));
    }
    if let Some(subject) = filter.exact(&Field::Subject) {
        return Ok(Some(reader.by_subject(subject)?));
    }
    Ok(None)
}

/// Reads stride by stride from the end asked for until enough is found.
fn search(
    reader: &Reader,
    filter: &Filter,
    bounds: Range<u64>,
    oldest: bool,
    limit: usize,
) -> Result<Vec<Row>, Fault> {
    let mut found = Vec::new();
    let mut left = bounds;
    while !left.is_empty() && found.len() < limit {
        let range = if oldest {
            let end = left.end.min(left.start + STRIDE);
            let range = left.start..end;
            left.start = end;
            range
        } else {
            let start = left.start.max(left.end.saturating_sub(STRIDE));
            let range = start..left.end;
            left.end = start;
            range
        };
        let mut matching = Vec::new();
        reader.scan(range, &mut |row| {
            if admits(filter, &row) {
                matching.push(row);
            }
            ControlFlow::Continue(())
        })?;
        if !oldest {
            matching.reverse();
        }
        found.append(&mut matching);
    }
    found.truncate(limit);
    Ok(found)
}
