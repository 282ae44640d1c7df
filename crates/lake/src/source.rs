//! Reads that remember when the storage below failed.
//!
//! The libraries between hand a failed read on as a sentence, in which it looks like a file that cannot be decoded. The
//! one is a disk that needs looking at, the other is taken for tampering: they must not be confused.

use std::fmt::Display;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// What the storage failed with since this was last asked, shared by all that read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failing(Arc<Mutex<Option<String>>>);

impl Failing {
    pub(crate) fn note(&self, why: &impl Display) {
        *self.slot() = Some(why.to_string());
    }

    /// The failure, which is forgotten.
    pub(crate) fn take(&self) -> Option<String> {
        self.slot().take()
    }

    /// A file that ends too early is no failure of the storage.
    fn note_read<T>(&self, read: io::Result<T>) -> io::Result<T> {
        read.inspect_err(|why| {
            if !matches!(
                why.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted
            ) {
                self.note(why);
            }
        })
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open Parquet file.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    failing: Failing,
}

impl Source {
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            failing: Failing::default(),
        }
    }

    pub(crate) fn failing(&self) -> &Failing {
        &self.failing
    }

    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// The same file; failures are remembered for both.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            file: self.file.try_clone()?,
            failing: self.failing.clone(),
        })
    }

    fn at(&self, start: u64) -> io::Result<Reads> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(Reads {
            file: BufReader::new(file),
            failing: self.failing.clone(),
        })
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        Length::len(&self.file)
    }
}

impl ChunkReader for Source {
    type T = Reads;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.failing.note_read(self.at(start))?)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > Length::len(self)) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes from byte {start} are not all there"
            )));
        }
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Bytes of a file from some place on.
#[derive(Debug)]
pub(crate) struct Reads {
    file: BufReader<File>,
    failing: Failing,
}

impl Read for Reads {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer);
        self.failing.note_read(read)
    }
}
