//! Reads subtree hashes, proofs and entries from a log's tiles, trusting only the root. Tiles come through a closure,
//! so that files, HTTP and tests read alike; whatever it returns is checked against the root before it is used.

use std::collections::BTreeMap;

use crate::TlogError;
use crate::proof::{consistency_proof, inclusion_proof};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TilePath, nodes_at, parse_entry_bundle, parse_tile};
use crate::tree::{Frontier, Hash, empty_root, fold_right, hash_leaf};

/// Most full tiles kept in memory (8 KiB each): enough for proofs in one neighbourhood at all levels.
const TILES_KEPT_MAX: usize = 256;

/// A log of known size and root, read through its tiles.
///
/// `fetch` gets a path and returns the bytes of that tile. For a partial tile it may return the full one instead: logs
/// may delete partial tiles once the full tile is there.
#[derive(Debug)]
pub struct TileReader<F> {
    size: u64,
    fetch: F,
    /// Tiles on the right edge, one per level, authenticated by the root.
    edge: BTreeMap<u8, Vec<Hash>>,
    /// Full tiles by (level, index), authenticated by the tile above them.
    full: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl<E: From<TlogError>, F: FnMut(&TilePath) -> Result<Vec<u8>, E>> TileReader<F> {
    /// Opens a log of `size` leaves: fetches the tiles of its right edge and checks that they lead to `root`.
    ///
    /// # Errors
    /// [`TlogError::RootMismatch`], [`TlogError::TileLength`], [`TlogError::TreeTooLarge`], or what `fetch` fails with.
    pub fn open(size: u64, root: &Hash, fetch: F) -> Result<TileReader<F>, E> {
        let mut reader = TileReader {
            size,
            fetch,
            edge: BTreeMap::new(),
            full: BTreeMap::new(),
        };
        for level in 0..TILE_HEIGHT {
            let nodes = nodes_at(size, level);
            let width = (nodes % u64::from(TILE_WIDTH)) as u16;
            if width > 0 {
                let path = TilePath::hashes(level, nodes / u64::from(TILE_WIDTH), width)?;
                let hashes = reader.fetch_hashes(&path)?;
                reader.edge.insert(level, hashes);
            }
        }
        let mut hashes = Vec::new();
        for bit in (0..64_u8).rev().filter(|bit| size >> bit & 1 == 1) {
            hashes.push(reader.node(bit, (size >> bit) - 1)?);
        }
        let computed = Frontier::from_hashes(size, hashes)?.root();
        if computed != *root {
            return Err(TlogError::RootMismatch {
                computed,
                expected: *root,
            }
            .into());
        }
        Ok(reader)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Hash of the complete subtree at `level` (0 for leaves) and `index`.
    ///
    /// # Errors
    /// [`TlogError::NodeMissing`] if the log has no such complete subtree; [`TlogError::TileMismatch`] if a tile does
    /// not lead to the root; [`TlogError::TileLength`]; or what `fetch` fails with.
    pub fn node(&mut self, level: u8, index: u64) -> Result<Hash, E> {
        let missing = TlogError::NodeMissing { level, index };
        if index >= self.size.checked_shr(u32::from(level)).unwrap_or(0) {
            return Err(missing.into());
        }
        // The subtree is the root over 2^height neighbours in one tile.
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index << height;
        let tile = self.tile(tile_level, first / u64::from(TILE_WIDTH))?;
        let offset = (first % u64::from(TILE_WIDTH)) as usize;
        let nodes = tile.get(offset..offset + (1 << height)).ok_or(missing)?;
        Ok(perfect_root(nodes))
    }

    /// Proof that the leaf at `index` is in the log.
    ///
    /// # Errors
    /// [`TlogError::IndexBeyondTree`], and as [`node`](Self::node).
    pub fn inclusion_proof(&mut self, index: u64) -> Result<Vec<Hash>, E> {
        inclusion_proof(index, self.size, &mut |level, index| {
            self.node(level, index)
        })
    }

    /// Proof that the log begins with the tree of `old_size` leaves.
    ///
    /// # Errors
    /// [`TlogError::EmptyOldTree`], [`TlogError::SizesReversed`], and as [`node`](Self::node).
    pub fn consistency_proof(&mut self, old_size: u64) -> Result<Vec<Hash>, E> {
        consistency_proof(old_size, self.size, &mut |level, index| {
            self.node(level, index)
        })
    }

    /// The entries of the bundle at `index` (256 a bundle, fewer in the last), each checked against its leaf.
    ///
    /// # Errors
    /// [`TlogError::IndexBeyondTree`] beyond the last bundle; [`TlogError::EntryBundle`];
    /// [`TlogError::TileMismatch`] if an entry does not hash to its leaf; and as [`node`](Self::node).
    pub fn entries(&mut self, index: u64) -> Result<Vec<Vec<u8>>, E> {
        let width = u64::from(TILE_WIDTH);
        let left = index
            .checked_mul(width)
            .and_then(|first| self.size.checked_sub(first))
            .filter(|left| *left > 0);
        let end = self.size.div_ceil(width);
        let left = left.ok_or(TlogError::IndexBeyondTree {
            index,
            start: 0,
            end,
        })?;
        let path = TilePath::entries(index, left.min(width) as u16)?;
        let bytes = (self.fetch)(&path)?;
        // The full bundle may stand in for a partial one that is gone.
        let entries = parse_entry_bundle(&bytes, path.width()).or_else(|error| {
            let mut entries = parse_entry_bundle(&bytes, TILE_WIDTH).map_err(|_| error)?;
            entries.truncate(usize::from(path.width()));
            Ok::<_, TlogError>(entries)
        })?;
        let leaves = self.tile(0, index)?;
        if !entries
            .iter()
            .map(|entry| hash_leaf(entry))
            .eq(leaves.iter().copied())
        {
            return Err(TlogError::TileMismatch {
                path: path.to_string(),
            }
            .into());
        }
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// An authenticated tile. The caller has checked that the log has it.
    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], E> {
        if index == nodes_at(self.size, level) / u64::from(TILE_WIDTH) {
            return Ok(self.edge.get(&level).map_or(&[], Vec::as_slice));
        }
        if !self.full.contains_key(&(level, index)) {
            // The tile's own root is one hash of the tile above, which is authenticated first.
            let expected = self.node((level + 1) * TILE_HEIGHT, index)?;
            let path = TilePath::hashes(level, index, TILE_WIDTH)?;
            let hashes = self.fetch_hashes(&path)?;
            if perfect_root(&hashes) != expected {
                return Err(TlogError::TileMismatch {
                    path: path.to_string(),
                }
                .into());
            }
            if self.full.len() >= TILES_KEPT_MAX {
                self.full.clear();
            }
            self.full.insert((level, index), hashes);
        }
        Ok(self.full.get(&(level, index)).map_or(&[], Vec::as_slice))
    }

    fn fetch_hashes(&mut self, path: &TilePath) -> Result<Vec<Hash>, E> {
        let bytes = (self.fetch)(path)?;
        let mut hashes = parse_tile(path, &bytes)
            .or_else(|error| parse_tile(&path.full(), &bytes).map_err(|_| error))?;
        hashes.truncate(usize::from(path.width()));
        Ok(hashes)
    }
}

/// Root over a power of two of neighbours.
fn perfect_root(nodes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for node in nodes {
        frontier.push(*node);
    }
    fold_right(frontier.hashes()).unwrap_or_else(empty_root)
}
