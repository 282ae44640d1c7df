//! A plain text file: a line for every record, a sync before the answer. The least that an acknowledged record costs, and
//! what people do by hand; nothing can be found in it and nothing checked.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use causebook_load::{Archive, Entry, Failure, Store, System, size_of};

const FILE: &str = "decisions.ndjson";

pub(crate) struct TextFile;

impl System for TextFile {
    fn create(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        File::create(folder.join(FILE))?.sync_all()?;
        Ok(File::open(folder)?.sync_all()?)
    }

    fn open(&self, folder: &Path) -> Result<Box<dyn Store>, Failure> {
        let file = OpenOptions::new().append(true).open(folder.join(FILE))?;
        Ok(Box::new(Writer(Mutex::new((file, 0)))))
    }

    fn read(&self, _: &Path) -> Result<Box<dyn Archive>, Failure> {
        Ok(Box::new(Nothing))
    }

    fn bytes(&self, folder: &Path) -> Result<BTreeMap<String, u64>, Failure> {
        Ok(BTreeMap::from([(
            "file".to_owned(),
            size_of(&folder.join(FILE))?,
        )]))
    }
}

struct Writer(Mutex<(File, u64)>);

impl Store for Writer {
    fn append_batch(&self, entries: &[Entry<'_>]) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for entry in entries {
            lines.extend_from_slice(entry.json.as_bytes());
            lines.push(b'\n');
        }
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.0.write_all(&lines)?;
        file.0.sync_data()?;
        file.1 += entries.len() as u64;
        Ok(())
    }

    fn append_one(&self, entry: Entry<'_>) -> Result<u64, Failure> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.0.write_all(format!("{}\n", entry.json).as_bytes())?;
        file.0.sync_data()?;
        file.1 += 1;
        Ok(file.1 - 1)
    }

    fn gathers_callers(&self) -> bool {
        false
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}

struct Nothing;

impl Archive for Nothing {
    fn verify(&self) -> Result<Option<u64>, Failure> {
        Ok(None)
    }

    fn find(&self, _: &str) -> Option<Result<usize, Failure>> {
        None
    }
}
