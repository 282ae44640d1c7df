//! A segment: frames in a row, in a file or in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::SpoolError;
use crate::folder::{RunFolder, private_file};
use crate::frame::{SEGMENT_HEADER_BYTES, segment_header};

/// Where the bytes of a segment are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(Arc<File>, PathBuf),
    Memory(Arc<Mutex<Vec<u8>>>),
}

impl Place {
    /// A new segment in `folder`.
    pub(crate) fn in_folder(folder: &RunFolder, number: u64) -> Result<Place, SpoolError> {
        let path = folder.segment(number);
        let file = private_file(&path)?;
        if let Err(error) = file.write_all_at(&segment_header(number), 0) {
            // Half a header is no segment, and would stand in the way of whoever reads the folder.
            let _ = std::fs::remove_file(&path);
            return Err(SpoolError::disk("writing", &path)(error));
        }
        Ok(Place::File(Arc::new(file), path))
    }

    /// A new segment in memory.
    pub(crate) fn in_memory(number: u64) -> Place {
        Place::Memory(Arc::new(Mutex::new(segment_header(number).to_vec())))
    }

    /// Writes at the end, which is `offset`. Whole or not at all: what a failed write left is cut off again.
    pub(crate) fn append(&self, offset: u64, bytes: &[u8]) -> Result<(), Torn> {
        match self {
            Place::File(file, path) => file.write_all_at(bytes, offset).map_err(|source| {
                let clean = file.set_len(offset).is_ok();
                Torn {
                    error: SpoolError::disk("writing", path)(source),
                    clean,
                }
            }),
            Place::Memory(buffer) => {
                let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
                buffer.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Reads up to `length` bytes from `offset` into `out`, which is emptied before.
    pub(crate) fn read(&self, offset: u64, length: usize, out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        match self {
            Place::File(file, _) => {
                out.resize(length, 0);
                let mut filled = 0;
                while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                    match file.read_at(rest, offset + filled as u64) {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                out.truncate(filled);
            }
            Place::Memory(buffer) => {
                let buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
                let start = (offset as usize).min(buffer.len());
                let end = start.saturating_add(length).min(buffer.len());
                out.extend_from_slice(buffer.get(start..end).unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// A write that failed.
#[derive(Debug)]
pub(crate) struct Torn {
    pub(crate) error: SpoolError,
    /// Nothing of it is left in the file.
    pub(crate) clean: bool,
}

/// A segment with something in it to deliver.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) place: Place,
    /// Bytes that are written whole.
    pub(crate) written: u64,
    /// Nothing more will be written.
    pub(crate) closed: bool,
}

impl Segment {
    pub(crate) fn new(number: u64, place: Place) -> Segment {
        Segment {
            number,
            place,
            written: SEGMENT_HEADER_BYTES,
            closed: false,
        }
    }
}
