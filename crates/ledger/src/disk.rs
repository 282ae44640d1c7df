//! The disk as the ledger sees it: a few operations on named files below one folder, with durability spelled out.
//!
//! Everything the engine stores goes through [`Disk`], so that a simulated disk can fail any single operation or cut
//! the power at any point. [`RealDisk`] is the operating system's; [`crate::sim::SimDisk`] is the simulated one.
//! Nothing here retries: a failed sync is the caller's to treat as fatal.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// An open file. Offsets are bytes from the start.
pub trait DiskFile: Send + Sync + Debug {
    /// Writes all of `bytes` at `offset`. Not durable before [`sync`](Self::sync).
    ///
    /// # Errors
    /// Whatever the device reports, a full disk included.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads exactly `buffer.len()` bytes from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file is shorter.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Makes contents and length durable.
    ///
    /// # Errors
    /// After an error the contents are unknown: it must never be retried as if it could succeed.
    fn sync(&self) -> io::Result<()>;

    /// Reserves space up to `len` bytes, so that later writes cannot fail for want of it. Reads as zeros.
    ///
    /// # Errors
    /// If the space is not to be had.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Cuts or extends the file to `len` bytes.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn set_len(&self, len: u64) -> io::Result<()>;
}

/// A held lock; dropping it lets go.
pub trait DiskLock: Send + Sync + Debug {}

/// Files below one folder. Paths are relative and use `/`.
pub trait Disk: Send + Sync + Debug {
    /// Creates a directory and its parents, durably. Existing ones are left alone.
    ///
    /// # Errors
    /// Whatever the device reports.
    fn create_dir(&self, path: &str) -> io::Result<()>;

    /// Creates a file that must not exist yet, readable by the owner alone if `private`.
    ///
    /// # Errors
    /// `AlreadyExists` if it does.
    fn create(&self, path: &str, private: bool) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading and, if `write`, for writing.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    fn open(&self, path: &str, write: bool) -> io::Result<Box<dyn DiskFile>>;

    /// The whole of a file.
    ///
    /// # Errors
    /// `NotFound` if it does not exist.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// Creates or replaces a file in one step: who reads it meanwhile sees the old contents or the new ones, whole. Not
    /// durable, and after a crash it may be torn: for contents that can be made again.
    ///
    /// # Errors
    /// Whatever the device reports, a full disk included.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Length in bytes, or `None` if there is no such file.
    ///
    /// # Errors
    /// Whatever the device reports, except absence.
    fn len(&self, path: &str) -> io::Result<Option<u64>>;

    /// Moves a file over another in one step. Durable after [`sync_dir`](Self::sync_dir).
    ///
    /// # Errors
    /// Whatever the device reports.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; one that is not there counts as removed.
    ///
    /// # Errors
    /// Whatever the device reports, except absence.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Removes a directory with the files in it; one that is not there counts as removed.
    ///
    /// # Errors
    /// Whatever the device reports, except absence.
    fn remove_dir(&self, path: &str) -> io::Result<()>;

    /// Names of the files and directories in a directory, sorted; empty if it does not exist.
    ///
    /// # Errors
    /// Whatever the device reports, except absence.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Makes the entries of a directory durable.
    ///
    /// # Errors
    /// As for [`DiskFile::sync`].
    fn sync_dir(&self, path: &str) -> io::Result<()>;

    /// Takes the exclusive lock named by `path`, writing `holder` into it for others to read.
    ///
    /// # Errors
    /// `WouldBlock` if someone else holds it.
    fn lock(&self, path: &str, holder: &str) -> io::Result<Box<dyn DiskLock>>;

    /// Fills `buffer` with bytes that nobody can predict.
    ///
    /// # Errors
    /// If there are none to be had.
    fn random(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// Writes a file so that after a crash either the old or the new contents are there, whole.
///
/// # Errors
/// Whatever the device reports; the old contents are then still in place.
pub fn write_atomic(disk: &dyn Disk, path: &str, bytes: &[u8], private: bool) -> io::Result<()> {
    let temporary = format!("{path}.tmp");
    disk.remove(&temporary)?;
    let file = disk.create(&temporary, private)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    drop(file);
    disk.rename(&temporary, path)?;
    disk.sync_dir(parent(path))
}

/// The directory part of a relative path; empty for the root folder.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The operating system's files below a folder.
#[derive(Clone, Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// Files below `root`, which need not exist yet.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.root.clone()
        } else {
            self.root.join(path)
        }
    }
}

impl Disk for RealDisk {
    fn create_dir(&self, path: &str) -> io::Result<()> {
        let directory = self.at(path);
        if directory.is_dir() {
            return Ok(());
        }
        let mut missing = vec![directory.as_path()];
        let mut above = directory.parent();
        while let Some(ancestor) =
            above.filter(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.is_dir())
        {
            missing.push(ancestor);
            above = ancestor.parent();
        }
        for child in missing.into_iter().rev() {
            match fs::create_dir(child) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => other?,
            }
            let holder = child
                .parent()
                .filter(|holder| !holder.as_os_str().is_empty());
            File::open(holder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }

    fn create(&self, path: &str, private: bool) -> io::Result<Box<dyn DiskFile>> {
        let mode = if private { 0o600 } else { 0o644 };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(self.at(path))?;
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, path: &str, write: bool) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(
            OpenOptions::new()
                .read(true)
                .write(write)
                .open(self.at(path))?,
        )))
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.at(&format!("{path}.tmp"));
        fs::write(&temporary, bytes)?;
        fs::rename(&temporary, self.at(path))
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.at(path)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match fs::remove_file(self.at(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.at(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.at(path)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        File::open(self.at(path))?.sync_all()
    }

    fn lock(&self, path: &str, holder: &str) -> io::Result<Box<dyn DiskLock>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.at(path))?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(ErrorKind::WouldBlock.into()),
            Err(error) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.write_all_at(holder.as_bytes(), 0)?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(|error| io::Error::other(error.to_string()))
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(()),
            // Some file systems cannot reserve; a write there can still fail for want of space, and is then refused whole.
            Err(rustix::io::Errno::OPNOTSUPP) => self.0.set_len(len),
            Err(error) => Err(error.into()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

/// The lock lives as long as the open file does.
#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}
