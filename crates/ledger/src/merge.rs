//! Merging runs of the index, on a thread of its own: a large merge takes as long as reading and writing all of it, and
//! neither flushes nor look-ups wait for that. One merge at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::LedgerError;
use crate::shared::Shared;

/// Starts merges and, when dropped, stops the one that is running.
#[derive(Debug, Default)]
pub(crate) struct Merger {
    cancel: Arc<AtomicBool>,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Merger {
    /// Starts merging if there is something to merge and nobody is at it.
    pub(crate) fn start(&self, shared: &Arc<Shared>) -> Result<(), LedgerError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = running.as_ref().is_some_and(|thread| !thread.is_finished());
        if busy || shared.index().mergeable().is_none() {
            return Ok(());
        }
        let (shared, cancel) = (Arc::clone(shared), Arc::clone(&self.cancel));
        let thread = thread::Builder::new().name("causebook-merger".to_owned());
        let thread = thread.spawn(move || merge_all(&shared, &cancel));
        *running =
            Some(thread.map_err(LedgerError::disk("starting a thread", "causebook-merger"))?);
        Ok(())
    }
}

impl Drop for Merger {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = running {
            // What it has not finished is merged another time.
            let _ = thread.join();
        }
    }
}

fn merge_all(shared: &Shared, cancel: &AtomicBool) {
    while !cancel.load(Ordering::Relaxed) {
        match merge_once(shared, cancel) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                if !cancel.load(Ordering::Relaxed) {
                    shared.poison(&error);
                }
                return;
            }
        }
    }
}

/// Merges runs of one size class; `false` if there is nothing to merge.
pub(crate) fn merge_once(shared: &Shared, cancel: &AtomicBool) -> Result<bool, LedgerError> {
    let _kept = shared.keep_runs();
    let index = shared.index().clone();
    let Some(parts) = index.mergeable() else {
        return Ok(false);
    };
    let merged = index.merge(&parts, cancel)?;
    shared.index_mut().replace(&parts, merged)?;
    Ok(true)
}
