//! What a system must do to be measured. Durability is the same for all: what returns is on disk, with its place fixed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Failure;
use crate::disk::processor_seconds;

/// A record as it is given: its id, and the JSON that names it too.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The record's id.
    pub id: &'a str,
    /// The record.
    pub json: &'a str,
}

/// A system open for writing.
pub trait Store: Send + Sync {
    /// Appends records in order with one sync. Durable when it returns.
    ///
    /// # Errors
    /// The system's own.
    fn append_batch(&self, entries: &[Entry<'_>]) -> Result<(), Failure>;

    /// Appends a record. Durable when it returns; gives its position, from 0.
    ///
    /// # Errors
    /// The system's own.
    fn append_one(&self, entry: Entry<'_>) -> Result<u64, Failure>;

    /// Whether many callers of [`append_one`](Self::append_one) share syncs without help. Where they do not, they are
    /// measured once more with a writer thread that gathers them.
    fn gathers_callers(&self) -> bool;

    /// Waits until a signed checkpoint covers the first `size` records and gives how many it covers; `None` if the
    /// system signs nothing.
    ///
    /// # Errors
    /// The system's own.
    fn wait_checkpoint(&self, size: u64) -> Option<Result<u64, Failure>> {
        let _ = size;
        None
    }

    /// Processor time taken so far, in seconds, by all processes of the system and its callers.
    ///
    /// # Errors
    /// If the kernel does not tell.
    fn processor_seconds(&self) -> Result<f64, Failure> {
        processor_seconds("self")
    }

    /// Brings everything to where it rests: tables, indexes and all.
    ///
    /// # Errors
    /// The system's own.
    fn settle(&self) -> Result<(), Failure>;

    /// Closes it.
    ///
    /// # Errors
    /// The system's own.
    fn close(self: Box<Self>) -> Result<(), Failure>;
}

/// A system open for reading.
pub trait Archive {
    /// Checks everything that is stored, and gives how many records that was; `None` if there is nothing to check by.
    ///
    /// # Errors
    /// If something is wrong, or cannot be read.
    fn verify(&self) -> Result<Option<u64>, Failure>;

    /// The stored bytes of the record with an id; `None` if the system does not find by id.
    ///
    /// # Errors
    /// If there is no such record.
    fn find(&self, id: &str) -> Option<Result<usize, Failure>>;

    /// Memory that the index takes, where the system tells.
    fn index_memory_bytes(&self) -> Option<u64> {
        None
    }
}

/// A system that is measured.
pub trait System {
    /// Prepares an empty folder.
    ///
    /// # Errors
    /// The system's own.
    fn create(&self, folder: &Path) -> Result<(), Failure>;

    /// Opens for writing.
    ///
    /// # Errors
    /// The system's own.
    fn open(&self, folder: &Path) -> Result<Box<dyn Store>, Failure>;

    /// Opens for reading.
    ///
    /// # Errors
    /// The system's own.
    fn read(&self, folder: &Path) -> Result<Box<dyn Archive>, Failure>;

    /// Bytes at rest by part, without what is reused: a write-ahead log is no part of them.
    ///
    /// # Errors
    /// If the folder cannot be read.
    fn bytes(&self, folder: &Path) -> Result<BTreeMap<String, u64>, Failure>;
}
