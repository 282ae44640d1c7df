//! Opening a ledger in a folder for writing, making it if there is none: the layout, origin and order of steps are those of
//! `causebook init`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use causebook_lake::DeltaTable;
use causebook_ledger::{
    Clock as _, Disk as _, Identity, Ledger, LedgerError, Options, RealDisk, SystemClock,
    TableError, TableSink,
};

use super::fork::{Listed, listed};
use crate::home;

/// Segments of the write-ahead log that short-lived writers may leave: every reader has to open each.
const SEGMENTS_MAX: usize = 64;
/// The lock that a writer holds.
const LOCK: &str = "lock";

/// Opens the ledger of this name in `folder`.
pub(super) fn open(folder: &Path, name: &str) -> Result<(Ledger, Listed), LedgerError> {
    let disk = RealDisk::new(folder);
    let open = || {
        if matches!(Identity::load(&disk), Err(LedgerError::NoLedger)) {
            create(&disk, name)?;
        }
        let open_table = || -> Result<Arc<dyn TableSink>, TableError> {
            Ok(Arc::new(DeltaTable::open_or_create(&home::table_folder(
                folder,
            ))?))
        };
        let clock = Arc::new(SystemClock::new());
        Ledger::open(
            Arc::new(disk.clone()),
            clock,
            open_table,
            Options::default(),
        )
    };
    listed(folder, open)
}

/// Ends writing. Each act of it leaves a segment of its own in the write-ahead log; before there are many, what they hold is
/// moved into the table.
pub(super) fn close(ledger: Ledger, folder: &Path) -> Result<(), LedgerError> {
    let segments = fs::read_dir(folder.join("wal")).map_or(0, Iterator::count);
    if segments > SEGMENTS_MAX {
        ledger.flush()?;
    }
    ledger.close()
}

/// Makes a ledger with keys and an empty table. Its identity is written last, so that an interrupted attempt can be
/// repeated; under the writer's lock, so that two processes do not make it at once.
fn create(disk: &RealDisk, name: &str) -> Result<(), LedgerError> {
    let failed = |doing: &'static str| {
        move |source: std::io::Error| {
            if source.kind() == std::io::ErrorKind::WouldBlock {
                let holder = "it is being made".to_owned();
                return LedgerError::Locked { holder };
            }
            LedgerError::Disk {
                doing,
                path: String::new(),
                source,
            }
        }
    };
    disk.create_dir("").map_err(failed("creating"))?;
    let holder = format!("process {}", std::process::id());
    let _lock = disk.lock(LOCK, &holder).map_err(failed("locking"))?;
    let clock = SystemClock::new();
    match Identity::load(disk) {
        Err(LedgerError::NoLedger) => {}
        other => return other.map(drop),
    }
    DeltaTable::open_or_create(&home::table_folder(disk.root()))?;
    let origin = default_origin(name, clock.now());
    causebook_ledger::create(disk, &clock, name, &origin).map(drop)
}

/// `host/ledger/20261123T124800.123Z`: no two ledgers get the same by chance.
fn default_origin(name: &str, now: jiff::Timestamp) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let host: String = host.trim().chars().filter(plain).collect();
    let host = if host.is_empty() { "localhost" } else { &host };
    format!("{host}/{name}/{}", now.strftime("%Y%m%dT%H%M%S.%3fZ"))
}
