//! A disk in memory with two states: what running processes see, and what would be there after a power cut.
//!
//! Contents become certain by syncing the file (`survival`), names by syncing the directory (`names`). An operation that
//! fails may have taken effect all the same, wholly or in part; a sync that fails may have lost what it was to keep.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::{SimFile, SimLock};
use super::names::Names;
use super::operation::{DiskHook, Lie, Operation, OperationKind};
use super::random::Random;
use super::survival::Contents;
use crate::disk::{Disk, DiskFile, DiskLock, parent};

/// An operation that is made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation with this number, counted from 0, fails once.
    At(u64),
    /// Every operation from this number on fails, as on a disk that has gone.
    From(u64),
    /// What makes files longer fails once they have grown by this many bytes altogether, as on a full disk.
    FullAfter(u64),
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

pub(super) struct State {
    names: Names,
    directories: BTreeSet<String>,
    files: BTreeMap<u64, Contents>,
    next_file: u64,
    pub(super) locked: BTreeSet<String>,
    operations: u64,
    bytes_grown: u64,
    fault: Option<Fault>,
    lie: Option<Lie>,
    pub(super) is_off: bool,
    hook: Option<Arc<dyn DiskHook>>,
    pub(super) random: Random,
}

thread_local! {
    /// Two disks give different random bytes, and a test the same ones every time.
    static DISKS: Cell<u64> = const { Cell::new(0) };
}

impl Default for State {
    fn default() -> Self {
        let number = DISKS.replace(DISKS.get() + 1);
        Self::seeded(number)
    }
}

impl State {
    fn seeded(seed: u64) -> Self {
        Self {
            names: Names::default(),
            directories: BTreeSet::new(),
            files: BTreeMap::new(),
            next_file: 0,
            locked: BTreeSet::new(),
            operations: 0,
            bytes_grown: 0,
            fault: None,
            lie: None,
            is_off: false,
            hook: None,
            random: Random::new(seed),
        }
    }

    pub(super) fn lies_about(&self, sync: &Operation<'_>) -> bool {
        self.lie.is_some_and(|lie| lie.is_no_sync(sync))
    }

    fn file(&self, path: &str) -> io::Result<u64> {
        self.names.get(path).ok_or(ErrorKind::NotFound.into())
    }

    pub(super) fn contents(&mut self, file: u64) -> &mut Contents {
        self.files.entry(file).or_default()
    }

    fn create(&mut self, path: &str) -> io::Result<u64> {
        let directory = parent(path);
        if !directory.is_empty() && !self.directories.contains(directory) {
            return Err(ErrorKind::NotFound.into());
        }
        if self.names.get(path).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = self.next_file;
        self.next_file += 1;
        self.files.insert(file, Contents::default());
        self.names.set(path, file);
        Ok(file)
    }

    /// By how much a file grows that is to reach to `end`.
    pub(super) fn growth(&self, file: u64, end: u64) -> u64 {
        let len = self
            .files
            .get(&file)
            .map_or(0, |file| file.bytes().len() as u64);
        end.saturating_sub(len)
    }

