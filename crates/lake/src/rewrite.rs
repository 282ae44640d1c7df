//! Erasing rows, merging small files, and removing what no commit names.
//!
//! Both rewrite whole files: new ones are written durably and compared with what they should hold, one commit swaps
//! them for the old, and only then are the old ones deleted. A crash before the commit leaves files that the next
//! writer sweeps away; a crash after it leaves the old files, which it sweeps away too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use causebook_ledger::{Row, TableError};

use crate::batch::{self, SCHEMA};
use crate::datafile::DataFile;
use crate::durable;
use crate::encode::{Encoded, Encoder};
use crate::error::{damaged, storage};
use crate::log::{LoggedFile, NewFile, PARTITION, Purpose, Snapshot};
use crate::table::DeltaTable;

/// Files below this are small.
const SMALL_BYTES: u64 = 16 << 20;
/// Small files in one partition that make merging worth its reads and writes.
const SMALL_FILES: usize = 16;
/// Most bytes that are merged into one file.
const MERGED_BYTES: u64 = 128 << 20;

/// Rows to put in the place of those with the same index.
type Substitutes<'a> = BTreeMap<u64, &'a Row>;

impl DeltaTable {
    pub(crate) fn replace_rows(&self, rows: &[Row]) -> Result<(), TableError> {
        let mut writing = self.writing()?;
        let substitutes: Substitutes<'_> = rows.iter().map(|row| (row.index, row)).collect();
        if substitutes.is_empty() {
            return Ok(());
        }
        let base = self.snapshot();
        let holds = |file: &&LoggedFile| {
            substitutes
                .range(file.first_index..=file.last_index)
                .next()
                .is_some()
        };
        let removed: Vec<LoggedFile> = base.files.iter().filter(holds).cloned().collect();
        let mut found = BTreeSet::new();
        let mut added = Vec::new();
        for file in &removed {
            added.push(self.rewrite(
                &base,
                std::slice::from_ref(file),
                &substitutes,
                &mut found,
            )?);
        }
        if let Some(missing) = substitutes.keys().find(|index| !found.contains(*index)) {
            self.delete(added.iter().map(|file| file.name.as_str()))?;
            return Err(damaged(
                self.log.folder(),
                format_args!("row {missing} is not in the table, so nothing was replaced"),
            ));
        }
        let snapshot = self.commit(&mut writing, &base, Purpose::Erase, &added, &removed)?;
        self.delete(removed.iter().map(|file| file.name.as_str()))?;
        self.checkpoint(&mut writing, &snapshot, snapshot.version())
    }

    pub(crate) fn merge_small_files(&self) -> Result<(), TableError> {
        let mut writing = self.writing()?;
        let base = self.snapshot();
        let groups = groups_to_merge(&base.files);
        if !groups.is_empty() {
            let mut added = Vec::new();
            for group in &groups {
                let none = Substitutes::new();
                added.push(self.rewrite(&base, group, &none, &mut BTreeSet::new())?);
            }
            let removed = groups.concat();
            let snapshot = self.commit(&mut writing, &base, Purpose::Compact, &added, &removed)?;
            self.checkpoint(&mut writing, &snapshot, snapshot.version())?;
        }
        self.sweep()
    }

    /// Deletes data files that the newest commit does not name and files that were never finished. Only the writer may
    /// do this, and only while nothing of its own is on the way to a commit.
    pub(crate) fn sweep(&self) -> Result<(), TableError> {
        let named: BTreeSet<PathBuf> = self
            .snapshot()
            .files
            .iter()
            .map(|file| self.path(file))
            .collect();
        let listing = || -> std::io::Result<Vec<PathBuf>> {
            let mut orphans = Vec::new();
            for folder in std::fs::read_dir(self.log.folder())? {
                let folder = folder?;
                if !folder.file_type()?.is_dir() {
                    continue;
                }
                let partition = folder.file_name().to_string_lossy().starts_with(PARTITION);
                for file in std::fs::read_dir(folder.path())? {
                    let path = file?.path();
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    let data = partition && name.ends_with(".parquet");
                    if durable::is_staged(&name) || (data && !named.contains(&path)) {
                        orphans.push(path);
                    }
                }
            }
            Ok(orphans)
        };
        listing()
            .and_then(|orphans| durable::remove(&self.watch, &orphans))
            .map_err(|why| storage("deleting files that no commit names", why))
    }

    fn delete<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<(), TableError> {
        let paths: Vec<PathBuf> = names.map(|name| self.log.folder().join(name)).collect();
        durable::remove(&self.watch, &paths)
            .map_err(|why| storage("deleting files that were replaced", why))
    }

    /// One new file with the rows of `sources` in order, some of them substituted. Adds what it substituted to `found`.
    fn rewrite(
        &self,
        base: &Snapshot,
        sources: &[LoggedFile],
        substitutes: &Substitutes<'_>,
        found: &mut BTreeSet<u64>,
    ) -> Result<NewFile, TableError> {
        let date = sources
            .first()
            .and_then(|file| file.date.as_deref())
            .unwrap_or_default();
        let mut encoder = Encoder::new()?;
        self.read_substituted(sources, substitutes, found, &mut |piece| {
            encoder.write(piece)
        })?;
        let encoded: Encoded = encoder.finish()?;
        let file = self.write_file(base.version() + 1, date, &encoded)?;

        let path = self.log.folder().join(&file.name);
        let mut written = Written::open(&path)?;
        self.read_substituted(sources, substitutes, found, &mut |piece| {
            written.matches(piece)
        })?;
        written.ended()?;
        Ok(file)
    }

