//! Open files and held locks of a simulated disk.

use std::io::{self, ErrorKind};

use super::disk::SimDisk;
use super::operation::{Operation, OperationKind};
use crate::disk::{DiskFile, DiskLock};

#[derive(Debug)]
pub(super) struct SimFile {
    disk: SimDisk,
    path: String,
    file: u64,
}

impl SimFile {
    pub(super) fn new(disk: &SimDisk, path: &str, file: u64) -> Self {
        Self {
            disk: disk.clone(),
            path: path.to_owned(),
            file,
        }
    }

    fn operation<'a>(&'a self, kind: OperationKind, at: u64, bytes: &'a [u8]) -> Operation<'a> {
        let mut operation = Operation::new(kind, &self.path);
        operation.at = at;
        operation.bytes = bytes;
        operation
    }

    fn growth(&self, end: u64) -> u64 {
        self.disk.state().growth(self.file, end)
    }
}

impl DiskFile for SimFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let operation = self.operation(OperationKind::WriteAt, offset, bytes);
        let growth = self.growth(offset + bytes.len() as u64);
        let (mut state, admitted) = self.disk.admit(operation, growth);
        let written = match &admitted {
            Ok(()) => bytes.len(),
            Err(_) if state.is_off => 0,
            Err(_) => state.random.below(bytes.len() as u64 + 1) as usize,
        };
        let written = bytes.get(..written).unwrap_or_default();
        state.contents(self.file).write(offset as usize, written);
        admitted
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let operation = self.operation(OperationKind::ReadAt, offset, &[]);
        self.disk.reading(operation, |state| {
            let start = offset as usize;
            let contents = state.contents(self.file).bytes();
            let bytes = contents
                .get(start..start + buffer.len())
                .ok_or(ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        let operation = self.operation(OperationKind::Sync, 0, &[]);
        let (mut state, admitted) = self.disk.admit(operation, 0);
        let mut random = state.random.branch();
        let lies = state.lies_about(&operation);
        let is_off = state.is_off;
        let contents = state.contents(self.file);
        match &admitted {
            Ok(()) if lies => {}
            Ok(()) => contents.sync(),
            Err(_) if is_off => {}
            Err(_) => contents.fail_sync(&mut random),
        }
        admitted
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let operation = self.operation(OperationKind::Allocate, len, &[]);
        let growth = self.growth(len);
        self.disk.changing(operation, growth, |state| {
            if growth > 0 {
                state.contents(self.file).set_len(len as usize);
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let operation = self.operation(OperationKind::SetLen, len, &[]);
        self.disk.changing(operation, 0, |state| {
            state.contents(self.file).set_len(len as usize);
            Ok(())
        })
    }
}

#[derive(Debug)]
pub(super) struct SimLock {
    pub(super) disk: SimDisk,
    pub(super) path: String,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locked.remove(&self.path);
    }
}
