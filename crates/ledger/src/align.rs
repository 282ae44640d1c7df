//! Alignment: rows as they lie on disk held against the log's entries, naming what was changed, dropped, added or moved.
//!
//! Rows and entries are walked side by side. A row that is not the log's next entry is looked up in the log: found
//! ahead, the entries between are missing; found behind, it was moved there or doubled; not found at all, it waits for
//! the row after it, which tells whether it stands in an entry's place (changed) or between two (added).

use std::collections::BTreeMap;
use std::ops::Range;

use causebook_record::{Digest, Stored};

use crate::entries::LogEntries;
use crate::recompute::Recomputed;
use crate::verify::{Fault, Finding, VerifyReport};

/// Most searches through the whole log for a record that is not where it should be.
const SEARCHES_MAX: usize = 64;

/// A record without all of its content.
#[derive(Debug)]
pub(crate) struct Lacking {
    pub(crate) index: u64,
    pub(crate) id: Option<String>,
    /// Its whole payload is gone.
    pub(crate) whole: bool,
}

pub(crate) struct Alignment<'a, 'b> {
    entries: &'a mut LogEntries<'b>,
    /// Positions asked for.
    range: Range<u64>,
    /// Records under the checkpoint.
    claimed: u64,
    /// Entry that the next row should be.
    next: u64,
    /// A row that the log does not know, until the row after it tells what happened.
    unknown: Option<Recomputed>,
    /// Entries that no row was found for so far.
    missing: Gaps,
    searches: usize,
    lacking: Vec<Lacking>,
}

impl<'a, 'b> Alignment<'a, 'b> {
    pub(crate) fn new(entries: &'a mut LogEntries<'b>, claimed: u64, range: Range<u64>) -> Self {
        let next = range.start;
        let (missing, lacking) = (Gaps::default(), Vec::new());
        Self {
            entries,
            range,
            claimed,
            next,
            unknown: None,
            missing,
            searches: 0,
            lacking,
        }
    }

    /// Position up to which rows were held against the log.
    pub(crate) fn reached(&self) -> u64 {
        self.next
    }

    pub(crate) fn row(&mut self, row: Recomputed, report: &mut VerifyReport) {
        report.records_checked += 1;
        self.note_lacking(&row);
        report_column(&row, report);
        if row.is_erased() {
            self.erased_row(&row, report);
        } else if let Some(digest) = row.digest {
            self.sealed_row(row, digest, report);
        } else {
            self.unknown_row(row, report);
        }
    }

    fn note_lacking(&mut self, row: &Recomputed) {
        let whole = row.is_erased();
        if whole || matches!(row.scanned.row.record, Stored::Redacted { .. }) {
            self.lacking.push(Lacking {
                index: row.index(),
                id: row.id(),
                whole,
            });
        }
    }

    fn sealed_row(&mut self, row: Recomputed, digest: Digest, report: &mut VerifyReport) {
        if self.next >= self.claimed {
            return self.row_beyond(row, digest, report);
        }
        let expected = self.entry(self.next, report);
        if expected == Some(digest) {
            self.settle_as_added(report);
            self.accept(&row, report);
        } else if expected.is_none() && row.index() == self.next {
            // The log cannot be read here, which is a finding of its own: nothing can be said about the record.
            self.settle_as_changed(report);
            self.next += 1;
        } else if self.unknown.is_some() && self.entry(self.next + 1, report) == Some(digest) {
            self.settle_as_changed(report);
            self.accept(&row, report);
        } else {
            match self.search(&digest) {
                Some(position) if position >= self.next => {
                    if position > self.next {
                        self.settle_as_changed(report);
                    }
                    self.miss_until(position);
                    self.next = position + 1;
                }
                Some(position) => self.row_again(&row, position, report),
                None => self.unknown_row(row, report),
            }
        }
    }

    fn accept(&mut self, row: &Recomputed, report: &mut VerifyReport) {
        if row.index() != self.next {
            let what = format!(
                "column index holds {} but the log has this record at {}",
                row.index(),
                self.next
            );
            report.add(finding(Fault::ChangedColumn, self.next, row, what));
        }
        self.next += 1;
    }

    /// Of an erased record only the place can be held against the log.
    fn erased_row(&mut self, row: &Recomputed, report: &mut VerifyReport) {
        let index = row.index();
        if index >= self.claimed {
            let what = "the log does not have it".to_owned();
            report.add(finding(Fault::Added, index, row, what));
        } else if index >= self.next {
            if index > self.next {
                self.settle_as_changed(report);
            }
            self.settle_as_added(report);
            self.miss_until(index);
            self.next = index + 1;
        } else {
            self.row_again(row, index, report);
        }
    }

    /// A row whose entry was passed already.
    fn row_again(&mut self, row: &Recomputed, position: u64, report: &mut VerifyReport) {
        if self.missing.remove(position) {
            let what = format!(
                "it is stored behind index {}, out of its place",
                self.next.saturating_sub(1)
            );
            report.add(finding(Fault::Reordered, position, row, what));
        } else {
            let what = format!("the record at index {position} is stored a second time");
            report.add(finding(Fault::Added, row.index(), row, what));
        }
    }

    fn unknown_row(&mut self, row: Recomputed, report: &mut VerifyReport) {
        self.settle_as_changed(report);
        if row.index() > self.next && row.index() < self.claimed {
            self.miss_until(row.index());
        }
        self.unknown = Some(row);
    }

