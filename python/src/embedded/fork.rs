//! What a fork does to open ledgers. The child has the files of its parent and none of its threads: it must not use the
//! parent's ledger, and must not keep its lock alive after the parent is gone. So the locks are listed here, and the child
//! closes its share of each before anything else of it runs.
//!
//! While a ledger is being opened the list is held, and a fork waits for that: else a lock could be taken and not be listed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use causebook_ledger::{Hold, Ledger, Reader};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A fork does not wait for longer: an opening that takes so long leaves the child with the lock until it ends.
const LOOKS_MAX: u32 = 500;
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

type Holds = BTreeMap<u64, Held>;

/// The ledgers that this process has open, by their locks.
static HOLDS: Mutex<Holds> = Mutex::new(BTreeMap::new());

struct Held {
    hold: Hold,
    folder: PathBuf,
    reader: Reader,
}

thread_local! {
    /// The list, held by the thread that forks from before the fork until after it.
    static FORKING: RefCell<Option<MutexGuard<'static, Holds>>> = const { RefCell::new(None) };
}

/// A lock on the list. Dropping it takes it off.
#[derive(Debug)]
pub(super) struct Listed {
    number: u64,
    process: u32,
}

impl Drop for Listed {
    fn drop(&mut self) {
        // In a child the list is empty, and may be held by nobody who is there.
        if self.process == std::process::id() {
            held().remove(&self.number);
        }
    }
}

/// Opens a ledger and lists its lock, with no fork in between.
pub(super) fn listed<E>(
    folder: &Path,
    open: impl FnOnce() -> Result<Ledger, E>,
) -> Result<(Ledger, Listed), E> {
    let mut holds = held();
    let ledger = open()?;
    let number = holds.keys().next_back().map_or(0, |last| last + 1);
    let held = Held {
        hold: ledger.hold(),
        folder: folder.to_owned(),
        reader: ledger.reader(),
    };
    holds.insert(number, held);
    let process = std::process::id();
    Ok((ledger, Listed { number, process }))
}

/// A reader of a ledger that this process has open: it sees what was acknowledged at once, and need not read the log.
pub(crate) fn live_reader(folder: &Path) -> Option<Reader> {
    // Whoever finds the list taken reads from the files: a child of a fork may find it taken for ever.
    let holds = HOLDS.try_lock().ok()?;
    let held = holds.values().find(|held| held.folder == folder)?;
    Some(held.reader.clone())
}

fn held() -> MutexGuard<'static, Holds> {
    HOLDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the interpreter tell of forks.
pub(crate) fn watch_forks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let hooks = PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(before_fork, module)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(after_fork, module)?)?;
    hooks.set_item(
        "after_in_child",
        wrap_pyfunction!(after_fork_in_child, module)?,
    )?;
    py.import("os")?
        .call_method("register_at_fork", (), Some(&hooks))?;
    Ok(())
}

#[pyfunction]
fn before_fork(py: Python<'_>) {
    py.detach(|| {
        for _ in 0..LOOKS_MAX {
            let guard = match HOLDS.try_lock() {
                Ok(guard) => guard,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(LOOK_INTERVAL);
                    continue;
                }
            };
            FORKING.with_borrow_mut(|forking| *forking = Some(guard));
            return;
        }
    });
}

#[pyfunction]
fn after_fork() {
    FORKING.with_borrow_mut(Option::take);
}

#[pyfunction]
fn after_fork_in_child() {
    let guard = FORKING.with_borrow_mut(Option::take);
    // A program that forks without the interpreter tells only the child of it.
    let guard = guard.or_else(|| match HOLDS.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    });
    if let Some(mut holds) = guard {
        for held in std::mem::take(&mut *holds).into_values() {
            held.hold.let_go();
            // What it refers to is the parent's.
            std::mem::forget(held.reader);
        }
    }
}
