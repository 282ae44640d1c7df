//! The log on disk: tiles, entry bundles and the checkpoint below `log/`, as C2SP tlog-tiles lays them out.
//!
//! Tiles are derived from acknowledged digests, and synced before a checkpoint speaks of them
//! ([`TreeWriter::sync_written`]): whoever finds a checkpoint, also after a power cut and before any writer has opened
//! the ledger again, finds its tiles. Partial tiles stay until the full tile that replaces them is synced.
//!
//! All of it can be made again from the records, but for one thing: the digest of a record that was erased is in its
//! entry bundle alone. So when records go to the table there is a synced bundle that ends just where they do, or a full
//! one. And what is relied on below the table's end is never replaced but by what is synced before.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;

use causebook_record::Digest;
use causebook_tlog::{
    Frontier, Hash, TILE_HEIGHT, TILE_WIDTH, TileKind, TilePath, entry_bundle, hash_leaf,
    parse_entry_bundle, parse_tile, tile_bytes,
};

use crate::disk::{self, Disk};
use crate::error::LedgerError;

pub(crate) const DIRECTORY: &str = "log";
pub(crate) const CHECKPOINT_PATH: &str = "log/checkpoint";
const FULL: usize = TILE_WIDTH as usize;
/// Length of an entry in its bundle: a two-byte length and the digest.
const BUNDLED_DIGEST_BYTES: usize = 34;

/// Appends leaves and writes what they complete.
#[derive(Debug)]
pub(crate) struct TreeWriter {
    disk: Arc<dyn Disk>,
    frontier: Frontier,
    /// Digests of the entry bundle that is not full yet.
    digests: Vec<Digest>,
    /// Hashes of the tile that is not full yet, by tile level.
    levels: Vec<Vec<Hash>>,
    /// Records below this are in the table, or about to be.
    covered: u64,
    unsynced: BTreeSet<String>,
    /// Directories of partial tiles whose full tile has been written.
    outgrown: Vec<String>,
}

impl TreeWriter {
    /// An empty tree, to be grown over a table that holds `covered` records already.
    pub(crate) fn new(disk: Arc<dyn Disk>, covered: u64) -> Self {
        let levels = vec![Vec::new(); usize::from(TILE_HEIGHT)];
        let (unsynced, outgrown) = (BTreeSet::new(), Vec::new());
        Self {
            disk,
            frontier: Frontier::new(),
            digests: Vec::new(),
            levels,
            covered,
            unsynced,
            outgrown,
        }
    }

    /// Takes up the tree of `size` leaves from its tiles. Whether they are the right ones shows only in the root.
    ///
    /// # Errors
    /// If a tile of the right edge is missing or malformed.
    pub(crate) fn load(disk: Arc<dyn Disk>, size: u64) -> Result<Self, LedgerError> {
        let mut writer = Self::new(disk, size);
        let width = u64::from(TILE_WIDTH);
        if !size.is_multiple_of(width) {
            let path = TilePath::entries(size / width, (size % width) as u16)?;
            writer.digests = read_digests(writer.disk.as_ref(), &path)?;
            writer.check_digests(size)?;
        }
        let mut hashes = Vec::new();
        for level in (0..TILE_HEIGHT).rev() {
            let nodes = size >> (u32::from(level) * u32::from(TILE_HEIGHT)).min(63);
            let partial = nodes % width;
            if partial > 0 {
                let path = TilePath::hashes(level, nodes / width, partial as u16)?;
                let tile = parse_tile(&path, &fetch(writer.disk.as_ref(), &path)?)?;
                hashes.extend(edge_subtrees(&tile));
                if let Some(place) = writer.levels.get_mut(usize::from(level)) {
                    *place = tile;
                }
            }
        }
        writer.frontier = Frontier::from_hashes(size, hashes)?;
        Ok(writer)
    }

