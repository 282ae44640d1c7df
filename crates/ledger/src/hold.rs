//! The lock of an open ledger, apart from it: what a forked process needs to let go of a ledger that is not its own.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use crate::disk::DiskLock;

/// What keeps others from writing a ledger. It belongs to the open file, which a forked process shares: as long as the child
/// has it, nobody else can take it, although the parent may be gone.
///
/// The child has none of the threads of the engine, so it can neither use nor close the [`Ledger`](crate::Ledger), nor drop
/// it: it [lets go](Hold::let_go) and forgets it.
#[derive(Clone, Debug)]
pub struct Hold {
    lock: Arc<Mutex<Option<Box<dyn DiskLock>>>>,
}

impl Hold {
    pub(crate) fn new(lock: Box<dyn DiskLock>) -> Self {
        Self {
            lock: Arc::new(Mutex::new(Some(lock))),
        }
    }

    /// The engine has stopped: others may write.
    pub(crate) fn end(&self) {
        self.lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// In a process that was forked from the one that opened the ledger: closes the child's share of the lock. In the
    /// parent that would let others write beside the engine: there [`Ledger::close`](crate::Ledger::close) is the way.
    ///
    /// Gives false if the parent was closing the ledger at the moment of the fork: the child may then keep its share.
    pub fn let_go(&self) -> bool {
        // Whoever holds this mutex is a thread that the child does not have, so it is not waited for.
        let lock = match self.lock.try_lock() {
            Ok(mut lock) => lock.take(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().take(),
            Err(TryLockError::WouldBlock) => return false,
        };
        drop(lock);
        true
    }
}
