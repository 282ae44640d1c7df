//! The Delta table as the ledger's [`TableSink`]: opening, appending, and reading rows back.
//!
//! One handle per folder writes; any number of others, in this process or another, read whole commits. The writing path
//! is one function, [`DeltaTable::append`]: encode, write durably, read back, commit, publish. Erasing and merging are
//! in [`crate::rewrite`].

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use causebook_ledger::{Row, TableError, TableSink, TableView};
use jiff::Timestamp;
use jiff::tz::Offset;

use crate::batch::{self, Decoder};
use crate::datafile::{Batches, DataFile};
use crate::durable::{self, Existing, Watch};
use crate::encode::{Encoded, Encoder};
use crate::error::{damaged, storage};
use crate::footers::Footers;
use crate::log::{Log, LoggedFile, NewFile, PARTITION, Purpose, Snapshot};
use crate::scan::{DeltaView, damaged_row};

/// Rows turned into columns at a time while a file is encoded.
const ENCODE_ROWS: usize = 4096;
/// Commits between two checkpoints of the log.
const CHECKPOINT_EVERY: u64 = 50;
pub(crate) const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// A data file of the table, for engines that read the files themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableFile {
    /// Where it is.
    pub path: PathBuf,
    /// Value of the partition column `recorded_date`, `YYYY-MM-DD`, which the file itself does not hold.
    pub recorded_date: Option<String>,
    /// Least index in it.
    pub first_index: u64,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// A committed state of the table: these files hold rows `0..covered`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableSnapshot {
    /// The next index the table expects.
    pub covered: u64,
    /// By first index.
    pub files: Vec<TableFile>,
}

/// The table `records` of one ledger: Parquet files and a Delta log in one folder.
#[derive(Debug)]
pub struct DeltaTable {
    pub(crate) log: Log,
    pub(crate) watch: Watch,
    snapshot: RwLock<Snapshot>,
    writing: Mutex<Writing>,
    footers: Footers,
}

/// What only the writer keeps.
#[derive(Debug)]
pub(crate) struct Writing {
    /// Why this handle may not write.
    refused: Option<String>,
    last_checkpoint: u64,
}

impl DeltaTable {
    /// Creates an empty table in `folder`, which is made if it is not there, and opens it for writing.
    ///
    /// # Errors
    /// If there is a table already, or the storage fails.
    pub fn create(folder: &Path) -> Result<Self, TableError> {
        Self::create_watched(folder, Watch::none())
    }

    /// Opens the table in `folder` for reading. [`TableSink::refresh`] shows what a writer has committed since.
    ///
    /// # Errors
    /// If there is no table, its log cannot be read, or the storage fails.
    pub fn open(folder: &Path) -> Result<Self, TableError> {
        let log = Log::new(folder, Watch::none())?;
        if !log.exists()? {
            return Err(damaged(folder, "there is no table log"));
        }
        Self::opened(
            log,
            Watch::none(),
            Some("it was opened for reading".to_owned()),
        )
    }

    /// Opens the table in `folder` for writing, creating it if there is none. The caller must be the only writer.
    /// Files that a crash left behind and no commit names stay until [`TableSink::tidy`].
    ///
    /// # Errors
    /// If the log cannot be read or the storage fails.
    pub fn open_or_create(folder: &Path) -> Result<Self, TableError> {
        Self::open_or_create_watched(folder, Watch::none())
    }

    /// As [`create`](Self::create), with every step towards durability announced to `watch`.
    ///
    /// # Errors
    /// As [`create`](Self::create), and what `watch` answers.
    pub fn create_watched(folder: &Path, watch: Watch) -> Result<Self, TableError> {
        durable::create_directories(&watch, folder)
            .map_err(|why| storage(format!("creating {}", folder.display()), why))?;
        let log = Log::new(folder, watch.clone())?;
        log.create()?;
        Self::opened(log, watch, None)
    }

    /// As [`open_or_create`](Self::open_or_create), with every step towards durability announced to `watch`.
    ///
    /// # Errors
    /// As [`open_or_create`](Self::open_or_create), and what `watch` answers.
    pub fn open_or_create_watched(folder: &Path, watch: Watch) -> Result<Self, TableError> {
        if !folder.is_dir() {
            return Self::create_watched(folder, watch);
        }
        let log = Log::new(folder, watch.clone())?;
        if !log.exists()? {
            return Self::create_watched(folder, watch);
        }
        let table = Self::opened(log, watch, None)?;
        table.log.sync(table.snapshot().version())?;
        Ok(table)
    }

