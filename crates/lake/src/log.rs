//! The Delta log of the table: create, read a snapshot, commit, checkpoint, expire.
//!
//! Every commit that adds rows carries a `txn` action with the next index the table expects, so what a snapshot covers
//! is part of the same atomic step as the files. Statistics hold `index` and `recorded_at` only: the log outlives
//! erasure. There is one writer, so a commit that meets another one fails instead of retrying.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causebook_ledger::TableError;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake_core::kernel::{
    Action, Add, DataType, PrimitiveType, Remove, StructField, Transaction,
};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, logstore_with};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaResult, checkpoints};
use jiff::Timestamp;
use serde_json::Value;
use tokio::runtime::Runtime;
use url::Url;

use crate::batch::SCHEMA;
use crate::durable::{self, Watch};
use crate::error::{damaged, storage};
use crate::source::Failing;
use crate::store::SyncedStore;

/// Partition column: the UTC date of recording.
pub(crate) const PARTITION: &str = "recorded_date";
/// Name under which the table's writer counts its transactions.
const APPLICATION: &str = "causebook";
const LOG_FOLDER: &str = "_delta_log";
const PROPERTIES: [(&str, &str); 4] = [
    ("delta.dataSkippingStatsColumns", "index,recorded_at"),
    ("delta.enableExpiredLogCleanup", "false"),
    ("delta.isolationLevel", "Serializable"),
    ("delta.deletedFileRetentionDuration", "interval 0 seconds"),
];
/// Attempts to read a snapshot while a writer expires log entries under a reader.
const LOAD_ATTEMPTS: u32 = 3;

/// A data file as the log names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedFile {
    /// Path relative to the table.
    pub(crate) name: String,
    /// Partition value, `YYYY-MM-DD`.
    pub(crate) date: Option<String>,
    pub(crate) rows: u64,
    pub(crate) first_index: u64,
    pub(crate) last_index: u64,
    pub(crate) bytes: u64,
}

/// A committed state of the table.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    state: DeltaTableState,
    pub(crate) covered: u64,
    /// By first index.
    pub(crate) files: Arc<Vec<LoggedFile>>,
}

impl Snapshot {
    pub(crate) fn version(&self) -> u64 {
        self.state.version()
    }
}

/// A file that a commit adds.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub(crate) name: String,
    pub(crate) date: String,
    pub(crate) bytes: u64,
    pub(crate) modified: Timestamp,
    pub(crate) stats: String,
}

/// What a commit does, and therefore what the log calls it and whether readers of changes should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// New rows; the table covers indexes below this afterwards.
    Append { covered: u64 },
    /// Some rows were erased or lost facts.
    Erase,
    /// Same rows in fewer files.
    Compact,
}

/// The log of one table folder.
pub(crate) struct Log {
    runtime: Runtime,
    store: LogStoreRef,
    folder: PathBuf,
    watch: Watch,
    failing: Failing,
    /// Held while the log is read or written, so that a failure is told to whom it happened.
    turn: Mutex<()>,
}