    fn read_substituted(
        &self,
        sources: &[LoggedFile],
        substitutes: &Substitutes<'_>,
        found: &mut BTreeSet<u64>,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        for source in sources {
            let path = self.path(source);
            for batch in DataFile::open(&path)?.all()? {
                let batch = batch?
                    .with_schema(Arc::clone(&SCHEMA))
                    .map_err(|why| damaged(&path, why))?;
                for piece in substituted(&batch, substitutes, found)? {
                    take(&piece)?;
                }
            }
        }
        Ok(())
    }
}

/// The batch in pieces, with the rows that have substitutes exchanged.
fn substituted(
    batch: &RecordBatch,
    substitutes: &Substitutes<'_>,
    found: &mut BTreeSet<u64>,
) -> Result<Vec<RecordBatch>, TableError> {
    let indexes = batch::indexes(batch);
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, index) in indexes.iter().enumerate() {
        if let Some(row) = substitutes.get(&index.cast_unsigned()) {
            pieces.push(batch.slice(start, at - start));
            pieces.push(batch::encode(std::slice::from_ref(*row))?);
            found.insert(row.index);
            start = at + 1;
        }
    }
    pieces.push(batch.slice(start, batch.num_rows() - start));
    pieces.retain(|piece| piece.num_rows() > 0);
    Ok(pieces)
}

/// A new file being compared with what was to be written to it.
struct Written {
    file: DataFile,
    batches: crate::datafile::Batches,
    /// Read and not yet compared.
    pending: Option<RecordBatch>,
}

impl Written {
    fn open(path: &std::path::Path) -> Result<Self, TableError> {
        let file = DataFile::open(path)?;
        let batches = file.all()?;
        Ok(Self {
            file,
            batches,
            pending: None,
        })
    }

    fn matches(&mut self, expected: &RecordBatch) -> Result<(), TableError> {
        let mut done = 0;
        while done < expected.num_rows() {
            let next = self
                .pending
                .take()
                .map(Ok)
                .or_else(|| self.batches.next())
                .transpose()?;
            let batch = next.ok_or_else(|| self.differs(expected, done))?;
            let count = batch.num_rows().min(expected.num_rows() - done);
            let same = batch.slice(0, count).columns() == expected.slice(done, count).columns();
            if !same {
                return Err(self.differs(expected, done));
            }
            done += count;
            if count < batch.num_rows() {
                self.pending = Some(batch.slice(count, batch.num_rows() - count));
            }
        }
        Ok(())
    }

    fn ended(mut self) -> Result<(), TableError> {
        match self
            .pending
            .take()
            .map(Ok)
            .or_else(|| self.batches.next())
            .transpose()?
        {
            Some(extra) => Err(self.differs(&extra, 0)),
            None => Ok(()),
        }
    }

    fn differs(&self, batch: &RecordBatch, at: usize) -> TableError {
        TableError::ReadBack {
            index: batch::indexes(batch)
                .get(at)
                .copied()
                .unwrap_or_default()
                .cast_unsigned(),
            file: self.file.path().display().to_string(),
        }
    }
}

/// Runs of neighbouring small files of one partition, as large as may be, where a partition has enough of them.
fn groups_to_merge(files: &[LoggedFile]) -> Vec<Vec<LoggedFile>> {
    let small = |file: &LoggedFile| file.bytes < SMALL_BYTES;
    let mut counts: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for file in files.iter().filter(|file| small(file)) {
        *counts.entry(file.date.as_deref()).or_default() += 1;
    }
    let mut groups: Vec<Vec<LoggedFile>> = Vec::new();
    let mut group: Vec<LoggedFile> = Vec::new();
    for file in files {
        let wanted = small(file)
            && counts
                .get(&file.date.as_deref())
                .is_some_and(|count| *count >= SMALL_FILES);
        let bytes: u64 = group.iter().map(|file| file.bytes).sum();
        let joins = group.last().is_none_or(|last| last.date == file.date)
            && bytes + file.bytes <= MERGED_BYTES;
        if !wanted || !joins {
            groups.push(std::mem::take(&mut group));
        }
        if wanted {
            group.push(file.clone());
        }
    }
    groups.push(group);
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, date: &str, bytes: u64) -> LoggedFile {
        LoggedFile {
            name: number.to_string(),
            date: Some(date.to_owned()),
            rows: 1,
            first_index: number,
            last_index: number,
            bytes,
        }
    }

    fn names(groups: &[Vec<LoggedFile>]) -> Vec<String> {
        let name = |group: &Vec<LoggedFile>| {
            group
                .iter()
                .map(|file| file.name.as_str())
                .collect::<Vec<_>>()
                .join(",")
        };
        groups.iter().map(name).collect()
    }

    #[test]
    fn few_small_files_are_left_alone() {
        let files: Vec<_> = (0..15).map(|n| file(n, "2026-01-01", 1)).collect();
        assert!(groups_to_merge(&files).is_empty());
    }

    #[test]
    fn merging_keeps_partitions_apart_and_never_passes_over_a_large_file() {
        let mut files: Vec<_> = (0..16).map(|n| file(n, "2026-01-01", 1)).collect();
        files[4].bytes = SMALL_BYTES;
        files.push(file(16, "2026-01-01", 1));
        files.push(file(17, "2026-01-02", 1));
        let groups = groups_to_merge(&files);
        assert_eq!(
            names(&groups),
            ["0,1,2,3", "5,6,7,8,9,10,11,12,13,14,15,16"]
        );
    }

    #[test]
    fn a_merged_file_stays_within_its_limit() {
        let files: Vec<_> = (0..20)
            .map(|n| file(n, "2026-01-01", SMALL_BYTES - 1))
            .collect();
        let groups = groups_to_merge(&files);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4]);
    }
}
