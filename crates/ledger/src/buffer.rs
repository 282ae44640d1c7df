//! The buffer: records that are acknowledged but not yet in the table, in order, with the keys to find them by.
//!
//! Bounded by the sequencer, which takes nothing more while the buffer is full.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use causebook_record::{Sealed, Stored};
use jiff::Timestamp;

use crate::index::{Key, Keys};
use crate::table::Row;

/// What an entry costs in memory beside its text: the structures and the key maps.
const ENTRY_OVERHEAD_BYTES: u64 = 320;

/// One acknowledged record.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) sealed: Arc<Sealed>,
    pub(crate) keys: Keys,
    /// When it reached this buffer.
    pub(crate) at: Timestamp,
}

/// Records `first..end`, contiguous.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    first: u64,
    entries: VecDeque<Entry>,
    positions: HashMap<Key, Vec<u64>>,
    bytes: u64,
}

impl Buffer {
    pub(crate) fn starting_at(first: u64) -> Self {
        Self {
            first,
            ..Self::default()
        }
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Bytes held in memory, counted generously.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When the oldest record reached the buffer.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.entries.front().map(|entry| entry.at)
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        let position = self.end();
        for key in entry.keys.id.iter().chain(&entry.keys.others) {
            self.positions.entry(*key).or_default().push(position);
        }
        self.bytes += entry_bytes(&entry);
        self.entries.push_back(entry);
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Entry> {
        self.entries
            .get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    pub(crate) fn row(&self, index: u64) -> Option<Row> {
        let entry = self.get(index)?;
        let record = Stored::Whole {
            text: entry.sealed.text.clone(),
            key: entry.sealed.key,
        };
        Some(Row { index, record })
    }

    /// Rows from `from` on, at most `limit`.
    pub(crate) fn rows(&self, from: u64, limit: usize) -> Vec<Row> {
        (from.max(self.first)..self.end())
            .take(limit)
            .filter_map(|index| self.row(index))
            .collect()
    }

    /// The records from `from` on.
    pub(crate) fn sealed_from(&self, from: u64) -> Vec<Arc<Sealed>> {
        let skipped = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let entries = self.entries.iter().skip(skipped);
        entries.map(|entry| Arc::clone(&entry.sealed)).collect()
    }

    /// Candidate positions of a key, ascending.
    pub(crate) fn find(&self, key: Key) -> &[u64] {
        self.positions.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Lets go of the records below `end`, which are in the table now.
    pub(crate) fn trim(&mut self, end: u64) {
        while self.first < end {
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= entry_bytes(&entry);
            for key in entry.keys.id.iter().chain(&entry.keys.others) {
                if let Some(positions) = self.positions.get_mut(key) {
                    positions.retain(|position| *position != self.first);
                    if positions.is_empty() {
                        self.positions.remove(key);
                    }
                }
            }
            self.first += 1;
        }
    }
}

fn entry_bytes(entry: &Entry) -> u64 {
    entry.sealed.text.len() as u64 + ENTRY_OVERHEAD_BYTES
}
