//! What the programs here share: a ledger in a folder, and one on a server. Records, clocks and callers are those of
//! `causebook_load`, which the programs that run other systems use too.

pub mod api;
pub mod http;

use std::path::Path;
use std::sync::Arc;

use causebook_lake::DeltaTable;
use causebook_ledger::{
    Disk, Ledger, LedgerError, Options, Reader, RealDisk, SystemClock, TableSink, create,
};

pub use causebook_load::{
    Failure, Latencies, Percentiles, Random, Stopwatch, closed_loop, loan_decision, open_loop,
    scatter,
};

/// Creates a ledger in an empty folder.
///
/// # Errors
/// If the folder holds one or cannot be written.
pub fn create_ledger(folder: &Path) -> Result<(), LedgerError> {
    create(
        &RealDisk::new(folder),
        &SystemClock::new(),
        "main",
        "bench.example/main",
    )
    .map(|_| ())
}

/// Opens the ledger in a folder for writing.
///
/// # Errors
/// As [`Ledger::open`].
pub fn open_ledger(folder: &Path, options: Options) -> Result<Ledger, LedgerError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder));
    let table_folder = folder.join("table");
    let table = || Ok(Arc::new(DeltaTable::open_or_create(&table_folder)?) as Arc<dyn TableSink>);
    Ledger::open(disk, Arc::new(SystemClock::new()), table, options)
}

/// Opens the ledger in a folder for reading, as `causebook verify` does: beside a writer or without one.
///
/// # Errors
/// As [`Reader::open`].
pub fn open_reader(folder: &Path) -> Result<Reader, LedgerError> {
    let table = DeltaTable::open(&folder.join("table"))?;
    Reader::open(Arc::new(RealDisk::new(folder)), Arc::new(table))
}
