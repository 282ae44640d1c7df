//! What the threads of one ledger share: the buffer, the index, the newest checkpoint and the poison flag.
//!
//! Locks are held for look-ups and pushes only, never across I/O that other threads could wait for, and always taken
//! in the order head, buffer, index.

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use causebook_tlog::Checkpoint;

use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::LedgerError;
use crate::identity::Identity;
use crate::index::Index;
use crate::table::TableSink;

/// A checkpoint with the bytes that were signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The signed note, as published.
    pub note: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// When it was signed, in Unix seconds, as the cosignature says.
    pub time: Option<u64>,
}

/// State that readers and the engine's threads share.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) table: Arc<dyn TableSink>,
    pub(crate) identity: Identity,
    buffer: RwLock<Buffer>,
    index: RwLock<Index>,
    /// Held by whoever replaces runs of the index, for as long as that takes.
    run_changes: Mutex<()>,
    head: Mutex<Head>,
    head_moved: Condvar,
}

/// How far things are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    /// Records acknowledged.
    pub(crate) durable: u64,
    pub(crate) checkpoint: Option<SignedCheckpoint>,
    /// The failure that stopped the engine.
    pub(crate) poison: Option<String>,
    pub(crate) closing: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("identity", &self.identity.origin)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        table: Arc<dyn TableSink>,
        identity: Identity,
        buffer: Buffer,
        index: Index,
        checkpoint: Option<SignedCheckpoint>,
    ) -> Self {
        let head = Head {
            durable: buffer.end(),
            checkpoint,
            ..Head::default()
        };
        Self {
            disk,
            clock,
            table,
            identity,
            buffer: RwLock::new(buffer),
            index: RwLock::new(index),
            run_changes: Mutex::new(()),
            head: Mutex::new(head),
            head_moved: Condvar::new(),
        }
    }

    // A panic elsewhere cannot leave these structures half changed, so a poisoned lock is as good as a sound one.

    pub(crate) fn buffer(&self) -> RwLockReadGuard<'_, Buffer> {
        self.buffer.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn buffer_mut(&self) -> RwLockWriteGuard<'_, Buffer> {
        self.buffer.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the runs of the index from being replaced by others; new ones may still be pushed.
    pub(crate) fn keep_runs(&self) -> MutexGuard<'_, ()> {
        self.run_changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody holds a lock on the head, the buffer or the index at this moment.
    pub(crate) fn is_free(&self) -> bool {
        self.head.try_lock().is_ok()
            && self.buffer.try_write().is_ok()
            && self.index.try_write().is_ok()
    }

    /// Whether nobody is replacing runs of the index at this moment.
    pub(crate) fn are_runs_free(&self) -> bool {
        self.run_changes.try_lock().is_ok()
    }

    pub(crate) fn head(&self) -> Head {
        self.lock_head().clone()
    }

    fn lock_head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the head and wakes everyone who waits for a change.
    pub(crate) fn move_head(&self, change: impl FnOnce(&mut Head)) {
        change(&mut self.lock_head());
        self.head_moved.notify_all();
    }

    /// Wakes everyone who waits for a change of the head, the buffer having changed.
    pub(crate) fn wake(&self) {
        drop(self.lock_head());
        self.head_moved.notify_all();
    }

    /// Waits until `done` gives something, or `timeout` has passed.
    pub(crate) fn wait_head<T>(
        &self,
        timeout: Duration,
        mut done: impl FnMut(&Head) -> Option<T>,
    ) -> Option<T> {
        let start = self.clock.monotonic();
        let mut head = self.lock_head();
        loop {
            if let Some(value) = done(&head) {
                return Some(value);
            }
            let waited = self.clock.monotonic().saturating_sub(start);
            let left = timeout.checked_sub(waited).filter(|left| !left.is_zero())?;
            head = self
                .head_moved
                .wait_timeout(head, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Stops the engine: nothing is acknowledged any more. The first cause is kept.
    pub(crate) fn poison(&self, cause: &LedgerError) {
        self.move_head(|head| {
            head.poison.get_or_insert_with(|| cause.to_string());
        });
    }

    /// # Errors
    /// [`LedgerError::Poisoned`] if the engine has stopped.
    pub(crate) fn check_sound(&self) -> Result<(), LedgerError> {
        match self.lock_head().poison.clone() {
            Some(cause) => Err(LedgerError::Poisoned { cause }),
            None => Ok(()),
        }
    }
}
