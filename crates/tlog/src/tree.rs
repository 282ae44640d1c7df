//! The Merkle tree of RFC 6962 section 2.1: leaf and node hashes, and a [`Frontier`] that appends in constant memory.
//! A frontier reports every complete subtree the moment it is complete, so that a caller can write tiles as it goes;
//! where the hashes are kept is left to the caller.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::TlogError;

/// Length of a hash, in bytes.
pub const HASH_BYTES: usize = 32;

/// Largest number of leaves a [`Frontier`] holds: 2^63 - 1. Far out of reach, and it keeps every count below overflow.
pub const SIZE_MAX: u64 = i64::MAX as u64;

/// A SHA-256 hash of a leaf, a node or a tree. Prints as standard base64 with padding, as the C2SP formats write it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; HASH_BYTES]);

impl Hash {
    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = TlogError;

    /// Reads the 44 base64 characters that [`Display`](fmt::Display) prints, and nothing else.
    fn from_str(text: &str) -> Result<Hash, TlogError> {
        // 44 characters checked first, so that a long string is never decoded.
        let bytes = if text.len() == 44 {
            STANDARD.decode(text).ok()
        } else {
            None
        };
        let bytes = bytes.and_then(|bytes| <[u8; HASH_BYTES]>::try_from(bytes).ok());
        bytes.map(Hash).ok_or(TlogError::HashText)
    }
}

/// `SHA-256(0x00 || data)`: the hash of a leaf holding `data` (RFC 6962 section 2.1).
pub fn hash_leaf(data: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([0x00])
            .chain_update(data)
            .finalize()
            .into(),
    )
}

/// `SHA-256(0x01 || left || right)`: the hash of a node over two children (RFC 6962 section 2.1).
pub fn hash_node(left: &Hash, right: &Hash) -> Hash {
    let mut message = [0x01; 1 + 2 * HASH_BYTES];
    message[1..=HASH_BYTES].copy_from_slice(&left.0);
    message[1 + HASH_BYTES..].copy_from_slice(&right.0);
    Hash(Sha256::digest(message).into())
}

/// `SHA-256("")`: the root of a tree without leaves (RFC 6962 section 2.1).
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// Root of the tree over these leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The right edge of a growing tree: one hash per complete subtree that no larger complete subtree contains.
///
/// That is one hash for each set bit of the size, largest subtree first, and all that is needed to append and to know
/// the root (a *compact range* from 0).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty tree.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// A frontier taken up again from what [`size`](Self::size) and [`hashes`](Self::hashes) gave.
    ///
    /// # Errors
    /// [`TlogError::TreeTooLarge`] above [`SIZE_MAX`]; [`TlogError::FrontierLength`] unless there is one hash for each
    /// set bit of `size`. Whether the hashes are right shows only in the root.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Frontier, TlogError> {
        if size > SIZE_MAX {
            return Err(TlogError::TreeTooLarge { size });
        }
        let needed = size.count_ones() as usize;
        if hashes.len() != needed {
            return Err(TlogError::FrontierLength {
                size,
                needed,
                given: hashes.len(),
            });
        }
        Ok(Frontier { size, hashes })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of the maximal complete subtrees, largest (leftmost) first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf hash and reports each subtree that it completes as `(level, index, hash)`, the leaf itself first:
    /// the node at `level` and `index` covers the leaves `index << level .. (index + 1) << level`.
    pub fn push_with(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, Hash)) {
        debug_assert_eq!(self.hashes.len(), self.size.count_ones() as usize);
        let mut hash = leaf;
        let mut index = self.size;
        completed(0, index, hash);
        // Each trailing one bit of the size is a subtree as large as the one just completed, standing to its left.
        for level in 1..=self.size.trailing_ones() as u8 {
            if let Some(left) = self.hashes.pop() {
                hash = hash_node(&left, &hash);
                index >>= 1;
                completed(level, index, hash);
            }
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        fold_right(&self.hashes).unwrap_or_else(empty_root)
    }
}

/// Joins subtree hashes, largest first, from the right: the root over them. None if there are none.
pub(crate) fn fold_right(hashes: &[Hash]) -> Option<Hash> {
    hashes
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| hash_node(&left, &right))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes that RFC 6962 implementations agree on (transparency-dev/merkle, rfc6962).
    #[test]
    fn hashes_agree_with_the_published_ones() {
        assert_eq!(
            format!("{:?}", empty_root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            format!("{:?}", hash_leaf(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            format!("{:?}", hash_leaf(b"L123456")),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
        );
    }

    #[test]
    fn a_hash_is_read_only_in_the_form_it_is_printed() {
        let hash = hash_leaf(b"x");
        let text = hash.to_string();
        assert_eq!(text.parse::<Hash>().unwrap(), hash);
        let unpadded = text.trim_end_matches('=');
        let spaced = format!("{text} ");
        let url_safe = text.replace('+', "-").replace('/', "_");
        for bad in ["", unpadded, &spaced, "A"] {
            assert!(bad.parse::<Hash>().is_err(), "{bad:?}");
        }
        assert!(url_safe == text || url_safe.parse::<Hash>().is_err());
        // The last character of a 32-byte hash carries two bits that must be zero.
        assert!(
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="
                .parse::<Hash>()
                .is_err()
        );
    }

    #[test]
    fn a_frontier_of_the_wrong_length_is_refused() {
        let hash = hash_leaf(b"x");
        assert!(Frontier::from_hashes(3, vec![hash]).is_err());
        assert!(Frontier::from_hashes(u64::MAX, vec![hash; 64]).is_err());
        assert!(Frontier::from_hashes(3, vec![hash; 2]).is_ok());
    }
}
