//! Where a ledger lies and how it is opened: the only place that knows.
//!
//! `<home>/ledgers/<name>/` holds the ledger, its table in `table/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causebook_lake::DeltaTable;
use causebook_ledger::{
    Clock, Identity, Ledger, LedgerError, Options, Reader, RealDisk, SystemClock, TableError,
    TableSink,
};
use causebook_query::{Limits, Query};
use jiff::Timestamp;

use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::suggest::nearest;

const LEDGERS: &str = "ledgers";
/// Segments of the write-ahead log that short-lived writers may leave: every reader has to open each.
const SEGMENTS_MAX: usize = 64;
/// The lock that a writer holds.
pub(crate) const LOCK: &str = "lock";

/// Folder of the ledger that the settings name.
pub(crate) fn folder(settings: &Settings) -> PathBuf {
    settings
        .home
        .value
        .join(LEDGERS)
        .join(&settings.ledger.value)
}

/// Folder of its table.
pub(crate) fn table_folder(settings: &Settings) -> PathBuf {
    folder(settings).join("table")
}

/// Makes a ledger with keys and an empty table. Its identity is written last, so that an interrupted attempt can be
/// repeated.
pub(crate) fn create(settings: &Settings, origin: Option<&str>) -> Outcome<Identity> {
    let folder = folder(settings);
    let disk = RealDisk::new(&folder);
    let clock = SystemClock::new();
    match Identity::load(&disk) {
        Err(LedgerError::NoLedger) => {}
        Ok(_) => {
            return Err(
                Failure::new(Exit::Failure, "exists", "there is a ledger here already")
                    .place(folder.display().to_string())
                    .hint("--ledger NAME makes another one beside it"),
            );
        }
        Err(error) => return Err(located(error, &folder)),
    }
    fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
    let name = &settings.ledger.value;
    let origin = origin.map_or_else(|| default_origin(name, clock.now()), str::to_owned);
    DeltaTable::open_or_create(&table_folder(settings))
        .map_err(|error| located(error.into(), &folder))?;
    causebook_ledger::create(&disk, &clock, name, &origin).map_err(|error| located(error, &folder))
}

/// Opens the ledger for reading, beside a writer or without one.
pub(crate) fn reader(settings: &Settings) -> Outcome<Reader> {
    Ok(open(settings)?.1)
}

/// The same, with the table.
pub(crate) fn open(settings: &Settings) -> Outcome<(Arc<DeltaTable>, Reader)> {
    let folder = folder(settings);
    let disk = existing(settings, &folder)?;
    let table = DeltaTable::open(&table_folder(settings))
        .map_err(|error| located(error.into(), &folder))?;
    let table = Arc::new(table);
    let sink: Arc<dyn TableSink> = Arc::<DeltaTable>::clone(&table);
    let reader = Reader::open(disk, sink).map_err(|error| located(error, &folder))?;
    Ok((table, reader))
}

/// Questions in SQL to a ledger that is open, with the limits of the settings.
pub(crate) fn query(
    settings: &Settings,
    table: &Arc<DeltaTable>,
    reader: &Reader,
    rows_max: Option<usize>,
) -> Outcome<Query> {
    let reader = reader.clone();
    let limits = Limits {
        time: Duration::from_secs(settings.sql_timeout_s.value),
        memory_bytes: usize::try_from(settings.sql_memory_mb.value.saturating_mul(1 << 20))
            .unwrap_or(usize::MAX),
        rows_max,
    };
    Ok(Query::open(
        Arc::clone(table),
        move || reader.buffered(),
        limits,
    )?)
}

/// Opens the ledger for writing.
pub(crate) fn writer(settings: &Settings) -> Outcome<Ledger> {
    let folder = folder(settings);
    let disk = existing(settings, &folder)?;
    let clock = Arc::new(SystemClock::new());
    let open_table = || -> Result<Arc<dyn TableSink>, TableError> {
        Ok(Arc::new(DeltaTable::open_or_create(&table_folder(
            settings,
        ))?))
    };
    Ledger::open(disk, clock, open_table, Options::default())
        .map_err(|error| located(error, &folder))
}

/// Ends a short act of writing. Each one leaves a segment of its own in the write-ahead log; before there are many, what
/// they hold is moved into the table.
pub(crate) fn close(ledger: Ledger, settings: &Settings) -> Outcome {
    let segments = fs::read_dir(folder(settings).join("wal")).map_or(0, Iterator::count);
    if segments > SEGMENTS_MAX {
        ledger.flush()?;
    }
    Ok(ledger.close()?)
}

/// Names of the ledgers in a home, sorted.
pub(crate) fn ledgers(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home.join(LEDGERS))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

/// The signed head as it is published, to see that the log has grown; empty if there is none.
pub(crate) fn head(settings: &Settings) -> String {
    fs::read_to_string(folder(settings).join("log").join("checkpoint")).unwrap_or_default()
}

/// The time by the system's clock.
pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}

/// The disk of a ledger that is there; a failure that says what is there instead if it is not.
fn existing(settings: &Settings, folder: &Path) -> Outcome<Arc<RealDisk>> {
    let disk = RealDisk::new(folder);
    match Identity::load(&disk) {
        Ok(_) => Ok(Arc::new(disk)),
        Err(LedgerError::NoLedger) => Err(absent(settings)),
        Err(error) => Err(located(error, folder)),
    }
}

fn absent(settings: &Settings) -> Failure {
    let home = &settings.home.value;
    let name = &settings.ledger.value;
    let title = format!("there is no ledger {name:?} in {}", home.display());
    let failure = Failure::new(Exit::NotFound, "no-ledger", title);
    let others = ledgers(home);
    if others.is_empty() {
        return failure.hint("`causebook init` makes one here, `causebook demo` one with sample data; --home names another place");
    }
    match nearest(name, others.iter().map(String::as_str)) {
        Some(other) => failure.hint(format!("did you mean --ledger {other}?")),
        None => failure.hint(format!("the ledgers here are {}", others.join(", "))),
    }
}

fn located(error: LedgerError, folder: &Path) -> Failure {
    Failure::from(error).place(folder.display().to_string())
}

/// `host/ledger/20261123T124800.123Z`: no two ledgers get the same by chance.
fn default_origin(name: &str, now: Timestamp) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let host: String = host.trim().chars().filter(plain).collect();
    let host = if host.is_empty() { "localhost" } else { &host };
    format!("{host}/{name}/{}", now.strftime("%Y%m%dT%H%M%S.%3fZ"))
}
