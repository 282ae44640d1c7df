//! What is looked up: keyed hashes of ids, subjects, references and trace ids.

use causebook_record::Fields;
use sha2::{Digest as _, Sha256};

/// What a key is about. The tag keeps an id from being found as a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Id,
    RefersTo,
    Subject,
    Trace,
}

/// A keyed hash of a kind and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) u64);

/// The secret that keys the hashes, so that nobody can prepare colliding ids.
#[derive(Clone, Copy)]
pub(crate) struct Seed(pub(super) [u8; 16]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seed(..)")
    }
}

impl Seed {
    pub(crate) fn key(&self, kind: KeyKind, value: &str) -> Key {
        let tag = match kind {
            KeyKind::Id => 0,
            KeyKind::RefersTo => 1,
            KeyKind::Subject => 2,
            KeyKind::Trace => 3,
        };
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update([tag])
            .chain_update(value)
            .finalize();
        let mut first = [0; 8];
        first.copy_from_slice(hash.get(..8).unwrap_or(&[0; 8]));
        Key(u64::from_be_bytes(first))
    }
}

/// The keys of one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) id: Option<Key>,
    /// Of what it refers to, its subject and its trace.
    pub(crate) others: [Option<Key>; 3],
}

impl Keys {
    pub(crate) fn of(seed: &Seed, fields: &Fields) -> Self {
        let key =
            |kind, value: &Option<String>| value.as_deref().map(|value| seed.key(kind, value));
        let others = [
            key(KeyKind::RefersTo, &fields.refers_to),
            key(KeyKind::Subject, &fields.subject),
            key(KeyKind::Trace, &fields.trace_id),
        ];
        Self {
            id: key(KeyKind::Id, &fields.id),
            others,
        }
    }

    /// All of them, the id's first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Key> {
        self.id.into_iter().chain(self.others.into_iter().flatten())
    }
}