impl Log {
    /// `folder` must exist.
    pub(crate) fn new(folder: &Path, watch: Watch) -> Result<Self, TableError> {
        let doing = || format!("opening {}", folder.display());
        let folder = folder.canonicalize().map_err(|why| storage(doing(), why))?;
        let url = Url::from_directory_path(&folder)
            .map_err(|()| damaged(&folder, "the path cannot be written as a URL"))?;
        // The log is read by blocking helper threads of this runtime; callers are plain threads.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(2)
            .build()
            .map_err(|why| storage(doing(), why))?;
        let failing = Failing::default();
        let files = Arc::new(SyncedStore::new(watch.clone(), failing.clone()));
        let store = logstore_with(files, &url, StorageConfig::default())
            .map_err(|why| storage(doing(), why))?;
        Ok(Self {
            runtime,
            store,
            folder,
            watch,
            failing,
            turn: Mutex::default(),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn exists(&self) -> Result<bool, TableError> {
        self.runtime
            .block_on(self.store.is_delta_table_location())
            .map_err(|why| storage("looking for the table's log", why))
    }

    pub(crate) fn create(&self) -> Result<(), TableError> {
        let properties = PROPERTIES.map(|(key, value)| (key, Some(value)));
        let create = CreateBuilder::new()
            .with_log_store(Arc::clone(&self.store))
            .with_table_name("records")
            .with_columns(columns())
            .with_partition_columns([PARTITION])
            .with_configuration(properties)
            .with_save_mode(SaveMode::ErrorIfExists);
        self.runtime
            .block_on(async { create.await })
            .map(|_| ())
            .map_err(|why| storage("creating the table's log", why))
    }

    /// The newest committed state.
    pub(crate) fn load(&self) -> Result<Snapshot, TableError> {
        let _turn = self.turn();
        let mut attempt = 1;
        loop {
            // What failed before and was got over says nothing about this attempt.
            self.failing.take();
            let loaded = self.runtime.block_on(async {
                let state = DeltaTableState::try_new(&self.store, None).await?;
                self.snapshot(state).await
            });
            match loaded {
                Ok(files) => return self.checked(files),
                Err(why) if attempt == LOAD_ATTEMPTS => return Err(self.unreadable(why)),
                Err(_) => attempt += 1,
            }
        }
    }

    /// The newest committed state, given an earlier one.
    pub(crate) fn update(&self, earlier: &Snapshot) -> Result<Snapshot, TableError> {
        let turn = self.turn();
        let updated = self.runtime.block_on(async {
            let mut state = earlier.state.clone();
            state.update(&self.store, None).await?;
            if state.version() == earlier.version() {
                return Ok(None);
            }
            self.snapshot(state).await.map(Some)
        });
        drop(turn);
        match updated {
            Ok(Some(newer)) => self.checked(newer),
            Ok(None) => Ok(earlier.clone()),
            // The entries between may have been expired: read from the checkpoint.
            Err(_) => self.load(),
        }
    }

    /// Commits atomically on top of `base`.
    pub(crate) fn commit(
        &self,
        base: &Snapshot,
        purpose: Purpose,
        added: &[NewFile],
        removed: &[LoggedFile],
    ) -> Result<Snapshot, TableError> {
        let data_change = purpose != Purpose::Compact;
        let newest = added
            .iter()
            .map(|file| file.modified)
            .max()
            .unwrap_or_default();
        let adds = added.iter().map(|file| Action::Add(add(file, data_change)));
        let removes = removed
            .iter()
            .map(|file| Action::Remove(remove(file, data_change, newest)));
        let mut properties = CommitProperties::default()
            .with_max_retries(0)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false));
        if let Purpose::Append { covered } = purpose {
            let covered = i64::try_from(covered).unwrap_or(i64::MAX);
            let transaction = Transaction::new(APPLICATION, covered);
            properties = properties.with_application_transaction(transaction);
        }
        let commit = CommitBuilder::from(properties)
            .with_actions(adds.chain(removes).collect())
            .build(
                Some(&base.state as &dyn TableReference),
                Arc::clone(&self.store),
                operation(purpose),
            );
        let _turn = self.turn();
        let committed = self.runtime.block_on(async {
            let state = commit.await?.snapshot();
            self.snapshot(state).await
        });
        match committed {
            Ok(files) => self.checked(files),
            Err(why) => Err(storage("committing to the table's log", why)),
        }
    }

    /// Writes a checkpoint of `snapshot`, so that the entries before it are no longer needed.
    pub(crate) fn checkpoint(&self, snapshot: &Snapshot) -> Result<(), TableError> {
        let mut table = deltalake_core::DeltaTable::new(Arc::clone(&self.store));
        table.state = Some(snapshot.state.clone());
        self.runtime
            .block_on(checkpoints::create_checkpoint(&table, None))
            .map_err(|why| storage("writing a checkpoint of the table's log", why))
    }

    /// Versions that have a checkpoint, in order.
    pub(crate) fn checkpoints(&self) -> Result<Vec<u64>, TableError> {
        let entries = self.entries()?;
        let checkpoints = entries
            .into_iter()
            .filter(|(name, _)| name.contains(".checkpoint"));
        let mut versions: Vec<u64> = checkpoints.map(|(_, version)| version).collect();
        versions.sort_unstable();
        versions.dedup();
        Ok(versions)
    }

    /// Deletes the log's files of versions before `version`, which must have a checkpoint.
    pub(crate) fn expire_before(&self, version: u64) -> Result<(), TableError> {
        let expired = self
            .entries()?
            .into_iter()
            .filter(|(_, entry)| *entry < version);
        let paths: Vec<PathBuf> = expired
            .map(|(name, _)| self.folder.join(LOG_FOLDER).join(name))
            .collect();
        durable::remove(&self.watch, &paths)
            .map_err(|why| storage("deleting expired entries of the table's log", why))
    }

    /// Syncs the newest entry and the log's folder: the process that wrote it may have died before it did.
    pub(crate) fn sync(&self, version: u64) -> Result<(), TableError> {
        let folder = self.folder.join(LOG_FOLDER);
        durable::sync(&self.watch, &folder.join(format!("{version:020}.json")))
            .map_err(|why| storage("syncing the table's log", why))
    }

    /// Names and versions of the log's files.
    fn entries(&self) -> Result<Vec<(String, u64)>, TableError> {
        let listing = || -> std::io::Result<Vec<(String, u64)>> {
            let mut entries = Vec::new();
            for entry in std::fs::read_dir(self.folder.join(LOG_FOLDER))? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                let version = name
                    .split_once('.')
                    .and_then(|(digits, _)| digits.parse().ok());
                if let Some(version) = version {
                    entries.push((name, version));
                }
            }
            Ok(entries)
        };
        listing().map_err(|why| storage("listing the table's log", why))
    }

