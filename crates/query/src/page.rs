//! Lists: the next page of the records that a filter means, and how many those are.

use std::ops::Range;
use std::sync::Arc;

use causebook_filter::Filter;
use causebook_record::Mask;
use datafusion::catalog::TableProvider as _;
use datafusion::logical_expr::ident;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::masked::columns;
use crate::matching::{Count, Positions, Wanted};
use crate::query::{Query, explained};

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only positions below this: the list as it was when the ledger had that size.
    pub as_of: u64,
    /// The last position of the page before.
    pub after: Option<u64>,
    /// From the newest record back.
    pub newest_first: bool,
    /// Most records of the page.
    pub limit: usize,
}

/// Positions looked at first. Most filters find a page among them, and no more is read then.
const WINDOW_FIRST: u64 = 16 << 10;
const WINDOW_GROWTH: u64 = 4;
/// Positions looked at in one go at most, which bounds what a page holds in memory: 8 bytes each.
const WINDOW_MAX: u64 = 4 << 20;

impl Query {
    /// Positions of the next records that the filter means, in the order asked for.
    ///
    /// Windows of positions are read from the end asked for, each larger than the one before, until the page is full.
    ///
    /// # Errors
    /// [`QueryError`] says which limit was met, or what could not be read.
    pub fn page(
        &self,
        filter: &Filter,
        request: &PageRequest,
        mask: &Mask,
    ) -> Result<Vec<u64>, QueryError> {
        self.on_a_state(|state| {
            let end = request.as_of.min(state.size);
            let mut open = match (request.after, request.newest_first) {
                (Some(after), true) => 0..end.min(after),
                (Some(after), false) => after.saturating_add(1)..end,
                (None, _) => 0..end,
            };
            let wanted = Wanted::new(filter, mask, open.clone());
            let context = self.bare_session()?;
            self.limited(async {
                let mut page = Vec::new();
                let mut length = WINDOW_FIRST;
                while page.len() < request.limit && !open.is_empty() {
                    let window = take(&mut open, length, request.newest_first);
                    let wanted = wanted.within(window);
                    let found = Positions::default();
                    let found = self
                        .gather(&context, state, &wanted, vec![ident("index")], found)
                        .await?;
                    let mut found = found.0;
                    found.sort_unstable();
                    if request.newest_first {
                        found.reverse();
                    }
                    page.extend(found);
                    length = (length * WINDOW_GROWTH).min(WINDOW_MAX);
                }
                page.truncate(request.limit);
                Ok(page)
            })
        })
    }

    /// How many records below `as_of` the filter means.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub fn count(&self, filter: &Filter, as_of: u64, mask: &Mask) -> Result<u64, QueryError> {
        self.on_a_state(|state| {
            let wanted = Wanted::new(filter, mask, 0..as_of.min(state.size));
            let context = self.bare_session()?;
            let columns = vec![ident("index")];
            let counted = self.gather(&context, state, &wanted, columns, Count::default());
            self.limited(counted).map(|counted| counted.0)
        })
    }

    /// The records below `as_of` that the filter means, oldest first, with the columns of the table `records`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn records(&self, filter: &Filter, as_of: u64, mask: &Mask) -> Result<Answer, QueryError> {
        self.on_a_state(|state| {
            let problem = |why| explained(&why, self.limits().memory_bytes);
            let wanted = Wanted::new(filter, mask, 0..as_of.min(state.size));
            let records = state.records(wanted.range.clone())?;
            let columns = columns(&records.schema(), mask).map_err(problem)?;
            let frame = self
                .bare_session()?
                .read_table(Arc::new(records))
                .and_then(|frame| frame.filter(wanted.expression()))
                .and_then(|frame| frame.select(columns))
                .and_then(|frame| frame.sort(vec![ident("index").sort(true, false)]))
                .map_err(problem)?;
            self.limited(self.drain(frame))
        })
    }
}

/// Takes a window off one end of what is open.
fn take(open: &mut Range<u64>, length: u64, from_end: bool) -> Range<u64> {
    if from_end {
        let start = open.end.saturating_sub(length).max(open.start);
        let window = start..open.end;
        open.end = start;
        window
    } else {
        let end = open.start.saturating_add(length).min(open.end);
        let window = open.start..end;
        open.start = end;
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_what_is_open_once_from_either_end() {
        for from_end in [true, false] {
            let mut open = 3..20;
            let mut seen = Vec::new();
            while !open.is_empty() {
                let window = take(&mut open, 7, from_end);
                assert!(window.end - window.start <= 7);
                seen.extend(window);
            }
            seen.sort_unstable();
            assert_eq!(seen, (3..20).collect::<Vec<_>>());
        }
    }
}
