//! That the log only grew: proofs between two of its sizes, for whoever holds an earlier head.

use causebook_tlog::{Frontier, Hash, TlogError, consistency_proof};

use crate::entries::open_tiles;
use crate::error::LedgerError;
use crate::reader::Reader;

/// Proof that the log of one size begins with the log of an earlier one (RFC 6962 section 2.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// The earlier size.
    pub from: u64,
    /// The later size.
    pub to: u64,
    /// Root of the tree at the earlier size.
    pub from_root: Hash,
    /// Root of the tree at the later size.
    pub to_root: Hash,
    /// The proof, empty where the sizes are equal.
    pub proof: Vec<Hash>,
}

impl Reader {
    /// Proves that the log of `to` records begins with the log of `from` records. Every hash used is held against the
    /// newest checkpoint's root.
    ///
    /// # Errors
    /// [`LedgerError::Log`] if the sizes are 0, reversed, or beyond the newest checkpoint, or if the tiles do not lead to
    /// its root.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Consistency, LedgerError> {
        let signed = self.checkpoint();
        let size = signed.as_ref().map_or(0, |signed| signed.checkpoint.size);
        let Some(signed) = signed.filter(|_| to <= size) else {
            return Err(TlogError::SizesReversed { old: to, new: size }.into());
        };
        let mut tiles = open_tiles(self.disk(), &signed.checkpoint)?;
        let proof = consistency_proof(from, to, &mut |level, index| tiles.node(level, index))?;
        let mut root = |size: u64| -> Result<Hash, LedgerError> {
            let mut hashes = Vec::new();
            let mut start = 0;
            // The complete subtrees that make up the tree, the greatest first.
            for level in (0..64_u8).rev().filter(|level| size >> level & 1 == 1) {
                hashes.push(tiles.node(level, start >> level)?);
                start += 1 << level;
            }
            Ok(Frontier::from_hashes(size, hashes)?.root())
        };
        Ok(Consistency {
            from,
            to,
            from_root: root(from)?,
            to_root: root(to)?,
            proof,
        })
    }
}