    /// Columns of the table's files, in order.
    pub fn arrow_schema() -> SchemaRef {
        Arc::clone(&batch::SCHEMA)
    }

    /// Rows as one batch in the table's schema, for engines that read the ledger's buffer beside the files.
    ///
    /// # Errors
    /// If a row's text is not a canonical object.
    pub fn batch(rows: &[Row]) -> Result<RecordBatch, TableError> {
        batch::encode(rows)
    }

    /// The committed state that this handle sees.
    pub fn table_snapshot(&self) -> TableSnapshot {
        let snapshot = self.snapshot();
        let files = snapshot.files.iter().map(|file| TableFile {
            path: self.path(file),
            recorded_date: file.date.clone(),
            first_index: file.first_index,
            rows: file.rows,
            bytes: file.bytes,
        });
        TableSnapshot {
            covered: snapshot.covered,
            files: files.collect(),
        }
    }

    fn opened(log: Log, watch: Watch, refused: Option<String>) -> Result<Self, TableError> {
        let snapshot = log.load()?;
        let last_checkpoint = log.checkpoints()?.last().copied().unwrap_or(0);
        Ok(Self {
            log,
            watch,
            snapshot: RwLock::new(snapshot),
            writing: Mutex::new(Writing {
                refused,
                last_checkpoint,
            }),
            footers: Footers::default(),
        })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn path(&self, file: &LoggedFile) -> PathBuf {
        self.log.folder().join(&file.name)
    }

    /// The writer's turn; one operation at a time.
    pub(crate) fn writing(&self) -> Result<MutexGuard<'_, Writing>, TableError> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match &writing.refused {
            Some(why) => Err(storage("writing to the table", why.clone())),
            None => Ok(writing),
        }
    }

    /// Writes an encoded file under the name that version `version` of the table will know it by.
    pub(crate) fn write_file(
        &self,
        version: u64,
        date: &str,
        encoded: &Encoded,
    ) -> Result<NewFile, TableError> {
        let stats = &encoded.stats;
        let (first, last) = (stats.first_index, stats.last_index);
        let name = format!("{PARTITION}={date}/part-{first:012}-{last:012}.v{version}.parquet");
        let path = self.log.folder().join(&name);
        durable::write(
            &self.watch,
            &path,
            std::iter::once(encoded.bytes.as_slice()),
            Existing::Replace,
        )
        .and_then(|()| path.metadata()?.modified())
        .map(|modified| NewFile {
            name,
            date: date.to_owned(),
            bytes: encoded.bytes.len() as u64,
            modified: Timestamp::try_from(modified).unwrap_or_default(),
            stats: stats.to_json(),
        })
        .map_err(|why| storage(format!("writing {}", path.display()), why))
    }

    /// Commits and makes the new state visible to this handle's readers.
    ///
    /// When a commit fails, nobody can know whether it will be there after a restart, so the handle writes no more.
    pub(crate) fn commit(
        &self,
        writing: &mut Writing,
        base: &Snapshot,
        purpose: Purpose,
        added: &[NewFile],
        removed: &[LoggedFile],
    ) -> Result<Snapshot, TableError> {
        let committed = self.log.commit(base, purpose, added, removed);
        let snapshot = committed.inspect_err(|why| {
            writing.refused = Some(format!(
                "the outcome of an earlier commit is unknown ({why}); reopen it"
            ));
        })?;
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot.clone();
        Ok(snapshot)
    }

    /// Writes a checkpoint and deletes the log's files before it.
    pub(crate) fn checkpoint(
        &self,
        writing: &mut Writing,
        snapshot: &Snapshot,
        keep_from: u64,
    ) -> Result<(), TableError> {
        self.log.checkpoint(snapshot)?;
        writing.last_checkpoint = snapshot.version();
        self.log.expire_before(keep_from)
    }

    /// Where the rows of `seen` are now. A handle that finds a file gone may only be behind: a writer has merged or
    /// rewritten it since. The handle itself goes on only when it is refreshed: whoever holds its rows together with
    /// others must not get more of them in between.
    pub(crate) fn moved_on(&self, seen: &Snapshot) -> Result<Option<Snapshot>, TableError> {
        let newest = self.log.update(seen)?;
        Ok((newest.version() != seen.version()).then_some(newest))
    }

    fn get_from(&self, snapshot: &Snapshot, index: u64) -> Result<Option<Row>, TableError> {
        let holds = |file: &&LoggedFile| file.first_index <= index && index <= file.last_index;
        for logged in snapshot.files.iter().filter(holds) {
            let file = self.footers.open(&self.path(logged))?;
            if let Some(guess) = file.guess(index)?
                && let Some(row) = row_at(&file, guess, index)?
            {
                return Ok(Some(row));
            }
            let near = file.near(&(index..index.saturating_add(1)))?;
            if let Some(row) = row_at(&file, near, index)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn prefix_from(
        &self,
        snapshot: &Snapshot,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, TableError> {
        let mut found = Vec::new();
        for logged in snapshot.files.iter() {
            let file = self.footers.open(&self.path(logged))?;
            for batch in file.ids_near(prefix)? {
                let batch = batch?;
                let (index, ids) = batch::ids(&batch).map_err(|what| damaged(file.path(), what))?;
                for (index, id) in index.values().iter().zip(ids) {
                    if let Some(id) = id
                        && id.starts_with(prefix)
                    {
                        found.push((id.to_owned(), index.cast_unsigned()));
                    }
                }
            }
            if found.len() >= limit {
                break;
            }
        }
        found.sort_by_key(|(_, index)| *index);
        found.truncate(limit);
        Ok(found)
    }
}

impl TableSink for DeltaTable {
    fn covered(&self) -> u64 {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .covered
    }

    fn append(&self, rows: &[Row]) -> Result<(), TableError> {
        let mut writing = self.writing()?;
        let base = self.snapshot();
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let mut expected = base.covered;
        for row in rows {
            if row.index != expected {
                return Err(TableError::OutOfOrder {
                    covered: base.covered,
                    offered: first.index,
                });
            }
            expected += 1;
        }

        let last_day = base
            .files
            .last()
            .and_then(|file| day_number(file.date.as_deref()?));
        let mut added = Vec::new();
        for (day, encoded) in encode_by_day(rows, last_day)? {
            let file = self.write_file(base.version() + 1, &date_of(day), &encoded)?;
            let range = encoded.stats.first_index - first.index.cast_signed();
            let written = rows.get(range as usize..).unwrap_or_default();
            let written = written
                .get(..encoded.stats.rows as usize)
                .unwrap_or_default();
            read_back(&self.log.folder().join(&file.name), written)?;
            added.push(file);
        }
        let purpose = Purpose::Append { covered: expected };
        let snapshot = self.commit(&mut writing, &base, purpose, &added, &[])?;

        if snapshot.version() >= writing.last_checkpoint + CHECKPOINT_EVERY {
            let previous = writing.last_checkpoint;
            // The rows are committed; a checkpoint only saves time, and is tried again with the next commit.
            let _ = self.checkpoint(&mut writing, &snapshot, previous);
        }
        Ok(())
    }

    fn get(&self, index: u64) -> Result<Option<Row>, TableError> {
        let snapshot = self.snapshot();
        match self.get_from(&snapshot, index) {
            Err(fault @ TableError::Damaged { .. }) => match self.moved_on(&snapshot)? {
                Some(newer) => self.get_from(&newer, index),
                None => Err(fault),
            },
            outcome => outcome,
        }
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<(String, u64)>, TableError> {
        let snapshot = self.snapshot();
        match self.prefix_from(&snapshot, prefix, limit) {
            Err(fault @ TableError::Damaged { .. }) => match self.moved_on(&snapshot)? {
                Some(newer) => self.prefix_from(&newer, prefix, limit),
                None => Err(fault),
            },
            outcome => outcome,
        }
    }

    fn view(&self) -> Box<dyn TableView + '_> {
        Box::new(DeltaView {
            table: self,
            snapshot: self.snapshot(),
        })
    }

    fn replace(&self, rows: &[Row]) -> Result<(), TableError> {
        self.replace_rows(rows)
    }

    fn compact(&self) -> Result<(), TableError> {
        self.merge_small_files()
    }

    fn tidy(&self) -> Result<(), TableError> {
        let _writing = self.writing()?;
        self.sweep()
    }

    fn refresh(&self) -> Result<(), TableError> {
        let seen = self.snapshot();
        let newest = self.log.update(&seen)?;
        let mut current = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if newest.version() > current.version() {
            *current = newest;
        }
        Ok(())
    }
}

/// Encodes rows as one file for each run of rows recorded on one UTC day.
fn encode_by_day(rows: &[Row], last_day: Option<i64>) -> Result<Vec<(i64, Encoded)>, TableError> {
    let mut files = Vec::new();
    let mut current: Option<(i64, Encoder)> = None;
    for chunk in rows.chunks(ENCODE_ROWS) {
        let batch = batch::encode(chunk)?;
        let day = current.as_ref().map(|(day, _)| *day);
        for (day, run) in day_runs(&batch::recorded_at(&batch), day, last_day) {
            let (_, encoder) = match &mut current {
                Some(open) if open.0 == day => open,
                other => {
                    if let Some((day, finished)) = other.take() {
                        files.push((day, finished.finish()?));
                    }
                    other.insert((day, Encoder::new()?))
                }
            };
            encoder.write(&batch.slice(run.start, run.len()))?;
        }
    }
    if let Some((day, finished)) = current {
        files.push((day, finished.finish()?));
    }
    Ok(files)
}

/// Runs of rows of one UTC day of recording each. Rows that do not say when they were recorded go with the row before,
/// or else with the next that says it.
fn day_runs(
    recorded_at: &[Option<i64>],
    current: Option<i64>,
    last_day: Option<i64>,
) -> Vec<(i64, Range<usize>)> {
    let day_of = |time: &i64| time.div_euclid(MICROSECONDS_A_DAY);
    let next = recorded_at.iter().flatten().next().map(day_of);
    let mut day = current.or(next).or(last_day).unwrap_or(0);
    let mut runs = Vec::new();
    let mut start = 0;
    for (at, time) in recorded_at.iter().enumerate() {
        let own = time.as_ref().map_or(day, day_of);
        if own != day {
            runs.push((day, start..at));
            (start, day) = (at, own);
        }
    }
    runs.push((day, start..recorded_at.len()));
    runs.retain(|(_, run)| !run.is_empty());
    runs
}

/// Reads a new file and compares every row, text and key and redaction, with what was given: equal rows have equal
/// digests.
fn read_back(path: &Path, rows: &[Row]) -> Result<(), TableError> {
    let file = DataFile::open(path)?;
    let differs = |index: u64| TableError::ReadBack {
        index,
        file: path.display().to_string(),
    };
    let mut expected = rows.iter();
    for batch in file.all()? {
        let batch = batch?;
        let decoder = Decoder::new(&batch).map_err(|what| damaged(path, what))?;
        for at in 0..decoder.len() {
            let index = decoder.index(at).cast_unsigned();
            let given = expected.next().ok_or_else(|| differs(index))?;
            let read = decoder
                .record(at, &decoder.cells(at))
                .map_err(|_| differs(given.index))?;
            if index != given.index || read != given.record {
                return Err(differs(given.index));
            }
        }
    }
    match expected.next() {
        Some(missing) => Err(differs(missing.index)),
        None => Ok(()),
    }
}

/// Days since the Unix epoch of a `YYYY-MM-DD`.
pub(crate) fn day_number(date: &str) -> Option<i64> {
    let date: jiff::civil::Date = date.parse().ok()?;
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(midnight.as_microsecond().div_euclid(MICROSECONDS_A_DAY))
}

/// The `YYYY-MM-DD` of a day number.
pub(crate) fn date_of(day: i64) -> String {
    let midnight = Timestamp::from_microsecond(day.saturating_mul(MICROSECONDS_A_DAY));
    Offset::UTC
        .to_datetime(midnight.unwrap_or_default())
        .date()
        .to_string()
}

fn row_at(file: &DataFile, batches: Batches, index: u64) -> Result<Option<Row>, TableError> {
    for batch in batches {
        let batch = batch?;
        let decoder = Decoder::new(&batch).map_err(|what| damaged(file.path(), what))?;
        let wanted = index.cast_signed();
        if let Some(at) = (0..decoder.len()).find(|at| decoder.index(*at) == wanted) {
            let record = decoder
                .record(at, &decoder.cells(at))
                .map_err(|unreadable| damaged_row(file, &unreadable))?;
            return Ok(Some(Row { index, record }));
        }
    }
    Ok(None)
}
