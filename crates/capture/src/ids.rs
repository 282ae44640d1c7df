//! Ids for rows that bring none: the same for the same row of the same source, so that an import can be repeated.
//!
//! ```text
//! id   = "imp-" + first 16 bytes, in hexadecimal, of SHA-256(
//!            "causebook-import/v1" ‖ 0x00 ‖ u64be(len(source)) ‖ source ‖ row ‖ u64be(occurrence))
//! row  = SHA-256 over the cells in order: for each, in formats whose rows name their own members,
//!            u64be(len(name)) ‖ name; then u64be(len(text)) ‖ text
//! text = the cell as read: text as it stands (without its quoting), JSON text of a typed value
//! occurrence = how many rows equal to this one stand before it in the source
//! ```
//! `source` is the mapping's `source.name`, else the name of the source (a file's name without its folder). So:
//! - reading the same file again gives the same ids; so does another line end, quoting or order of different rows;
//! - rows appended later change no earlier id;
//! - two equal rows of one file are two records;
//! - equal rows of two files are two records if the files have different names, and one if they have the same: where
//!   files of one name hold different decisions without an id or a time, give each its own `source.name`;
//! - the mapping is not part of an id: another mapping over the same rows makes other records of the same ids, which
//!   a ledger refuses as a conflict instead of recording them twice.
//!
//! Appended rows can change what an *automatic* column type makes of earlier ones (one `NA` makes a column of numbers
//! one of text); the mapping that [`Import::settled_mapping`](crate::Import::settled_mapping) gives has the types
//! fixed, and is the one to keep for files that grow.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::row::{Cell, SourceRow};

/// SHA-256 over a row's cells.
pub(crate) type RowDigest = [u8; 32];

/// The digest of a row; `table` says that names are common to all rows and so no part of any.
pub(crate) fn row_digest(row: &SourceRow<'_>, table: bool) -> RowDigest {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    for (name, cell) in row.names.iter().zip(row.cells) {
        if !table {
            add(name);
        }
        match cell {
            Cell::Text(text) | Cell::Json(text) | Cell::Missing(Some(text)) => add(text),
            Cell::Missing(None) => add("null"),
        }
    }
    hash.finalize().into()
}

/// The id of a row.
pub(crate) fn row_id(source: &str, row: &RowDigest, occurrence: u64) -> String {
    let mut hash = Sha256::new();
    hash.update(b"causebook-import/v1\0");
    hash.update((source.len() as u64).to_be_bytes());
    hash.update(source.as_bytes());
    hash.update(row);
    hash.update(occurrence.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = String::from("imp-");
    for byte in digest.iter().take(16) {
        for half in [byte >> 4, byte & 15] {
            id.extend(char::from_digit(u32::from(half), 16));
        }
    }
    id
}

/// Finds out, in one pass and bounded memory, which rows of a source can be equal to another one.
///
/// A bit for "seen" and one for "seen again" by a hash of the row. A row whose second bit stays clear is the only one
/// of its kind, so that in the second pass only the others need to be counted: a source of 1 GB takes 64 MiB here,
/// whatever the number of its rows, and the counts of the few that repeat, or that share a bit, on top.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    seen: Vec<u64>,
    again: Vec<u64>,
}

impl Repeats {
    /// Sized for a source of so many bytes.
    pub(crate) fn for_bytes(source_bytes: u64) -> Repeats {
        let bits = (source_bytes / 4)
            .clamp(BITS_MIN, BITS_MAX)
            .next_power_of_two();
        let words = usize::try_from(bits / 64).unwrap_or(1);
        Repeats {
            seen: vec![0; words],
            again: vec![0; words],
        }
    }

    pub(crate) fn note(&mut self, row: &RowDigest) {
        let (word, bit) = self.place(row);
        let Some(seen) = self.seen.get_mut(word) else {
            return;
        };
        if *seen & bit != 0
            && let Some(again) = self.again.get_mut(word)
        {
            *again |= bit;
        }
        *seen |= bit;
    }

    fn may_repeat(&self, row: &RowDigest) -> bool {
        let (word, bit) = self.place(row);
        self.again.get(word).is_some_and(|again| again & bit != 0)
    }

    fn place(&self, row: &RowDigest) -> (usize, u64) {
        let hash = row
            .iter()
            .take(8)
            .fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
        let bits = (self.seen.len() as u64 * 64).max(1);
        let place = hash % bits;
        (usize::try_from(place / 64).unwrap_or(0), 1 << (place % 64))
    }
}

/// Counts, in the second pass, the rows that stand before each and are equal to it.
#[derive(Debug)]
pub(crate) struct Occurrences<'a> {
    repeats: &'a Repeats,
    counts: HashMap<[u8; 16], u64>,
}

impl Occurrences<'_> {
    pub(crate) fn new(repeats: &Repeats) -> Occurrences<'_> {
        Occurrences {
            repeats,
            counts: HashMap::new(),
        }
    }

    /// How many rows equal to this one came before it; counts it.
    pub(crate) fn next(&mut self, row: &RowDigest) -> u64 {
        if !self.repeats.may_repeat(row) {
            return 0;
        }
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(row) {
            *to = *from;
        }
        let count = self.counts.entry(key).or_insert(0);
        let before = *count;
        *count += 1;
        before
    }
}

const BITS_MIN: u64 = 1 << 16;
const BITS_MAX: u64 = 1 << 29;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rule_is_fixed() {
        // Computed with Python's hashlib from the rule above.
        let row: RowDigest = Sha256::digest([&2_u64.to_be_bytes()[..], b"30"].concat()).into();
        assert_eq!(
            row_id("loans.csv", &row, 0),
            "imp-fb27a8266aa84e8092275438bb0ad464"
        );
    }

    proptest! {
        #[test]
        fn occurrences_are_exact_whatever_shares_a_bit(rows in proptest::collection::vec(0_u8..20, 0..200)) {
            // One word of bits, so that different rows do share bits.
            let mut repeats = Repeats { seen: vec![0], again: vec![0] };
            let digests: Vec<RowDigest> = rows.iter().map(|row| Sha256::digest([*row]).into()).collect();
            for digest in &digests {
                repeats.note(digest);
            }
            let mut occurrences = Occurrences::new(&repeats);
            for (place, digest) in digests.iter().enumerate() {
                let before = rows.iter().zip(0..place).filter(|(row, _)| **row == rows[place]).count();
                prop_assert_eq!(occurrences.next(digest), before as u64);
            }
        }
    }
}
