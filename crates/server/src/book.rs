//! One ledger as the server holds it: its engine, a reader that sees every acknowledged record, and SQL over both.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causebook_explain::Explainer;
use causebook_lake::DeltaTable;
use causebook_ledger::{
    CACHE, Clock, Identity, Ledger, LedgerError, Options, Reader, RealDisk, SystemClock,
    TableError, TableSink,
};
use causebook_query::{Limits, Query};
use tokio::sync::watch;

use crate::appender::Appender;
use crate::config::Sql;

/// How long the follower of a ledger sleeps before it looks whether it shall end.
const FOLLOW: std::time::Duration = std::time::Duration::from_secs(1);

/// An open ledger.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) ledger: Ledger,
    pub(crate) reader: Reader,
    pub(crate) query: Query,
    pub(crate) explainer: Explainer,
    pub(crate) appender: Appender,
    reviewing: Mutex<()>,
    /// Records acknowledged, as they grow.
    pub(crate) size: watch::Receiver<u64>,
    /// Records under a signed checkpoint, as they grow.
    pub(crate) covered: watch::Receiver<u64>,
}

impl Book {
    /// The turn to record reviews: nobody else changes what is in force while it is held. It blocks.
    pub(crate) fn reviewing(&self) -> MutexGuard<'_, ()> {
        self.reviewing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a ledger for writing, recovering what an earlier process left.
    ///
    /// # Errors
    /// What opening a ledger fails with.
    pub(crate) fn open(folder: &Path, sql: &Sql) -> Result<Self, LedgerError> {
        let disk = Arc::new(RealDisk::new(folder));
        let name = Identity::load(disk.as_ref())?.name;
        let mut table = None;
        let open_table = || -> Result<Arc<dyn TableSink>, TableError> {
            let opened = Arc::new(DeltaTable::open_or_create(&folder.join("table"))?);
            table = Some(Arc::clone(&opened));
            Ok(opened)
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ledger = Ledger::open(disk, clock, open_table, Options::default())?;
        let reader = ledger.reader();
        let table = table.ok_or(LedgerError::NoLedger)?;
        let buffered = reader.clone();
        let limits = Limits {
            time: sql.time,
            memory_bytes: sql.memory_bytes,
            rows_max: None,
        };
        let failed = |cause: String| LedgerError::Poisoned { cause };
        let query = Query::open(table, move || buffered.buffered(), limits)
            .map_err(|error| failed(error.to_string()))?;
        let appender = Appender::start(&ledger).map_err(|error| failed(error.to_string()))?;
        let size = follow(&reader).map_err(|error| failed(error.to_string()))?;
        let covered = follow_checkpoints(&ledger).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            name,
            folder: folder.to_owned(),
            ledger,
            explainer: Explainer::new(reader.clone(), Some(folder.join(CACHE))),
            reader,
            query,
            appender,
            reviewing: Mutex::default(),
            size,
            covered,
        })
    }

    /// Records under the newest checkpoint as it is served: whoever waits on [`covered`](Self::covered) is told a moment
    /// later.
    pub(crate) fn covered_size(&self) -> u64 {
        let newest = self.reader.checkpoint();
        newest.map_or(0, |signed| signed.checkpoint.size)
    }
}

/// Makes a ledger with keys and an empty table in `folder`. Its identity is written last, so that an interrupted attempt
/// can be repeated.
///
/// # Errors
/// [`LedgerError::Exists`], or what the disk fails with.
pub(crate) fn create(folder: &Path, name: &str, origin: &str) -> Result<(), LedgerError> {
    let disk = RealDisk::new(folder);
    match Identity::load(&disk) {
        Err(LedgerError::NoLedger) => {}
        Ok(_) => return Err(LedgerError::Exists),
        Err(error) => return Err(error),
    }
    std::fs::create_dir_all(folder).map_err(|source| LedgerError::Disk {
        doing: "making the folder",
        path: name.to_owned(),
        source,
    })?;
    DeltaTable::open_or_create(&folder.join("table"))?;
    causebook_ledger::create(&disk, &SystemClock::new(), name, origin).map(drop)
}

/// Tells whoever waits how many records there are. The thread ends when nobody can listen any more.
fn follow(reader: &Reader) -> std::io::Result<watch::Receiver<u64>> {
    let (tell, size) = watch::channel(reader.size());
    let reader = reader.clone();
    std::thread::Builder::new()
        .name("causebook-follower".to_owned())
        .spawn(move || {
            let mut size = reader.size();
            while !tell.is_closed() {
                let now = reader.wait_for_more(size, FOLLOW);
                if now > size {
                    size = now;
                    tell.send_replace(size);
                }
            }
        })?;
    Ok(size)
}

/// Tells whoever waits how many records are under a checkpoint.
fn follow_checkpoints(ledger: &Ledger) -> std::io::Result<watch::Receiver<u64>> {
    let checkpoint = ledger.reader().checkpoint();
    let mut size = checkpoint.map_or(0, |signed| signed.checkpoint.size);
    let (tell, covered) = watch::channel(size);
    let ledger = ledger.clone();
    std::thread::Builder::new()
        .name("causebook-checkpoints".to_owned())
        .spawn(move || {
            while !tell.is_closed() {
                match ledger.wait_checkpoint(size + 1, FOLLOW) {
                    Ok(signed) => {
                        size = signed.checkpoint.size;
                        tell.send_replace(size);
                    }
                    Err(LedgerError::Timeout { .. }) => {}
                    // Stopped: no checkpoint comes any more.
                    Err(_) => break,
                }
            }
        })?;
    Ok(covered)
}
