//! A disk in memory with two states: what a running process sees, and what would be there after a power cut.
//!
//! Contents become certain by syncing the file, names by syncing the directory. A power cut keeps what is certain, and
//! of the rest each write survives whole, torn or not at all, as the seed decides.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, DiskLock, parent};

/// An operation that is made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation with this number, counted from 0, fails once.
    At(u64),
    /// Every operation from this number on fails, as on a disk that has gone.
    From(u64),
    /// Writes and allocations fail once this many bytes have been written, as on a full disk.
    FullAfter(u64),
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Names as a running process sees them.
    names: BTreeMap<String, u64>,
    directories: BTreeSet<String>,
    /// Names that survive a power cut.
    durable_names: BTreeMap<String, u64>,
    files: BTreeMap<u64, Contents>,
    next_file: u64,
    locked: BTreeSet<String>,
    operations: u64,
    bytes_written: u64,
    fault: Option<Fault>,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync: offset and bytes.
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes operations fail from now on; `None` heals the disk.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// Operations done so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The disk as it is after a power cut now: `seed` decides what of the unsynced survives. Locks are gone.
    #[must_use]
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.state();
        let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15);
        let mut cut = State {
            directories: state.directories.clone(),
            next_file: state.next_file,
            ..State::default()
        };
        for (name, file) in surviving_names(&state, &mut random) {
            if let Some(contents) = state.files.get(&file) {
                let bytes = surviving_bytes(contents, &mut random);
                let contents = Contents {
                    durable: bytes.clone(),
                    bytes,
                    unsynced: Vec::new(),
                };
                cut.files.insert(file, contents);
                cut.durable_names.insert(name.clone(), file);
                cut.names.insert(name, file);
            }
        }
        Self {
            state: Arc::new(Mutex::new(cut)),
        }
    }

    /// Another disk with the same files, as a backup would have them.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = self.state();
        let files: BTreeMap<u64, Contents> = state
            .files
            .iter()
            .map(|(file, contents)| {
                let bytes = contents.bytes.clone();
                (
                    *file,
                    Contents {
                        durable: bytes.clone(),
                        bytes,
                        unsynced: Vec::new(),
                    },
                )
            })
            .collect();
        let copy = State {
            names: state.names.clone(),
            directories: state.directories.clone(),
            durable_names: state.names.clone(),
            files,
            next_file: state.next_file,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(copy)),
        }
    }

    /// Changes a file behind the engine's back, durably.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn tamper(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = self.state();
        let file = *state.names.get(path).ok_or(ErrorKind::NotFound)?;
        let contents = state.files.get_mut(&file).ok_or(ErrorKind::NotFound)?;
        change(&mut contents.bytes);
        contents.durable.clone_from(&contents.bytes);
        contents.unsynced.clear();
        Ok(())
    }

    /// Names of all files.
    pub fn files(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless this operation is to fail.
    fn operation(&self, writes: usize) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let number = state.operations;
        state.operations += 1;
        state.bytes_written += writes as u64;
        let failed = match state.fault {
            Some(Fault::At(at)) => number == at,
            Some(Fault::From(from)) => number >= from,
            Some(Fault::FullAfter(bytes)) if writes > 0 && state.bytes_written > bytes => {
                return Err(ErrorKind::StorageFull.into());
            }
            _ => false,
        };
        if failed {
            Err(io::Error::other("simulated failure"))
        } else {
            Ok(state)
        }
    }
}

/// Names whose directory was synced survive; each other change of a name may or may not.
fn surviving_names(state: &State, random: &mut Random) -> BTreeMap<String, u64> {
    let mut names = state.durable_names.clone();
    let all: BTreeSet<&String> = state
        .names
        .keys()
        .chain(state.durable_names.keys())
        .collect();
    for name in all {
        if state.names.get(name) != state.durable_names.get(name) && random.below(2) == 0 {
            match state.names.get(name) {
                Some(file) => names.insert(name.clone(), *file),
                None => names.remove(name),
            };
        }
    }
    names
}