    async fn snapshot(&self, state: DeltaTableState) -> DeltaResult<Result<Snapshot, String>> {
        let covered = state
            .transaction_version(&self.store, APPLICATION)
            .await?
            .unwrap_or(0);
        Ok(logged_files(&state).map(|files| Snapshot {
            state,
            covered: u64::try_from(covered).unwrap_or(0),
            files: Arc::new(files),
        }))
    }

    fn checked(&self, snapshot: Result<Snapshot, String>) -> Result<Snapshot, TableError> {
        snapshot.map_err(|what| damaged(&self.folder.join(LOG_FOLDER), what))
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self, why: deltalake_core::DeltaTableError) -> TableError {
        match self.failing.take() {
            Some(failure) => storage("reading the table's log", failure),
            None => damaged(&self.folder.join(LOG_FOLDER), why),
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Log")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Columns of the Delta table: those of its files and the partition.
fn columns() -> Vec<StructField> {
    let fields = SCHEMA.fields().iter().map(|field| {
        let primitive = match field.data_type() {
            arrow::datatypes::DataType::Int64 => PrimitiveType::Long,
            arrow::datatypes::DataType::Float64 => PrimitiveType::Double,
            arrow::datatypes::DataType::Binary => PrimitiveType::Binary,
            arrow::datatypes::DataType::Timestamp(..) => PrimitiveType::Timestamp,
            _ => PrimitiveType::String,
        };
        StructField::new(
            field.name(),
            DataType::Primitive(primitive),
            field.is_nullable(),
        )
    });
    let partition = StructField::new(PARTITION, DataType::Primitive(PrimitiveType::Date), true);
    fields.chain([partition]).collect()
}

fn operation(purpose: Purpose) -> DeltaOperation {
    match purpose {
        Purpose::Append { .. } => DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![PARTITION.to_owned()]),
            predicate: None,
        },
        Purpose::Erase => DeltaOperation::Update { predicate: None },
        Purpose::Compact => DeltaOperation::Optimize {
            predicate: None,
            target_size: 0,
        },
    }
}

fn add(file: &NewFile, data_change: bool) -> Add {
    Add {
        path: file.name.clone(),
        partition_values: partition(Some(&file.date)),
        size: file.bytes.cast_signed(),
        modification_time: file.modified.as_millisecond(),
        data_change,
        stats: Some(file.stats.clone()),
        ..Add::default()
    }
}

fn remove(file: &LoggedFile, data_change: bool, at: Timestamp) -> Remove {
    Remove {
        path: file.name.clone(),
        data_change,
        deletion_timestamp: Some(at.as_millisecond()),
        extended_file_metadata: Some(true),
        partition_values: Some(partition(file.date.as_deref())),
        size: Some(file.bytes.cast_signed()),
        ..Remove::default()
    }
}

fn partition(date: Option<&str>) -> HashMap<String, Option<String>> {
    HashMap::from([(PARTITION.to_owned(), date.map(str::to_owned))])
}

fn logged_files(state: &DeltaTableState) -> Result<Vec<LoggedFile>, String> {
    let data = state
        .snapshot()
        .try_log_data()
        .map_err(|why| why.to_string())?;
    let mut files = Vec::with_capacity(data.num_files());
    for view in data {
        let name = view.object_store_path().to_string();
        let stats: Value = view
            .stats()
            .and_then(|stats| serde_json::from_str(&stats).ok())
            .ok_or_else(|| format!("the entry of {name} has no statistics"))?;
        let number = |pointer: &str| {
            let value = stats.pointer(pointer).and_then(Value::as_u64);
            value.ok_or_else(|| format!("the entry of {name} does not say {pointer}"))
        };
        if !Path::new(&name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(format!("the entry of {name} points outside the table"));
        }
        files.push(LoggedFile {
            date: view.partition_values_map().remove(PARTITION).flatten(),
            rows: number("/numRecords")?,
            first_index: number("/minValues/index")?,
            last_index: number("/maxValues/index")?,
            bytes: u64::try_from(view.size()).unwrap_or(0),
            name,
        });
    }
    files.sort_by(|a, b| (a.first_index, &a.name).cmp(&(b.first_index, &b.name)));
    Ok(files)
}
