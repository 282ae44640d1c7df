//! Salts, commitments and the digest: the arithmetic that binds a record, SHA-256 and nothing else.
//!
//! ```text
//! salt_i       = half (i mod 2) of SHA-256(0x12 || key || u32be(i / 2))
//! commitment_i = SHA-256(0x10 || salt_i || u32be(len(path_i)) || path_i || text_i)
//! digest       = SHA-256(0x11 || u32be(n) || commitment_0 || ... || commitment_{n-1})
//! ```
//!
//! Salted, because a field of a form can be guessed; one salt a fact, so that some can be shown and others not. The
//! first byte keeps the three uses of the hash apart, and the two lengths keep path and text, and the count, apart.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::fact::FactIndex;

/// The opening key of a record: 16 random bytes from which its salts are derived. Who has it can open every fact.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpeningKey(pub [u8; 16]);

/// The salt of one fact. Who has it can check a guess at that fact.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt(pub [u8; 16]);

/// The salted hash of one fact: it binds the fact and says nothing about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment(pub [u8; 32]);

/// The hash over all commitments of a record, and the data of its leaf in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// A complete record, bound: its canonical text, the key that opens it, and the digest that the log keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Canonical text.
    pub text: String,
    /// What the salts are derived from.
    pub key: OpeningKey,
    /// What the log keeps.
    pub digest: Digest,
}

/// The salt of the fact at place `i`.
pub fn salt(key: &OpeningKey, i: u32) -> Salt {
    let [first, second] = salt_pair(key, i / 2);
    if i.is_multiple_of(2) { first } else { second }
}

/// The commitment to one fact: its path (a JSON Pointer) and the canonical text of its value.
pub fn commit(salt: Salt, path: &str, text: &str) -> Commitment {
    commit_in(&mut Vec::with_capacity(MESSAGE_BYTES), salt, path, text)
}

/// The digest of a record, from the commitments to all its facts in order.
pub fn digest(commitments: &[Commitment]) -> Digest {
    let mut hash = Digesting::new(commitments.len());
    for commitment in commitments {
        hash.push(*commitment);
    }
    hash.finish()
}

/// The digest of the record that `canonical`, whose facts are `facts`, makes with `key`.
pub(crate) fn digest_text(key: &OpeningKey, facts: &FactIndex, canonical: &str) -> Digest {
    let mut message = Vec::with_capacity(MESSAGE_BYTES);
    let mut hash = Digesting::new(facts.len());
    let mut salts = salts(key);
    for (path, text) in facts.iter(canonical) {
        hash.push(commit_in(&mut message, salts.next_salt(), path, text));
    }
    hash.finish()
}

/// The salts of a record in order, without end.
pub(crate) fn salts(key: &OpeningKey) -> Salts<'_> {
    Salts {
        key,
        next: 0,
        second: Salt([0; 16]),
    }
}

pub(crate) struct Salts<'a> {
    key: &'a OpeningKey,
    next: u32,
    second: Salt,
}

impl Salts<'_> {
    pub(crate) fn next_salt(&mut self) -> Salt {
        let i = self.next;
        self.next += 1;
        if i.is_multiple_of(2) {
            let [first, second] = salt_pair(self.key, i / 2);
            self.second = second;
            first
        } else {
            self.second
        }
    }
}

fn salt_pair(key: &OpeningKey, pair: u32) -> [Salt; 2] {
    let mut message = [SALT_PREFIX; 21];
    message[1..17].copy_from_slice(&key.0);
    message[17..].copy_from_slice(&pair.to_be_bytes());
    let hash: [u8; 32] = Sha256::digest(message).into();
    let (mut first, mut second) = ([0; 16], [0; 16]);
    first.copy_from_slice(&hash[..16]);
    second.copy_from_slice(&hash[16..]);
    [Salt(first), Salt(second)]
}

/// Commits with a buffer for the message, because one call on a whole message is faster than five on its parts.
pub(crate) fn commit_in(message: &mut Vec<u8>, salt: Salt, path: &str, text: &str) -> Commitment {
    message.clear();
    message.push(COMMITMENT_PREFIX);
    message.extend_from_slice(&salt.0);
    message.extend_from_slice(&(path.len() as u32).to_be_bytes());
    message.extend_from_slice(path.as_bytes());
    message.extend_from_slice(text.as_bytes());
    Commitment(Sha256::digest(&message).into())
}

struct Digesting(Sha256);

impl Digesting {
    fn new(count: usize) -> Self {
        let mut hash = Sha256::new();
        hash.update([DIGEST_PREFIX]);
        hash.update((count as u32).to_be_bytes());
        Self(hash)
    }

    fn push(&mut self, commitment: Commitment) {
        self.0.update(commitment.0);
    }

    fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey(..)")
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commitment(")?;
        write_hex(&self.0, f)?;
        f.write_str(")")
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

const COMMITMENT_PREFIX: u8 = 0x10;
const DIGEST_PREFIX: u8 = 0x11;
const SALT_PREFIX: u8 = 0x12;

/// Room for the message of an ordinary fact.
const MESSAGE_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: OpeningKey = OpeningKey([7; 16]);

    #[test]
    fn a_digest_is_the_same_by_steps_and_at_once() {
        let text = r#"{"a":1,"b":{"c":"x","d":[]}}"#;
        let facts = FactIndex::of(text).unwrap();
        let commitments: Vec<Commitment> = facts
            .iter(text)
            .zip(0..)
            .map(|((path, text), i)| commit(salt(&KEY, i), path, text))
            .collect();
        assert_eq!(commitments.len(), 3);
        assert_eq!(digest_text(&KEY, &facts, text), digest(&commitments));
    }

    #[test]
    fn salts_differ_by_place_and_by_key() {
        let salts: Vec<Salt> = (0..6)
            .map(|i| salt(&KEY, i))
            .chain([salt(&OpeningKey([8; 16]), 0)])
            .collect();
        for (nth, one) in salts.iter().enumerate() {
            assert!(!salts[nth + 1..].contains(one));
        }
    }

    #[test]
    fn path_and_text_cannot_trade_bytes() {
        let salt = Salt([1; 16]);
        assert_ne!(commit(salt, "/a", "12"), commit(salt, "/a1", "2"));
    }

    #[test]
    fn debug_shows_no_secrets_and_digests_print_as_hex() {
        assert_eq!(
            format!("{:?} {:?}", KEY, Salt([1; 16])),
            "OpeningKey(..) Salt(..)"
        );
        assert_eq!(Digest([0xab; 32]).to_string(), "ab".repeat(32));
    }
}