    fn add_directories(&mut self, path: &str) {
        let mut directory = path;
        while !directory.is_empty() {
            self.directories.insert(directory.to_owned());
            directory = parent(directory);
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("State")
            .field("operations", &self.operations)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty disk whose random bytes, and whose choices of what a failure leaves, are decided by `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::of(State::seeded(seed))
    }

    fn of(state: State) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Makes operations fail from now on; `None` heals the disk.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// Makes the disk break a promise.
    pub fn set_lie(&self, lie: Option<Lie>) {
        self.state().lie = lie;
    }

    /// Has somebody told of every operation before it happens.
    pub fn set_hook(&self, hook: Option<Arc<dyn DiskHook>>) {
        self.state().hook = hook;
    }

    /// Operations begun so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Bytes by which files have grown so far.
    pub fn bytes_grown(&self) -> u64 {
        self.state().bytes_grown
    }

    /// Every operation fails without effect from now on: the processes that used the disk are gone.
    pub fn switch_off(&self) {
        let mut state = self.state();
        state.is_off = true;
        state.hook = None;
    }

    /// The disk as it is after a power cut now: `seed` decides what of the unsynced survives. Locks are gone.
    #[must_use]
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.state();
        let mut random = Random::new(seed);
        let mut cut = State::seeded(random.next_u64() ^ state.random.clone().next_u64());
        let names = state
            .names
            .survivors(&mut random, state.lie == Some(Lie::Rename));
        for file in names.values() {
            if let Some(contents) = state.files.get(file) {
                let mut bytes = contents.survivor(&mut random);
                if state.lie == Some(Lie::Survival) && random.one_in(4) {
                    bytes.clear();
                }
                cut.files.insert(*file, Contents::settled(bytes));
            }
        }
        cut.directories.clone_from(&state.directories);
        for name in names.keys() {
            cut.add_directories(parent(name));
        }
        cut.names = Names::settled(names);
        cut.next_file = state.next_file;
        cut.lie = state.lie;
        Self::of(cut)
    }

    /// The disk as the next process finds it after the present ones were killed: what they wrote is there, though not
    /// yet certain, and their locks are gone.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let state = self.state();
        Self::of(State {
            names: state.names.clone(),
            directories: state.directories.clone(),
            files: state.files.clone(),
            next_file: state.next_file,
            lie: state.lie,
            ..State::seeded(state.random.clone().next_u64())
        })
    }

    /// Another disk with the same files, as a backup would have them.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut state = self.state();
        let names = state.names.visible().clone();
        let mut files = BTreeMap::new();
        for file in names.values() {
            if let Some(contents) = state.files.get(file) {
                files.insert(*file, Contents::settled(contents.bytes().to_vec()));
            }
        }
        Self::of(State {
            names: Names::settled(names),
            directories: state.directories.clone(),
            files,
            next_file: state.next_file,
            // What is appended to the one is not what is appended to the other.
            ..State::seeded(state.random.next_u64())
        })
    }

    /// Changes a file behind the engine's back, durably.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn tamper(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = self.state();
        let file = state.file(path)?;
        let mut bytes = state.contents(file).bytes().to_vec();
        change(&mut bytes);
        state.files.insert(file, Contents::settled(bytes));
        Ok(())
    }

    /// Names of all files.
    pub fn files(&self) -> Vec<String> {
        self.state().names.all().cloned().collect()
    }

    /// A file's contents, read without that counting as an operation.
    pub fn peek(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let file = state.names.get(path)?;
        Some(state.files.get(&file)?.bytes().to_vec())
    }

    /// Contents of all files that are there or may be there after a power cut.
    pub fn everything(&self) -> Vec<Vec<u8>> {
        let state = self.state();
        let files = state.names.files().into_iter();
        files
            .filter_map(|file| Some(state.files.get(&file)?.bytes().to_vec()))
            .collect()
    }

    /// An operation that is not one of the disk's own, but can be counted and fail like them.
    pub(super) fn announce(&self, kind: OperationKind, path: &str) -> io::Result<()> {
        self.admit(Operation::new(kind, path), 0).1
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an operation: the state, and whether it is to fail.
    pub(super) fn admit(
        &self,
        mut operation: Operation<'_>,
        growth: u64,
    ) -> (MutexGuard<'_, State>, io::Result<()>) {
        let hook = {
            let mut state = self.state();
            operation.number = state.operations;
            state.operations += 1;
            state.hook.clone()
        };
        let admitted = hook.map_or(Ok(()), |hook| hook.before(&operation));
        let mut state = self.state();
        state.bytes_grown += growth;
        let failure = match state.fault {
            _ if state.is_off => Some(io::Error::other("the power is off")),
            Some(Fault::At(at)) if operation.number == at => Some(simulated_failure()),
            Some(Fault::From(from)) if operation.number >= from => Some(simulated_failure()),
            Some(Fault::FullAfter(bytes)) if growth > 0 && state.bytes_grown > bytes => {
                Some(ErrorKind::StorageFull.into())
            }
            _ => None,
        };
        (state, failure.map_or(admitted, Err))
    }

    pub(super) fn reading<T>(
        &self,
        operation: Operation<'_>,
        read: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let (mut state, admitted) = self.admit(operation, 0);
        admitted?;
        read(&mut state)
    }

    /// A change that, if it fails, may have happened all the same.
    pub(super) fn changing<T>(
        &self,
        operation: Operation<'_>,
        growth: u64,
        change: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let (mut state, admitted) = self.admit(operation, growth);
        if let Err(error) = admitted {
            if !state.is_off && state.random.one_in(3) {
                // The failure is what the caller hears of.
                let _ = change(&mut state);
            }
            return Err(error);
        }
        change(&mut state)
    }
}

fn simulated_failure() -> io::Error {
    io::Error::other("simulated failure")
}

impl Disk for SimDisk {
    fn create_dir(&self, path: &str) -> io::Result<()> {
        let operation = Operation::new(OperationKind::CreateDir, path);
        self.changing(operation, 0, |state| {
            state.add_directories(path);
            Ok(())
        })
    }

    fn create(&self, path: &str, _private: bool) -> io::Result<Box<dyn DiskFile>> {
        let operation = Operation::new(OperationKind::Create, path);
        let file = self.changing(operation, 0, |state| state.create(path))?;
        Ok(Box::new(SimFile::new(self, path, file)))
    }

    fn open(&self, path: &str, _write: bool) -> io::Result<Box<dyn DiskFile>> {
        let operation = Operation::new(OperationKind::Open, path);
        let file = self.reading(operation, |state| state.file(path))?;
        Ok(Box::new(SimFile::new(self, path, file)))
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.reading(Operation::new(OperationKind::Read, path), |state| {
            if state.directories.contains(path) {
                return Err(ErrorKind::IsADirectory.into());
            }
            let file = state.file(path)?;
            Ok(state.contents(file).bytes().to_vec())
        })
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!("{path}.tmp");
        self.remove(&temporary)?;
        self.create(&temporary, false)?.write_at(0, bytes)?;
        self.rename(&temporary, path)
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        self.reading(Operation::new(OperationKind::Len, path), |state| {
            let file = state.names.get(path);
            Ok(file.map(|file| state.contents(file).bytes().len() as u64))
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut operation = Operation::new(OperationKind::Rename, from);
        operation.to = to;
        self.changing(operation, 0, |state| {
            if state.names.rename(from, to) {
                Ok(())
            } else {
                Err(ErrorKind::NotFound.into())
            }
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.changing(Operation::new(OperationKind::Remove, path), 0, |state| {
            state.names.remove(path);
            Ok(())
        })
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        self.changing(Operation::new(OperationKind::RemoveDir, path), 0, |state| {
            let below = format!("{path}/");
            let inside: Vec<String> = state
                .names
                .all()
                .filter(|name| name.starts_with(&below))
                .cloned()
                .collect();
            for name in inside {
                state.names.remove(&name);
            }
            state
                .directories
                .retain(|directory| directory != path && !directory.starts_with(&below));
            Ok(())
        })
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.reading(Operation::new(OperationKind::List, path), |state| {
            let below = if path.is_empty() {
                String::new()
            } else {
                format!("{path}/")
            };
            let all = state.names.all().chain(&state.directories);
            let names: BTreeSet<&str> = all
                .filter_map(|name| name.strip_prefix(&below)?.split('/').next())
                .collect();
            let named = names.into_iter().filter(|name| !name.is_empty());
            Ok(named.map(str::to_owned).collect())
        })
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let operation = Operation::new(OperationKind::SyncDir, path);
        self.changing(operation, 0, |state| {
            if !state.lies_about(&operation) {
                state.names.sync(path);
            }
            Ok(())
        })
    }

    fn lock(&self, path: &str, holder: &str) -> io::Result<Box<dyn DiskLock>> {
        let mut operation = Operation::new(OperationKind::Lock, path);
        operation.bytes = holder.as_bytes();
        self.reading(operation, |state| {
            let file = match state.names.get(path) {
                Some(file) => file,
                None => state.create(path)?,
            };
            if !state.locked.insert(path.to_owned()) && state.lie != Some(Lie::Lock) {
                return Err(ErrorKind::WouldBlock.into());
            }
            let contents = state.contents(file);
            contents.set_len(0);
            contents.write(0, holder.as_bytes());
            Ok(())
        })?;
        Ok(Box::new(SimLock {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.reading(Operation::new(OperationKind::Random, ""), |state| {
            state.random.fill(buffer);
            Ok(())
        })
    }
}
