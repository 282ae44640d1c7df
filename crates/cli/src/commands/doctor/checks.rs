//! The checks: settings and clock first, then what lies on disk, then what the ledger itself says.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causebook_ledger::{Clock, Disk, Reader, RealDisk, SystemClock};
use jiff::Timestamp;

use super::{Check, State};
use crate::config::Settings;
use crate::failure::plain_io;
use crate::store;
use crate::units::{bytes, duration, second};

/// Less room than this for a ledger's next segments and table files is worth a warning.
const FREE_BYTES_LOW: u64 = 2 << 30;
/// A sync that takes longer slows every single record down.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// A sync of 4 KiB that is faster than any medium can write was not one.
const SYNC_UNBELIEVABLE: Duration = Duration::from_micros(2);
/// Segments that hold more than this wait for a flush that does not happen.
const WAL_BYTES_LARGE: u64 = 512 << 20;
const SYNC_TRIALS: usize = 9;

/// Everything that is looked at, in order.
pub(super) fn examine(settings: &Settings) -> Vec<Check> {
    let clock = SystemClock::new();
    let folder = store::folder(settings);
    let mut checks = vec![home(settings), clock_is_set(clock.now())];
    if !folder.is_dir() {
        return checks;
    }
    checks.extend([
        key(&folder),
        space(&folder),
        sync(&folder, &clock),
        lock(&folder),
        wal(&folder),
        index(&folder),
    ]);
    checks.extend(match store::reader(settings) {
        Ok(reader) => vec![table(settings, &reader), checkpoint(&reader, clock.now())],
        Err(failure) => vec![
            Check::new("ledger", State::Failed, failure.title)
                .fix(failure.hint.unwrap_or_default()),
        ],
    });
    checks
}

fn home(settings: &Settings) -> Check {
    let home = &settings.home.value;
    let shown = format!("{} ({})", home.display(), settings.home.origin);
    if !home.is_dir() {
        return Check::new("home", State::Failed, format!("there is none at {shown}"))
            .fix("causebook init");
    }
    let ledgers = store::ledgers(home);
    if !ledgers.contains(&settings.ledger.value) {
        let found = format!(
            "{shown} has no ledger {:?}; it has: {}",
            settings.ledger.value,
            ledgers.join(", ")
        );
        return Check::new("home", State::Failed, found)
            .fix("name one by --ledger, or make it: causebook init");
    }
    let world_writable = fs::metadata(home).is_ok_and(|metadata| metadata.mode() & 0o002 != 0);
    if world_writable {
        let fix = format!("chmod o-w {}", home.display());
        return Check::new(
            "home",
            State::Warning,
            format!("{shown} can be written by anyone"),
        )
        .fix(fix);
    }
    Check::ok("home", format!("{shown}, ledger {}", settings.ledger.value))
}

/// The program cannot have been built in its own future.
pub(super) fn clock_is_set(now: Timestamp) -> Check {
    let shown = format!("{} UTC", second(now));
    let earliest = Timestamp::from_second(EARLIEST_SECOND).unwrap_or(Timestamp::UNIX_EPOCH);
    if now < earliest {
        let found = format!("it says {shown}, which is before this program was made");
        return Check::new("clock", State::Failed, found).fix("set the clock, for example by NTP");
    }
    Check::ok("clock", shown)
}

/// 2026-11-01T00:00:00Z.
const EARLIEST_SECOND: i64 = 1_793_491_200;

fn key(folder: &Path) -> Check {
    let path = folder.join("key");
    match fs::metadata(&path) {
        Err(error) => Check::new(
            "key",
            State::Failed,
            format!("{}: {}", path.display(), plain_io(&error)),
        )
        .fix("put the ledger's key back; until then it can be read and verified, not written"),
        Ok(metadata) if metadata.mode() & 0o077 != 0 => {
            let found = format!(
                "others can read the signing key (mode {:o})",
                metadata.mode() & 0o777
            );
            Check::new("key", State::Failed, found).fix(format!("chmod 600 {}", path.display()))
        }
        Ok(_) => Check::ok("key", "only its owner can read it"),
    }
}

fn space(folder: &Path) -> Check {
    match rustix::fs::statvfs(folder) {
        Err(error) => Check::new(
            "space",
            State::Warning,
            format!("could not be found out: {error}"),
        ),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let found = format!("{} free", bytes(free));
            if free < FREE_BYTES_LOW {
                return Check::new("space", State::Warning, found)
                    .fix("free some: a full disk stops recording");
            }
            Check::ok("space", found)
        }
    }
}