    /// The root says nothing of the entries themselves: they must hash to the leaves, since they will be written again
    /// in the next bundle.
    fn check_digests(&self, size: u64) -> Result<(), LedgerError> {
        let width = u64::from(TILE_WIDTH);
        let path = TilePath::hashes(0, size / width, (size % width) as u16)?;
        let leaves = parse_tile(&path, &fetch(self.disk.as_ref(), &path)?)?;
        let hashed = self.digests.iter().map(|digest| hash_leaf(&digest.0));
        if hashed.eq(leaves) {
            Ok(())
        } else {
            Err(LedgerError::Foreign {
                what: format!("log: an entry below {path} does not hash to its leaf"),
            })
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    pub(crate) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends a digest and writes the tiles and the bundle that it fills.
    pub(crate) fn push(&mut self, digest: Digest) -> Result<(), LedgerError> {
        let mut full = Vec::new();
        let levels = &mut self.levels;
        self.frontier
            .push_with(hash_leaf(&digest.0), |level, index, hash| {
                if level % TILE_HEIGHT == 0
                    && let Some(tile) = levels.get_mut(usize::from(level / TILE_HEIGHT))
                {
                    tile.push(hash);
                    if tile.len() == FULL {
                        full.push((
                            level / TILE_HEIGHT,
                            index / FULL as u64,
                            std::mem::take(tile),
                        ));
                    }
                }
            });
        for (level, index, hashes) in full {
            let path = TilePath::hashes(level, index, TILE_WIDTH)?;
            self.write(&path, &tile_bytes(&hashes))?;
        }
        self.digests.push(digest);
        if self.digests.len() == FULL {
            let index = (self.frontier.size() - 1) / FULL as u64;
            let path = TilePath::entries(index, TILE_WIDTH)?;
            let bundle = bundle(&self.digests)?;
            self.digests.clear();
            self.write(&path, &bundle)?;
        }
        Ok(())
    }

    /// Writes the partial tiles and the partial bundle of the present size, which a checkpoint of this size needs.
    pub(crate) fn write_partials(&mut self) -> Result<(), LedgerError> {
        let size = self.frontier.size();
        let mut files = Vec::new();
        for (level, hashes) in self
            .levels
            .iter()
            .enumerate()
            .filter(|(_, hashes)| !hashes.is_empty())
        {
            let index = (size >> (level as u32 * u32::from(TILE_HEIGHT)).min(63)) / FULL as u64;
            let path = TilePath::hashes(level as u8, index, hashes.len() as u16)?;
            files.push((path, tile_bytes(hashes)));
        }
        if !self.digests.is_empty() {
            let path = TilePath::entries(size / FULL as u64, self.digests.len() as u16)?;
            files.push((path, bundle(&self.digests)?));
        }
        files
            .into_iter()
            .try_for_each(|(path, bytes)| self.write(&path, &bytes))
    }

    fn write(&mut self, path: &TilePath, bytes: &[u8]) -> Result<(), LedgerError> {
        let file = format!("{DIRECTORY}/{path}");
        let directory = disk::parent(&file);
        self.disk
            .create_dir(directory)
            .map_err(LedgerError::disk("creating", directory))?;
        // A published checkpoint relies on what is there already: the same bytes, not synced, would be worse.
        if !self.disk.read(&file).is_ok_and(|held| held == bytes) {
            if self.is_relied_on(path) {
                disk::write_atomic(self.disk.as_ref(), &file, bytes, false)
            } else {
                self.disk.write(&file, bytes)
            }
            .map_err(LedgerError::disk("writing", &file))?;
        }
        if !path.is_partial() {
            self.outgrown.push(format!("{file}.p"));
        }
        self.unsynced.insert(file);
        Ok(())
    }

    /// Whether a file of this path is relied on without being made again: a bundle, which may be the only place of the
    /// digests of erased records, or a full tile, which recovery does not look at.
    fn is_relied_on(&self, path: &TilePath) -> bool {
        let level = match path.kind() {
            TileKind::Entries => 0,
            TileKind::Hashes(level) => level,
        };
        let leaves = u32::from(TILE_HEIGHT) * (u32::from(level) + 1);
        let first = u128::from(path.index()) << leaves.min(64);
        let is_kept = path.kind() == TileKind::Entries || !path.is_partial();
        is_kept && first < u128::from(self.covered)
    }

    /// Writes the bundle that ends where the table will, unless it is full and written already.
    fn write_bundle_up_to(&mut self, end: u64) -> Result<(), LedgerError> {
        let width = u64::from(TILE_WIDTH);
        let (tile, entries) = (end / width, (end % width) as usize);
        let is_partial = entries > 0 && tile == self.size() / width;
        let Some(digests) = self.digests.get(..entries).filter(|_| is_partial) else {
            return Ok(());
        };
        let (path, bytes) = (TilePath::entries(tile, entries as u16)?, bundle(digests)?);
        self.write(&path, &bytes)
    }

    /// Makes all tiles durable for a table that is to hold the records below `covered`, then removes the partial ones
    /// that full ones have replaced.
    ///
    /// # Errors
    /// As for [`sync_written`](Self::sync_written).
    pub(crate) fn sync(&mut self, covered: u64) -> Result<(), LedgerError> {
        self.write_bundle_up_to(covered)?;
        self.covered = covered;
        self.sync_written()?;
        for directory in self.outgrown.drain(..) {
            self.disk
                .remove_dir(&directory)
                .map_err(LedgerError::disk("removing", &directory))?;
        }
        Ok(())
    }

    /// Makes the tiles durable that were written since this was done last: a checkpoint that speaks of them may follow.
    ///
    /// # Errors
    /// Whatever the disk reports. It must not be tried again: a second sync would not tell what the first one lost.
    pub(crate) fn sync_written(&mut self) -> Result<(), LedgerError> {
        let mut directories = BTreeSet::new();
        for file in &self.unsynced {
            let handle = self
                .disk
                .open(file, true)
                .map_err(LedgerError::disk("opening", file))?;
            handle.sync().map_err(LedgerError::disk("syncing", file))?;
            directories.insert(disk::parent(file).to_owned());
        }
        for directory in &directories {
            self.disk
                .sync_dir(directory)
                .map_err(LedgerError::disk("syncing", directory))?;
        }
        self.unsynced.clear();
        Ok(())
    }
}

/// Roots of the maximal complete subtrees of a partial tile, largest first.
fn edge_subtrees(tile: &[Hash]) -> Vec<Hash> {
    let mut frontier = Frontier::new();
    tile.iter().for_each(|hash| frontier.push(*hash));
    frontier.hashes().to_vec()
}

fn bundle(digests: &[Digest]) -> Result<Vec<u8>, LedgerError> {
    Ok(entry_bundle(
        digests.iter().map(|digest| digest.0.as_slice()),
    )?)
}

/// Reads a tile or bundle. A partial one that is gone is cut from the full one or a wider one of the same tile: of these
/// from the narrowest, because it was written first.
pub(crate) fn fetch(disk: &dyn Disk, path: &TilePath) -> Result<Vec<u8>, LedgerError> {
    let file = format!("{DIRECTORY}/{path}");
    let missing = match read_if_there(disk, &file)? {
        Ok(bytes) => return Ok(bytes),
        Err(missing) if !path.is_partial() => return Err(missing),
        Err(missing) => missing,
    };
    let full = format!("{DIRECTORY}/{}", path.full());
    let wider = match read_if_there(disk, &full)? {
        Ok(bytes) => bytes,
        Err(_) => match wider_partial(disk, path)? {
            Some(bytes) => bytes,
            // Partial tiles go only after the full one is there, so whoever finds none now finds that.
            None => read_if_there(disk, &full)?.map_err(|_| missing)?,
        },
    };
    let unit = match path.kind() {
        TileKind::Entries => BUNDLED_DIGEST_BYTES,
        TileKind::Hashes(_) => causebook_tlog::HASH_BYTES,
    };
    Ok(wider
        .into_iter()
        .take(unit * usize::from(path.width()))
        .collect())
}

/// A file's contents, or else the error that it is not there.
fn read_if_there(disk: &dyn Disk, file: &str) -> Result<Result<Vec<u8>, LedgerError>, LedgerError> {
    let read = disk.read(file);
    let absent = matches!(&read, Err(error) if error.kind() == ErrorKind::NotFound);
    let read = read.map_err(LedgerError::disk("reading", file));
    if absent { Ok(read) } else { read.map(Ok) }
}

/// The narrowest partial tile of the same place that is wider than this one.
fn wider_partial(disk: &dyn Disk, path: &TilePath) -> Result<Option<Vec<u8>>, LedgerError> {
    let partials = format!("{DIRECTORY}/{}.p", path.full());
    let names = disk
        .list(&partials)
        .map_err(LedgerError::disk("listing", &partials))?;
    let widths = names.iter().filter_map(|name| name.parse::<u16>().ok());
    match widths.filter(|width| *width > path.width()).min() {
        Some(width) => Ok(read_if_there(disk, &format!("{partials}/{width}"))?.ok()),
        None => Ok(None),
    }
}

/// The digests of an entry bundle.
pub(crate) fn read_digests(disk: &dyn Disk, path: &TilePath) -> Result<Vec<Digest>, LedgerError> {
    let bytes = fetch(disk, path)?;
    let entries = parse_entry_bundle(&bytes, path.width())?;
    let digest = |entry: &[u8]| {
        let bytes = entry.try_into();
        bytes.map(Digest).map_err(|_| LedgerError::Foreign {
            what: format!("{path} holds an entry that is no digest"),
        })
    };
    entries.into_iter().map(digest).collect()
}
