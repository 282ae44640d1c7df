//! The buffer: records that are acknowledged but not yet in the table, in order, with the keys to find them by.
//!
//! Bounded by the sequencer, which takes nothing more while the buffer is full.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use causebook_record::{Sealed, Stored};
use jiff::Timestamp;

use crate::index::{Key, Keys};
use crate::segment::FrameSeal;
use crate::table::Row;

/// What an entry costs in memory beside its text: the structures and the key maps.
const ENTRY_OVERHEAD_BYTES: u64 = 320;

/// One acknowledged record.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) sealed: Arc<Sealed>,
    /// Of its frame in the write-ahead log.
    pub(crate) seal: FrameSeal,
    pub(crate) keys: Keys,
    /// When it reached this buffer.
    pub(crate) at: Timestamp,
}

/// Records `first..end`, contiguous.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    first: u64,
    entries: VecDeque<Entry>,
    positions: HashMap<Key, Positions, BuildHasherDefault<KeyHasher>>,
    bytes: u64,
}

/// Where records of one key are, ascending. Most keys have one; one that every record bears may have all of them.
#[derive(Debug)]
enum Positions {
    One(u64),
    Many(VecDeque<u64>),
}

impl Positions {
    fn push(&mut self, position: u64) {
        match self {
            Self::One(first) => *self = Self::Many(VecDeque::from([*first, position])),
            Self::Many(positions) => positions.push_back(position),
        }
    }

    /// Lets the first go, and tells whether any is left.
    fn pop_first(&mut self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Many(positions) => {
                positions.pop_front();
                !positions.is_empty()
            }
        }
    }
}

/// Keys are keyed hashes already: nobody can choose them to collide, and hashing them again would be for nothing.
#[derive(Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not met: a key writes itself as one word.
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            self.0 = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
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
        for key in entry.keys.iter() {
            self.positions
                .entry(key)
                .and_modify(|positions| positions.push(position))
                .or_insert(Positions::One(position));
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
    pub(crate) fn find(&self, key: Key) -> Vec<u64> {
        match self.positions.get(&key) {
            None => Vec::new(),
            Some(Positions::One(position)) => vec![*position],
            Some(Positions::Many(positions)) => positions.iter().copied().collect(),
        }
    }

    /// Lets go of the records below `end`, which are in the table now.
    pub(crate) fn trim(&mut self, end: u64) {
        while self.first < end {
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= entry_bytes(&entry);
            for key in entry.keys.iter() {
                let held = self.positions.get_mut(&key);
                if held.is_some_and(|positions| !positions.pop_first()) {
                    self.positions.remove(&key);
                }
            }
            self.first += 1;
        }
    }
}

fn entry_bytes(entry: &Entry) -> u64 {
    entry.sealed.text.len() as u64 + ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use causebook_record::{Digest, OpeningKey};

    use super::*;
    use crate::wal::Group;

    fn entry(position: u64, key: u64, shared: u64) -> Entry {
        let sealed = Sealed {
            text: format!("{{\"id\":\"{position}\"}}"),
            key: OpeningKey([7; 16]),
            digest: Digest([9; 32]),
        };
        let keys = Keys {
            id: Some(Key(key)),
            others: [None, Some(Key(shared)), None],
        };
        let seal = Group::default().push(&sealed);
        Entry {
            sealed: Arc::new(sealed),
            seal,
            keys,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn positions_of_a_key_come_ascending_and_go_with_their_records() {
        let mut buffer = Buffer::starting_at(100);
        for number in 0..50_000 {
            buffer.push(entry(100 + number, number, 1 << 40));
        }
        assert_eq!(buffer.find(Key(3)), [103]);
        assert_eq!(buffer.find(Key(1 << 40)).len(), 50_000);
        // A key that all records bear: letting each go must not cost a look at all the others.
        buffer.trim(50_098);
        assert!(buffer.find(Key(3)).is_empty());
        assert_eq!(buffer.find(Key(1 << 40)), [50_098, 50_099]);
        buffer.trim(u64::MAX);
        assert_eq!((buffer.first(), buffer.bytes()), (50_100, 0));
        assert!(buffer.positions.is_empty());
    }
}
