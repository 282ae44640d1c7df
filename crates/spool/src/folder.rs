//! The folder of a run: its segments, and the lock that says whether the process that writes it is alive.
//!
//! ```text
//! <spool>/<run>/lock              held by the process that writes the run, or by the one that adopted it
//! <spool>/<run>/about.json        for people: which program, which process, where to
//! <spool>/<run>/00000001.seg …    what is not yet delivered
//! <spool>/<run>/refused.ndjson    what the ledger refused, and why; not the content of what it has erased
//! <spool>/<run>/refused-7.arrow   the batch from number 7 on, of which rows were refused, none because it was erased
//! <spool>/<run>/00000001.damaged  a segment that could not be read whole
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::SpoolError;

const LOCK: &str = "lock";
const ABOUT: &str = "about.json";
pub(crate) const REFUSED: &str = "refused.ndjson";
const SEGMENT: &str = "seg";
/// Folders that are being made: a name that no run has.
const UNFINISHED: &str = ".new-";

/// What was found to adopt, and what could not be looked at.
pub(crate) type Adopted = (Option<RunFolder>, Vec<(PathBuf, SpoolError)>);

/// The folder of a run, locked.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    /// Closing it gives up the lock, unless a forked child holds it too.
    lock: Mutex<Option<File>>,
}

impl RunFolder {
    /// Makes the folder of a new run. It has its name when it has its lock: nobody adopts it before.
    pub(crate) fn create(spool: &Path, run: &str, about: &str) -> Result<RunFolder, SpoolError> {
        private_folder(spool)?;
        let unfinished = spool.join(format!("{UNFINISHED}{run}"));
        private_folder(&unfinished)?;
        let lock_path = unfinished.join(LOCK);
        let lock = private_file(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let taken = io::Error::new(io::ErrorKind::AlreadyExists, "the run exists");
                return Err(SpoolError::disk("locking", &lock_path)(taken));
            }
            Err(TryLockError::Error(error)) => {
                return Err(SpoolError::disk("locking", &lock_path)(error));
            }
        }
        let about_path = unfinished.join(ABOUT);
        private_file(&about_path)?
            .write_all(about.as_bytes())
            .map_err(SpoolError::disk("writing", &about_path))?;
        let path = spool.join(run);
        if path.exists() {
            let taken = io::Error::new(io::ErrorKind::AlreadyExists, "the run exists");
            return Err(SpoolError::disk("making", &path)(taken));
        }
        fs::rename(&unfinished, &path).map_err(SpoolError::disk("making", &path))?;
        Ok(RunFolder {
            path,
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Takes over a folder with something in it to deliver, of which the process is gone, passing over those in `not`.
    /// Gives those that cannot be looked at, too.
    pub(crate) fn adopt_one(spool: &Path, not: &[PathBuf]) -> Result<Adopted, SpoolError> {
        let mut faults = Vec::new();
        let entries = match fs::read_dir(spool) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, faults)),
            Err(error) => return Err(SpoolError::disk("reading", spool)(error)),
        };
        for entry in entries {
            let path = entry.map_err(SpoolError::disk("reading", spool))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || not.contains(&path) {
                continue;
            }
            match Self::adopt(path.clone()) {
                Ok(None) => {}
                Ok(Some(folder)) => return Ok((Some(folder), faults)),
                Err(fault) => faults.push((path, fault)),
            }
        }
        Ok((None, faults))
    }

    fn adopt(path: PathBuf) -> Result<Option<RunFolder>, SpoolError> {
        let lock = match OpenOptions::new()
            .read(true)
            .write(true)
            .open(path.join(LOCK))
        {
            Ok(lock) => lock,
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(SpoolError::disk("opening", &path)(error)),
        };
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        let folder = RunFolder {
            path,
            lock: Mutex::new(Some(lock)),
        };
        if folder.segments()?.is_empty() {
            folder.remove_if_done();
            return Ok(None);
        }
        Ok(Some(folder))
    }

    /// Numbers of its segments, in order.
    pub(crate) fn segments(&self) -> Result<Vec<u64>, SpoolError> {
        let mut numbers = Vec::new();
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            // Another process delivered it meanwhile.
            Err(error) if absent(&error) => return Ok(numbers),
            Err(error) => return Err(SpoolError::disk("reading", &self.path)(error)),
        };
        for entry in entries {
            let path = entry
                .map_err(SpoolError::disk("reading", &self.path))?
                .path();
            if path.extension().is_some_and(|it| it == SEGMENT)
                && let Some(stem) = path.file_stem().and_then(|stem| stem.to_str())
                && let Ok(number) = stem.parse()
            {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where segment `number` is.
    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:08}.{SEGMENT}"))
    }

    /// Puts a segment aside that cannot be read further.
    #[expect(clippy::unused_self, reason = "only who holds the folder's lock may")]
    pub(crate) fn put_aside(&self, path: &Path) -> Result<PathBuf, SpoolError> {
        let aside = path.with_extension("damaged");
        fs::rename(path, &aside).map_err(SpoolError::disk("renaming", path))?;
        Ok(aside)
    }

    /// Keeps a batch with rows that were refused: an Arrow IPC stream.
    pub(crate) fn keep_refused_batch(&self, seq: u64, body: &[u8]) -> Result<(), SpoolError> {
        self.forget_refused_batch(seq)?;
        let path = self.refused_batch(seq);
        private_file(&path)?
            .write_all(body)
            .map_err(SpoolError::disk("writing", &path))
    }

    /// Removes a batch that was kept. It may be there: what was delivered once may be delivered again.
    pub(crate) fn forget_refused_batch(&self, seq: u64) -> Result<(), SpoolError> {
        let path = self.refused_batch(seq);
        match fs::remove_file(&path) {
            Err(error) if !absent(&error) => Err(SpoolError::disk("removing", &path)(error)),
            _ => Ok(()),
        }
    }

    fn refused_batch(&self, seq: u64) -> PathBuf {
        self.path.join(format!("refused-{seq}.arrow"))
    }

    /// Keeps a line about what was refused.
    pub(crate) fn keep_refused(&self, lines: &str) -> Result<(), SpoolError> {
        let path = self.path.join(REFUSED);
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(lines.as_bytes()))
            .map_err(SpoolError::disk("writing", &path))
    }

    /// Removes the folder unless something is in it that somebody must see. What cannot be removed is left: it holds
    /// nothing that is not delivered.
    pub(crate) fn remove_if_done(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else {
            return;
        };
        let mut kept = false;
        for entry in entries.flatten() {
            let name = entry.file_name();
            kept |= name != LOCK && name != ABOUT;
        }
        if !kept {
            let _ = fs::remove_file(self.path.join(ABOUT));
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// Closes the lock's file if nobody is just using it. Never waits: the thread that would be waited for may not exist.
    pub(crate) fn close_lock(&self) {
        if let Ok(mut lock) = self.lock.try_lock() {
            drop(lock.take());
        }
    }

    /// Gives up the lock, so that another process may deliver what is left.
    pub(crate) fn release(&self) {
        let lock = self
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(lock) = lock {
            // A child of a fork may hold the same lock: closing alone would leave it held.
            let _ = lock.unlock();
        }
    }
}

/// Makes a new file that only its owner reads.
pub(crate) fn private_file(path: &Path) -> Result<File, SpoolError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(SpoolError::disk("making", path))
}

fn private_folder(path: &Path) -> Result<(), SpoolError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(SpoolError::disk("making", path))
}

fn absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