/// Durable bytes, with each unsynced write kept whole, kept to some length, or lost.
fn surviving_bytes(contents: &Contents, random: &mut Random) -> Vec<u8> {
    let mut bytes = contents.durable.clone();
    for (offset, written) in &contents.unsynced {
        let kept = match random.below(3) {
            0 => 0,
            1 => written.len(),
            _ => random.below(written.len() as u64 + 1) as usize,
        };
        overwrite(&mut bytes, *offset, written.get(..kept).unwrap_or_default());
    }
    bytes
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    if written.is_empty() {
        return;
    }
    if bytes.len() < offset + written.len() {
        bytes.resize(offset + written.len(), 0);
    }
    if let Some(place) = bytes.get_mut(offset..offset + written.len()) {
        place.copy_from_slice(written);
    }
}

/// A small generator (splitmix64), so that a seed gives the same cut every time.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.operation(0)?;
        let mut directory = path;
        while !directory.is_empty() {
            state.directories.insert(directory.to_owned());
            directory = parent(directory);
        }
        Ok(())
    }

    fn create(&self, path: &str, _private: bool) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.operation(0)?;
        if state.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = state.next_file;
        state.next_file += 1;
        state.files.insert(file, Contents::default());
        state.names.insert(path.to_owned(), file);
        Ok(Box::new(SimFile {
            disk: self.clone(),
            file,
        }))
    }

    fn open(&self, path: &str, _write: bool) -> io::Result<Box<dyn DiskFile>> {
        let state = self.operation(0)?;
        let file = *state.names.get(path).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(SimFile {
            disk: self.clone(),
            file,
        }))
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let state = self.operation(0)?;
        if state.directories.contains(path) {
            return Err(ErrorKind::IsADirectory.into());
        }
        let file = state.names.get(path).ok_or(ErrorKind::NotFound)?;
        Ok(state
            .files
            .get(file)
            .map(|contents| contents.bytes.clone())
            .unwrap_or_default())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!("{path}.tmp");
        self.remove(&temporary)?;
        self.create(&temporary, false)?.write_at(0, bytes)?;
        self.rename(&temporary, path)
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        let state = self.operation(0)?;
        let contents = state.names.get(path).and_then(|file| state.files.get(file));
        Ok(contents.map(|contents| contents.bytes.len() as u64))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.operation(0)?;
        let file = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.operation(0)?.names.remove(path);
        Ok(())
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.operation(0)?;
        let below = format!("{path}/");
        state.names.retain(|name, _| !name.starts_with(&below));
        state
            .directories
            .retain(|directory| directory != path && !directory.starts_with(&below));
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let state = self.operation(0)?;
        let below = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let all = state.names.keys().chain(&state.directories);
        let names: BTreeSet<&str> = all
            .filter_map(|name| name.strip_prefix(&below)?.split('/').next())
            .collect();
        Ok(names
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut guard = self.operation(0)?;
        let state = &mut *guard;
        let inside = |name: &String| parent(name) == path;
        state
            .durable_names
            .retain(|name, _| !inside(name) || state.names.contains_key(name));
        let synced = state
            .names
            .iter()
            .filter(|(name, _)| inside(name))
            .map(|(name, file)| (name.clone(), *file));
        state.durable_names.extend(synced.collect::<Vec<_>>());
        Ok(())
    }

    fn lock(&self, path: &str, holder: &str) -> io::Result<Box<dyn DiskLock>> {
        self.write(path, holder.as_bytes())?;
        if self.state().locked.insert(path.to_owned()) {
            Ok(Box::new(SimLock {
                disk: self.clone(),
                path: path.to_owned(),
            }))
        } else {
            Err(ErrorKind::WouldBlock.into())
        }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: u64,
}

impl SimFile {
    fn change(&self, writes: usize, change: impl FnOnce(&mut Contents)) -> io::Result<()> {
        let mut state = self.disk.operation(writes)?;
        change(state.files.entry(self.file).or_default());
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(bytes.len(), |contents| {
            overwrite(&mut contents.bytes, offset as usize, bytes);
            contents.unsynced.push((offset as usize, bytes.to_vec()));
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.operation(0)?;
        let contents = state.files.get(&self.file).ok_or(ErrorKind::NotFound)?;
        let start = offset as usize;
        let bytes = contents
            .bytes
            .get(start..start + buffer.len())
            .ok_or(ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.change(0, |contents| {
            contents.durable.clone_from(&contents.bytes);
            contents.unsynced.clear();
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // A change of length counts as certain only with the next sync; until then the old contents may come back.
        self.change(0, |contents| contents.bytes.resize(len as usize, 0))
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: String,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locked.remove(&self.path);
    }
}
