//! Salts, commitments and the digest: the arithmetic that binds a record, SHA-256 and nothing else.
//!
//! ```text
//! salt_i       = half (i mod 2) of SHA-256(0x12 || key || u32be(i / 2))
//! commitment_i = SHA-256(0x10 || salt_i || u32be(len(path_i)) || path_i || text_i)
//! digest       = SHA-256(0x11 || u32be(n) || commitment_0 || ... || commitment_{n-1})
//! ```
//!
//! Salted, because a field of a form can be guessed; one salt a fact, so that some can be shown and
//! others not. The first byte keeps the three uses of the hash apart, and the two lengths keep path
//! and text, and the count, apart.

use std::fmt;

use crate::fact::FactIndex;
use crate::hash::Message;

/// The opening key of a record: 16 random bytes from which its salts are derived. Who has it can
/// open every fact.
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

/// A complete record, bound: its canonical text, the key that opens it, and the digest that the log
/// keeps.
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
    let [first, second] = salt_pair(&mut Message::with_capacity(64), key, i / 2);
    if i.is_multiple_of(2) { first } else { second }
}

/// The commitment to one fact: its path (a JSON Pointer) and the canonical text of its value.
pub fn commit(salt: Salt, path: &str, text: &str) -> Commitment {
    let mut message = Message::with_capacity(path.len() + text.len() + 128);
    commit_in(&mut message, salt, path, text)
}

/// The digest of a record, from the commitments to all its facts in order.
pub fn digest(commitments: &[Commitment]) -> Digest {
    digest_in(
        &mut Message::with_capacity(commitments.len() * 32 + 128),
        commitments,
    )
}

/// The digest of the record that `canonical`, whose facts are `facts`, makes with `key`.
pub(crate) fn digest_text(key: &OpeningKey, facts: &FactIndex, canonical: &str) -> Digest {
    let mut message = Message::with_capacity(facts.len() * 32 + 128);
    let mut commitments = Vec::with_capacity(facts.len());
    let mut second = Salt([0; 16]);
    for ((path, text), i) in facts.iter(canonical).zip(0_u32..) {
        let mut salt = second;
        if i.is_multiple_of(2) {
            [salt, second] = salt_pair(&mut message, key, i / 2);
        }
        commitments.push(commit_in(&mut message, salt, path, text));
    }
    digest_in(&mut message, &commitments)
}

fn salt_pair(message: &mut Message, key: &OpeningKey, pair: u32) -> [Salt; 2] {
    message.begin(SALT_PREFIX);
    message.push(&key.0);
    message.push(&pair.to_be_bytes());
    let hash = message.hash();
    let (mut first, mut second) = ([0; 16], [0; 16]);
    first.copy_from_slice(&hash[..16]);
    second.copy_from_slice(&hash[16..]);
    [Salt(first), Salt(second)]
}

fn commit_in(message: &mut Message, salt: Salt, path: &str, text: &str) -> Commitment {
    message.begin(COMMITMENT_PREFIX);
    message.push(&salt.0);
    message.push(&(path.len() as u32).to_be_bytes());
    message.push(path.as_bytes());
    message.push(text.as_bytes());
    Commitment(message.hash())
}

fn digest_in(message: &mut Message, commitments: &[Commitment]) -> Digest {
    message.begin(DIGEST_PREFIX);
    message.push(&(commitments.len() as u32).to_be_bytes());
    for commitment in commitments {
        message.push(&commitment.0);
    }
    Digest(message.hash())
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
