//! What the ledger asks of its table: the columnar home of rows that have left the write-ahead log.
//!
//! The ledger owns order, proofs and the moment of acknowledgement; a [`TableSink`] owns files and commits.
//! Two implementations exist: the Delta table of `causebook-lake` and [`MemoryTable`], which the ledger's own tests
//! and the simulation use.

use std::ops::{ControlFlow, Range};

use causebook_record::Stored;

/// One record with its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Position in the log, from 0.
    pub index: u64,
    /// The record, whole or with parts of it erased.
    pub record: Stored,
}

/// A typed column whose value is not what the sealed text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnFault {
    /// Name of the column.
    pub column: &'static str,
    /// What the column holds, as text; `None` for null.
    pub stored: Option<String>,
    /// What the sealed text gives.
    pub sealed: Option<String>,
}

/// A row as a scan meets it on disk: nothing has been checked but its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct ScannedRow {
    /// The row.
    pub row: Row,
    /// The first typed column that disagrees with the sealed text, if the scan was asked to compare them.
    pub column_fault: Option<ColumnFault>,
}

/// Which rows a scan visits and what it checks.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Positions in the log.
    pub indexes: Range<u64>,
    /// Compare every typed column with the sealed text.
    pub check_columns: bool,
}

/// Why a table could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The storage below failed: disk full, permission, network. Nothing was half done.
    #[error("table storage failed while {doing}: {source}")]
    Storage {
        /// What was being done, for example "writing part-00000.parquet".
        doing: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The table's own files contradict each other or cannot be read as what they should be.
    #[error("table is damaged: {what}")]
    Damaged {
        /// What was found, naming the file.
        what: String,
    },
    /// The rows offered do not continue the table.
    #[error("table holds rows up to {covered}, but was offered rows from {offered}")]
    OutOfOrder {
        /// The next index the table expects.
        covered: u64,
        /// The first index offered.
        offered: u64,
    },
    /// A row read back after writing is not the row that was written.
    #[error("row {index} read back differs from what was written to {file}")]
    ReadBack {
        /// Position of the row.
        index: u64,
        /// File it was written to.
        file: String,
    },
}

/// Visits rows; `Break` ends the scan early without error.
pub type Visit<'a> = &'a mut dyn FnMut(ScannedRow) -> ControlFlow<()>;

/// One committed state of a table, which stays what it is while the table moves on.
///
/// Rows may be merged into other files or be erased meanwhile; none is added, and none goes.
pub trait TableView: Send + Sync {
    /// Rows `0..covered` are in this state.
    fn covered(&self) -> u64;

    /// Visits rows in the order they lie on disk (files by first index, then file order), without sorting, so that
    /// rows that are missing, doubled or out of order are seen as they are.
    ///
    /// # Errors
    /// If the storage fails or a file is damaged; rows before the fault have been visited.
    fn scan(&self, scan: &Scan, visit: Visit<'_>) -> Result<(), TableError>;
}

/// The columnar home of rows that have left the write-ahead log.
///
/// # Contract
/// - `append` is durable when it returns `Ok`: files and directories are synced, the rows were read back and their
///   digests found equal, and `covered` has moved past them in the same atomic commit. After an error or a crash
///   either all of the rows are in the table or none is, and `covered` says which.
/// - There is one writer. Readers of the same folder in other processes see whole commits only.
pub trait TableSink: Send + Sync {
    /// Rows `0..covered` are in the table.
    fn covered(&self) -> u64;

    /// Appends rows whose indexes are dense and start at [`covered`](Self::covered).
    ///
    /// # Errors
    /// [`TableError::OutOfOrder`] if they do not; otherwise see the contract.
    fn append(&self, rows: &[Row]) -> Result<(), TableError>;

    /// The row at `index`, or `None` if the table has no such row.
    ///
    /// # Errors
    /// If the storage fails or a file is damaged.
    fn get(&self, index: u64) -> Result<Option<Row>, TableError>;

    /// Indexes and ids of records whose id starts with `prefix`, in index order, at most `limit`.
    ///
    /// # Errors
    /// If the storage fails or a file is damaged.
    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<(String, u64)>, TableError>;

    /// The committed state of this moment. What a writer commits later is not part of it.
    fn view(&self) -> Box<dyn TableView + '_>;

    /// Visits rows of the present state, as [`TableView::scan`] does.
    ///
    /// # Errors
    /// If the storage fails or a file is damaged; rows before the fault have been visited.
    fn scan(&self, scan: &Scan, visit: Visit<'_>) -> Result<(), TableError> {
        self.view().scan(scan, visit)
    }

    /// Replaces rows by others with the same indexes (erasure): rewrites the files that hold them, physically deletes
    /// the old files, and expires the log entries that named them. Durable on return.
    ///
    /// # Errors
    /// If the storage fails or a row to be replaced is not in the table; then nothing was replaced.
    fn replace(&self, rows: &[Row]) -> Result<(), TableError>;

    /// Merges small files into larger ones and deletes what no longer belongs to the table. Rows stay as they are.
    ///
    /// # Errors
    /// If the storage fails; then the table is as before.
    fn compact(&self) -> Result<(), TableError>;

    /// Deletes what an interrupted writer left behind and no commit names. Asked for by the writer when it has found that
    /// no record is missing: before, such a file may hold what a damaged log no longer names.
    ///
    /// # Errors
    /// If the storage fails.
    fn tidy(&self) -> Result<(), TableError>;

    /// Reads the newest committed state, for a reader beside a writer in another process. Until then a reader keeps
    /// seeing the rows that it saw, wherever a writer has moved them.
    ///
    /// # Errors
    /// If the storage fails.
    fn refresh(&self) -> Result<(), TableError>;
}
