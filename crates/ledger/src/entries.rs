//! The log's entries, authenticated by the signed root as far as its tiles allow.
//!
//! If a tile does not lead to the root, that is told once, and entries are read unauthenticated from there on, so that
//! what else is wrong can still be named. A tile that the disk fails to give says nothing of what it holds: that ends the
//! verification, and is no finding.

use std::io::ErrorKind;

use causebook_record::Digest;
use causebook_tlog::{Checkpoint, Hash, TILE_WIDTH, TilePath, TileReader, hash_leaf, parse_tile};

use crate::disk::Disk;
use crate::error::LedgerError;
use crate::tree;
use crate::verify::{Fault, Finding};

type Fetch<'a> = Box<dyn FnMut(&TilePath) -> Result<Vec<u8>, LedgerError> + 'a>;

/// Reads entries of the log below a checkpoint.
pub(crate) struct LogEntries<'a> {
    disk: &'a dyn Disk,
    size: u64,
    reader: Option<TileReader<Fetch<'a>>>,
    fault: Option<String>,
    finding: Option<Finding>,
    /// What the disk failed with.
    failure: Option<LedgerError>,
    /// The bundle read last.
    bundle: Option<(u64, Vec<Digest>)>,
}

/// Opens the tiles of the log at a checkpoint, checking that their right edge leads to the signed root.
pub(crate) fn open_tiles<'a>(
    disk: &'a dyn Disk,
    checkpoint: &Checkpoint,
) -> Result<TileReader<Fetch<'a>>, LedgerError> {
    let fetch: Fetch<'a> = Box::new(move |path| tree::fetch(disk, path));
    TileReader::open(checkpoint.size, &checkpoint.root, fetch)
}

impl<'a> LogEntries<'a> {
    /// # Errors
    /// If the disk fails to give a tile. That one is missing, or not what it should be, is told by
    /// [`fault`](Self::fault).
    pub(crate) fn open(
        disk: &'a dyn Disk,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Self, LedgerError> {
        let size = checkpoint.map_or(0, |checkpoint| checkpoint.size);
        let (reader, fault) = match checkpoint.map(|checkpoint| open_tiles(disk, checkpoint)) {
            None => (None, None),
            Some(Ok(reader)) => (Some(reader), None),
            Some(Err(error)) if is_failure_of_disk(&error) => return Err(error),
            Some(Err(error)) => (
                None,
                Some(format!("the tiles do not lead to the signed root: {error}")),
            ),
        };
        Ok(Self {
            disk,
            size,
            reader,
            fault,
            finding: None,
            failure: None,
            bundle: None,
        })
    }

    /// Why the tiles could not be opened.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// What was found wrong since this was last asked.
    pub(crate) fn take_finding(&mut self) -> Option<Finding> {
        self.finding.take()
    }

    /// # Errors
    /// What the disk failed with since this was last asked.
    pub(crate) fn check_disk(&mut self) -> Result<(), LedgerError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    pub(crate) fn consistency_proof(&mut self, old_size: u64) -> Option<Vec<Hash>> {
        match self.reader.as_mut()?.consistency_proof(old_size) {
            Ok(proof) => Some(proof),
            Err(error) => {
                if is_failure_of_disk(&error) {
                    self.failure = Some(error);
                }
                None
            }
        }
    }

    /// The digest that the log has at `position`.
    pub(crate) fn digest(&mut self, position: u64) -> Option<Digest> {
        let number = position / u64::from(TILE_WIDTH);
        if self.bundle.as_ref().is_none_or(|(held, _)| *held != number) {
            let digests = self.read_bundle(number);
            self.bundle = Some((number, digests));
        }
        let (_, digests) = self.bundle.as_ref()?;
        digests
            .get((position % u64::from(TILE_WIDTH)) as usize)
            .copied()
    }

    fn read_bundle(&mut self, number: u64) -> Vec<Digest> {
        if let Some(reader) = &mut self.reader {
            match reader.entries(number) {
                Ok(entries) => {
                    return entries
                        .iter()
                        .filter_map(|entry| Some(Digest(entry.as_slice().try_into().ok()?)))
                        .collect();
                }
                Err(error) if is_failure_of_disk(&error) => self.failure = Some(error),
                Err(error) => self.finding = Some(self.locate(number, &error)),
            }
        }
        self.bundle_path(number)
            .and_then(|path| tree::read_digests(self.disk, &path).ok())
            .unwrap_or_default()
    }

    /// Names the first entry of a bundle that does not fit its leaf, or the tile that does not fit the one above.
    fn locate(&self, number: u64, error: &LedgerError) -> Finding {
        let first = number * u64::from(TILE_WIDTH);
        let path = self.bundle_path(number);
        let digests = path.and_then(|path| tree::read_digests(self.disk, &path).ok());
        let leaves = path.and_then(|path| {
            let tile = TilePath::hashes(0, number, path.width()).ok()?;
            parse_tile(&tile, &tree::fetch(self.disk, &tile).ok()?).ok()
        });
        let differing = digests.zip(leaves).and_then(|(digests, leaves)| {
            digests
                .iter()
                .zip(&leaves)
                .position(|(digest, leaf)| hash_leaf(&digest.0) != *leaf)
        });
        let (index, what) = match differing {
            Some(offset) => (
                first + offset as u64,
                "the log's entry does not hash to its leaf".to_owned(),
            ),
            None => (
                first,
                format!(
                    "the log's entries from here to {} cannot be authenticated: {error}",
                    first + 255
                ),
            ),
        };
        Finding {
            fault: Fault::ChangedLog,
            index: Some(index),
            id: None,
            what,
        }
    }

    fn bundle_path(&self, number: u64) -> Option<TilePath> {
        let left = self
            .size
            .checked_sub(number.checked_mul(u64::from(TILE_WIDTH))?)?;
        TilePath::entries(number, left.min(u64::from(TILE_WIDTH)) as u16).ok()
    }

    /// Where in the log a digest is. Reads the log from its start.
    pub(crate) fn position_of(&self, digest: &Digest) -> Option<u64> {
        let width = u64::from(TILE_WIDTH);
        (0..self.size.div_ceil(width)).find_map(|number| {
            let digests = tree::read_digests(self.disk, &self.bundle_path(number)?).ok()?;
            digests
                .iter()
                .position(|held| held == digest)
                .map(|offset| number * width + offset as u64)
        })
    }
}

/// Whether the disk refused, rather than giving something wrong or nothing.
fn is_failure_of_disk(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Disk { source, .. } if source.kind() != ErrorKind::NotFound)
}
