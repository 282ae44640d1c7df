//! Where the bytes come from: something that can be opened again, from its start.
//!
//! An import reads a source more than once (column types and ids need a first pass), so a caller hands in a way to
//! open it, not a reader. No file system is touched here.

use std::fmt;
use std::io::{Chain, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use crate::CaptureError;

/// A reader that can be positioned, which XLSX and Parquet need.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

type Open = dyn Fn() -> std::io::Result<Box<dyn ReadSeek>> + Send + Sync;

/// A named, re-openable run of bytes.
///
/// The name is what the bytes are called for people, and part of the ids made for rows without one: give the file's
/// name without its folder, so that the ids do not depend on where it lies.
#[derive(Clone)]
pub struct Source {
    name: String,
    open: Arc<Open>,
}

impl Source {
    /// A source that `open` opens, each time from its start.
    pub fn new(
        name: impl Into<String>,
        open: impl Fn() -> std::io::Result<Box<dyn ReadSeek>> + Send + Sync + 'static,
    ) -> Source {
        Source {
            name: name.into(),
            open: Arc::new(open),
        }
    }

    /// A source held in memory: standard input, an upload.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Source {
        let bytes: Arc<[u8]> = bytes.into();
        Source::new(name, move || Ok(Box::new(Cursor::new(bytes.clone()))))
    }

    /// What the source is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first bytes, at most 64 KiB: what [`Format::detect`](crate::Format::detect) looks at.
    ///
    /// # Errors
    /// [`CaptureError::Io`] if the reader fails.
    pub fn head(&self) -> Result<Vec<u8>, CaptureError> {
        let mut head = Vec::new();
        self.open()?
            .take(HEAD_BYTES)
            .read_to_end(&mut head)
            .map_err(|error| self.io(error))?;
        Ok(head)
    }

    pub(crate) fn open(&self) -> Result<Box<dyn ReadSeek>, CaptureError> {
        (self.open)().map_err(|error| self.io(error))
    }

    /// Opened at an offset, with the plain I/O error that foreign reader traits want.
    pub(crate) fn open_at(&self, offset: u64) -> std::io::Result<Box<dyn ReadSeek>> {
        let mut reader = (self.open)()?;
        reader.seek(SeekFrom::Start(offset))?;
        Ok(reader)
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> Result<u64, CaptureError> {
        self.open()?
            .seek(SeekFrom::End(0))
            .map_err(|error| self.io(error))
    }

    pub(crate) fn io(&self, source: std::io::Error) -> CaptureError {
        CaptureError::Io {
            name: self.name.clone(),
            source,
        }
    }

    pub(crate) fn broken(&self, line: u64, problem: impl Into<String>) -> CaptureError {
        CaptureError::Broken {
            name: self.name.clone(),
            line,
            problem: problem.into(),
        }
    }
}

/// A reader whose byte order mark, if it had one, is taken off.
pub(crate) type Unmarked<R> = Chain<Cursor<Vec<u8>>, R>;

/// Takes a UTF-8 byte order mark off a reader, which may give its bytes in pieces of any size.
pub(crate) fn without_mark<R: Read>(mut reader: R) -> std::io::Result<Unmarked<R>> {
    let mut head = Vec::new();
    reader.by_ref().take(3).read_to_end(&mut head)?;
    if head == b"\xef\xbb\xbf" {
        head.clear();
    }
    Ok(Cursor::new(head).chain(reader))
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// How much of a source is looked at to tell its format.
pub(crate) const HEAD_BYTES: u64 = 64 << 10;
