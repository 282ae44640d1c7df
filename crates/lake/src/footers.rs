//! Parsed footers of data files, so that looking up one row does not parse the whole page index again.
//!
//! Bounded, oldest use out first. An entry is used only while length and modification time are what they were, since
//! files are never changed by us and a changed file must be met as it is.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use causebook_ledger::TableError;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::datafile::{self, DataFile};
use crate::error::storage;

/// Footers kept. One of a 128 MiB file takes about a megabyte.
const FOOTERS_MAX: usize = 64;

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    footer: ArrowReaderMetadata,
}

/// Most recently used at the back.
#[derive(Debug, Default)]
pub(crate) struct Footers {
    entries: Mutex<VecDeque<Entry>>,
}

impl Footers {
    pub(crate) fn open(&self, path: &Path) -> Result<DataFile, TableError> {
        let file = datafile::open_file(path)?;
        let metadata = file
            .metadata()
            .map_err(|why| storage(format!("opening {}", path.display()), why))?;
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        if let Some(footer) = self.known(path, length, modified) {
            return Ok(DataFile::with_footer(path, file, footer));
        }
        let footer = datafile::parse_footer(path, &file)?;
        self.keep(Entry {
            path: path.to_owned(),
            length,
            modified,
            footer: footer.clone(),
        });
        Ok(DataFile::with_footer(path, file, footer))
    }

    fn known(
        &self,
        path: &Path,
        length: u64,
        modified: Option<SystemTime>,
    ) -> Option<ArrowReaderMetadata> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let place = entries.iter().position(|entry| entry.path == path)?;
        let entry = entries.remove(place)?;
        if entry.length != length || entry.modified != modified {
            return None;
        }
        let footer = entry.footer.clone();
        entries.push_back(entry);
        Some(footer)
    }

    fn keep(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_back(entry);
        if entries.len() > FOOTERS_MAX {
            entries.pop_front();
        }
    }
}