/// Times what every acknowledgement waits for: a small write and its sync, in the ledger's own folder.
fn sync(folder: &Path, clock: &dyn Clock) -> Check {
    let path = folder.join(format!("doctor-{}.tmp", std::process::id()));
    let trial = || -> std::io::Result<Vec<Duration>> {
        let mut file = File::create_new(&path)?;
        let mut took = Vec::with_capacity(SYNC_TRIALS);
        for _ in 0..SYNC_TRIALS {
            file.write_all(&[0x5a; 4096])?;
            let start = clock.monotonic();
            file.sync_data()?;
            took.push(clock.monotonic().saturating_sub(start));
        }
        Ok(took)
    };
    let outcome = trial();
    let _ = fs::remove_file(&path);
    let mut took = match outcome {
        Ok(took) => took,
        Err(error) => {
            return Check::new(
                "sync",
                State::Failed,
                format!("cannot write here: {}", plain_io(&error)),
            )
            .fix(
                "check permissions and whether the disk is mounted read-only; reading still works",
            );
        }
    };
    took.sort_unstable();
    let median = took.get(SYNC_TRIALS / 2).copied().unwrap_or_default();
    let found = format!(
        "4 KiB reach the disk in {} (median of {SYNC_TRIALS})",
        duration(median)
    );
    if median < SYNC_UNBELIEVABLE {
        return Check::new(
            "sync",
            State::Warning,
            format!("{found}: too fast to be true"),
        )
        .fix("this file system does not sync; use one that does for records that must last");
    }
    if median > SYNC_SLOW {
        return Check::new("sync", State::Warning, found)
            .fix("record in batches, or use a faster disk");
    }
    Check::ok("sync", found)
}

fn lock(folder: &Path) -> Check {
    let disk = RealDisk::new(folder);
    match disk.lock(
        store::LOCK,
        &format!("process {} (doctor)", std::process::id()),
    ) {
        Ok(_) => Check::ok("lock", "free: nobody is writing"),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            let holder = fs::read_to_string(folder.join(store::LOCK)).unwrap_or_default();
            Check::ok("lock", format!("held by {}", holder.trim()))
        }
        Err(error) => {
            Check::new("lock", State::Failed, plain_io(&error)).fix("check who owns the folder")
        }
    }
}

fn wal(folder: &Path) -> Check {
    let size = size_below(&folder.join("wal"));
    let found = format!("{} on disk", bytes(size));
    if size > WAL_BYTES_LARGE {
        return Check::new("wal", State::Warning, found)
            .fix("flushing to the table fails or lags; see the writer's log");
    }
    Check::ok("wal", found)
}

fn index(folder: &Path) -> Check {
    let path = folder.join("index");
    match fs::read_dir(&path) {
        Ok(entries) => Check::ok(
            "index",
            format!("{} runs, {}", entries.count(), bytes(size_below(&path))),
        ),
        Err(error) => Check::new("index", State::Warning, plain_io(&error))
            .fix("the next writer makes it again from the table"),
    }
}

fn table(settings: &Settings, reader: &Reader) -> Check {
    let last = reader.size().checked_sub(1);
    if let Err(error) = last.map(|last| reader.get(last)).transpose() {
        return Check::new("table", State::Failed, error.to_string()).fix("causebook verify");
    }
    let size = size_below(&store::table_folder(settings));
    Check::ok(
        "table",
        format!("{} records can be read, {}", reader.size(), bytes(size)),
    )
}

fn checkpoint(reader: &Reader, now: Timestamp) -> Check {
    let Some(signed) = reader.checkpoint() else {
        return match reader.size() {
            0 => Check::ok("checkpoint", "none yet: the ledger is empty"),
            _ => Check::new(
                "checkpoint",
                State::Failed,
                "there are records but no checkpoint",
            )
            .fix("causebook verify"),
        };
    };
    let size = signed.checkpoint.size;
    let time = signed
        .time
        .and_then(|seconds| Timestamp::from_second(seconds as i64).ok());
    let shown = time.map_or_else(String::new, |time| format!(", signed {} UTC", second(time)));
    if time.is_some_and(|time| time > now) {
        return Check::new(
            "checkpoint",
            State::Warning,
            format!("over {size} records{shown}, in the future"),
        )
        .fix("the clock went back; set it before recording more");
    }
    match reader.size() - size.min(reader.size()) {
        0 => Check::ok("checkpoint", format!("over all {size} records{shown}")),
        uncovered => Check::new(
            "checkpoint",
            State::Warning,
            format!("over {size} records{shown}; {uncovered} wait for one"),
        )
        .fix("the next writer signs them"),
    }
}

fn size_below(folder: &Path) -> u64 {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                // Reserved space counts, a hole does not.
                Ok(metadata) => bytes += metadata.blocks() * 512,
                Err(_) => {}
            }
        }
    }
    bytes
}
