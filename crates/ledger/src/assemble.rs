//! From what is on disk to the parts of an engine that are ready to run: identity, lock, keys, recovered state, and the
//! bodies that place, publish and flush. Who runs them, threads or a simulation, is left to the caller.

use std::sync::Arc;

use crossbeam_channel::Sender;

use crate::clock::Clock;
use crate::disk::{Disk, DiskLock};
use crate::error::LedgerError;
use crate::identity::{Identity, SigningKeys};
use crate::index::Seed;
use crate::options::Options;
use crate::publish::{Publication, Publisher};
use crate::recover::{recover, regrow_tree};
use crate::sequence::Sequencer;
use crate::shared::Shared;
use crate::table::{TableError, TableSink};
use crate::tree;
use crate::wal::{self, Wal};

const LOCK_PATH: &str = "lock";

/// An engine at rest.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) seed: Seed,
    pub(crate) sequencer: Sequencer,
    pub(crate) publisher: Publisher,
    /// Dropped last of all: until then nobody else may write.
    pub(crate) lock: Box<dyn DiskLock>,
}

/// Takes the lock as `holder` and recovers what an earlier process left. The sequencer will tell `publications` of what it
/// made durable.
///
/// # Errors
/// As for [`Ledger::open`](crate::Ledger::open).
pub(crate) fn assemble(
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    open_table: impl FnOnce() -> Result<Arc<dyn TableSink>, TableError>,
    options: &Options,
    holder: &str,
    publications: Sender<Publication>,
) -> Result<Parts, LedgerError> {
    let identity = Identity::load(disk.as_ref())?;
    let lock = take_lock(disk.as_ref(), holder)?;
    let keys = SigningKeys::load(disk.as_ref(), &identity)?;
    let table = open_table()?;
    let recovered = recover(&disk, &clock, table.as_ref(), true)?;
    let signed = recovered
        .checkpoint
        .as_ref()
        .map_or(0, |signed| signed.checkpoint.size);
    let seed = recovered.index.seed();
    let shared = Arc::new(Shared::new(
        Arc::clone(&disk),
        clock,
        table,
        recovered.identity,
        recovered.buffer,
        recovered.index,
        recovered.checkpoint,
    ));
    let tree = regrow_tree(&shared)?;
    // Only now is it known that nothing is missing: until then nothing is cut off or deleted that could still help to
    // restore it.
    wal::tidy(disk.as_ref(), &recovered.replay, signed)?;
    shared.table.tidy()?;
    make_names_durable(disk.as_ref())?;
    let wal = Wal::new(
        disk,
        options.segment_bytes,
        recovered.replay.epoch + 1,
        recovered.replay.segments,
    );
    let frontier = tree.frontier().clone();
    let sequencer = Sequencer::new(
        Arc::clone(&shared),
        options.clone(),
        wal,
        frontier,
        publications,
    );
    let publisher = Publisher::new(Arc::clone(&shared), keys, tree, options.checkpoint_interval);
    Ok(Parts {
        shared,
        seed,
        sequencer,
        publisher,
        lock,
    })
}

/// Identity, keys and checkpoint may have been renamed into place by a process that was killed before it synced their
/// directories: they are seen, but a power cut could still take them from under what is built on them from here on.
fn make_names_durable(disk: &dyn Disk) -> Result<(), LedgerError> {
    for directory in ["", tree::DIRECTORY] {
        disk.create_dir(directory)
            .map_err(LedgerError::disk("creating", directory))?;
        disk.sync_dir(directory)
            .map_err(LedgerError::disk("syncing", directory))?;
    }
    Ok(())
}

fn take_lock(disk: &dyn Disk, holder: &str) -> Result<Box<dyn DiskLock>, LedgerError> {
    disk.lock(LOCK_PATH, holder).map_err(|source| {
        if source.kind() == std::io::ErrorKind::WouldBlock {
            let holder = disk
                .read(LOCK_PATH)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            LedgerError::Locked {
                holder: holder.unwrap_or_else(|| "unknown".to_owned()),
            }
        } else {
            LedgerError::Disk {
                doing: "locking",
                path: LOCK_PATH.to_owned(),
                source,
            }
        }
    })
}