    /// Rows behind the checkpoint: acknowledged ones of the write-ahead log have only their digest to be held against.
    fn row_beyond(&mut self, row: Recomputed, digest: Digest, report: &mut VerifyReport) {
        match row.acknowledged {
            Some(acknowledged) if row.index() == self.next => {
                if acknowledged != digest {
                    let what = "its content is not what was acknowledged".to_owned();
                    report.add(finding(Fault::ChangedPayload, self.next, &row, what));
                }
                self.next += 1;
            }
            _ => {
                if let Some(position) = self.search(&digest) {
                    self.row_again(&row, position, report);
                } else {
                    let what = "the log does not have it".to_owned();
                    report.add(finding(Fault::Added, row.index(), &row, what));
                }
            }
        }
    }

    /// The waiting row stands in the place of the next entry.
    fn settle_as_changed(&mut self, report: &mut VerifyReport) {
        if let Some(row) = self.unknown.take() {
            let what = row
                .problem
                .clone()
                .unwrap_or_else(|| "its content is not what was sealed".to_owned());
            report.add(finding(Fault::ChangedPayload, self.next, &row, what));
            self.next += 1;
        }
    }

    /// The waiting row stands between two entries.
    fn settle_as_added(&mut self, report: &mut VerifyReport) {
        if let Some(row) = self.unknown.take() {
            let what = "the log does not have it".to_owned();
            report.add(finding(Fault::Added, row.index(), &row, what));
        }
    }

    fn miss_until(&mut self, position: u64) {
        self.missing.add(self.next..position);
        self.next = self.next.max(position);
    }

    fn entry(&mut self, position: u64, report: &mut VerifyReport) -> Option<Digest> {
        if position >= self.claimed {
            return None;
        }
        let entry = self.entries.digest(position);
        if let Some(what) = self.entries.take_finding() {
            report.add(what);
        }
        entry
    }

    fn search(&mut self, digest: &Digest) -> Option<u64> {
        self.searches += 1;
        if self.searches > SEARCHES_MAX {
            None
        } else {
            self.entries.position_of(digest)
        }
    }

    /// Tells what was expected but not met, and gives the records that lack content.
    pub(crate) fn end(mut self, report: &mut VerifyReport) -> Vec<Lacking> {
        if self.next < self.claimed {
            self.settle_as_changed(report);
        } else {
            self.settle_as_added(report);
        }
        for (first, end) in &self.missing.ranges {
            let (first, last) = (*first, end - 1);
            let what = if first == last {
                "the log has this record, but it is not stored".to_owned()
            } else {
                format!("the log has the records {first} to {last}, but they are not stored")
            };
            report.add(Finding {
                fault: Fault::Dropped,
                index: Some(first),
                id: None,
                what,
            });
        }
        let end = self.claimed.min(self.range.end);
        let told = report
            .findings
            .iter()
            .any(|finding| finding.fault == Fault::Truncated);
        if self.next < end && !told {
            let fault = if end == self.claimed {
                Fault::Truncated
            } else {
                Fault::Dropped
            };
            let what = format!(
                "the log has {} records from here on that are not stored",
                end - self.next
            );
            report.add(Finding {
                fault,
                index: Some(self.next),
                id: None,
                what,
            });
        }
        self.lacking
    }
}

fn report_column(row: &Recomputed, report: &mut VerifyReport) {
    let Some(fault) = &row.scanned.column_fault else {
        return;
    };
    let show = |value: &Option<String>| {
        value
            .as_ref()
            .map_or_else(|| "null".to_owned(), |value| format!("{value:?}"))
    };
    let (stored, sealed) = (show(&fault.stored), show(&fault.sealed));
    let what = format!(
        "column {} holds {stored} but the sealed text says {sealed}",
        fault.column
    );
    report.add(finding(Fault::ChangedColumn, row.index(), row, what));
}

fn finding(fault: Fault, index: u64, row: &Recomputed, what: String) -> Finding {
    Finding {
        fault,
        index: Some(index),
        id: row.id(),
        what,
    }
}

/// Positions as ranges: whole files of records may be missing.
#[derive(Debug, Default)]
struct Gaps {
    /// End by start.
    ranges: BTreeMap<u64, u64>,
}

impl Gaps {
    fn add(&mut self, range: Range<u64>) {
        if !range.is_empty() {
            self.ranges.insert(range.start, range.end);
        }
    }

    /// Takes a position out; `false` if it is not in.
    fn remove(&mut self, position: u64) -> bool {
        let before = self.ranges.range(..=position).next_back();
        let Some((start, end)) = before
            .map(|(start, end)| (*start, *end))
            .filter(|(_, end)| position < *end)
        else {
            return false;
        };
        self.ranges.remove(&start);
        self.add(start..position);
        self.add(position + 1..end);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lose_single_positions_from_any_place() {
        let mut gaps = Gaps::default();
        gaps.add(10..20);
        gaps.add(30..31);
        gaps.add(40..40);
        for outside in [0, 9, 20, 29, 31, 40] {
            assert!(!gaps.remove(outside), "{outside}");
        }
        for inside in [10, 15, 19, 30] {
            assert!(gaps.remove(inside) && !gaps.remove(inside), "{inside}");
        }
        let left: Vec<(u64, u64)> = gaps.ranges.into_iter().collect();
        assert_eq!(left, [(11, 15), (16, 19)]);
    }
}
