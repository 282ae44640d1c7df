//! What can go wrong in a ledger, told so that the caller knows what to do about it.

use std::io;

use causebook_evidence::EvidenceError;
use causebook_record::RecordError;
use causebook_tlog::TlogError;

use crate::table::TableError;
use crate::verify::Finding;

/// A failed operation on a ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A prefix that stands for several records.
    #[error("{prefix:?} stands for more than one record: {}", candidates.join(", "))]
    Ambiguous {
        /// The prefix given.
        prefix: String,
        /// Some of the ids that start with it.
        candidates: Vec<String>,
    },
    /// The operating system refused. Nothing was half done.
    #[error("{doing} failed for {path}: {source}")]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// The file or directory, relative to the ledger's folder.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The write-ahead log is damaged before its tail, where no crash can have damaged it.
    #[error("write-ahead log {segment} is damaged at byte {offset}: {what}")]
    DamagedLog {
        /// File name of the segment.
        segment: String,
        /// Where in the segment.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// Evidence could not be made.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A ledger is already there.
    #[error("there is a ledger here already")]
    Exists,
    /// The folder holds something that is not a ledger of this kind.
    #[error("this is not a ledger: {what}")]
    Foreign {
        /// What was found.
        what: String,
    },
    /// The signing key is missing, unreadable or does not belong to this ledger.
    #[error("signing key: {what}")]
    Key {
        /// What is wrong with it.
        what: String,
    },
    /// Another process writes this ledger.
    #[error("another process is writing this ledger ({holder})")]
    Locked {
        /// What the holder left in the lock file.
        holder: String,
    },
    /// The ledger was written by a later version.
    #[error("the ledger has format {found}, but this version reads formats up to {supported}")]
    NewerFormat {
        /// Format found.
        found: u32,
        /// Newest format this version reads.
        supported: u32,
    },
    /// No ledger in the folder.
    #[error("there is no ledger here")]
    NoLedger,
    /// The log's tiles or checkpoint are not what they should be.
    #[error("log: {0}")]
    Log(#[from] TlogError),
    /// No such record.
    #[error("no record has the id {id:?}, nor does one begin with it")]
    NotFound {
        /// The id or prefix given.
        id: String,
    },
    /// An earlier failure of the disk made the outcome of writes unknown: nothing more is acknowledged until the ledger
    /// is opened again, which goes through recovery.
    #[error("the ledger stopped after a failure and must be reopened: {cause}")]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// A prefix shorter than four characters.
    #[error("{prefix:?} is too short to stand for an id: give at least 4 characters")]
    PrefixTooShort {
        /// The prefix given.
        prefix: String,
    },
    /// Bad content.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// What is on disk contradicts what was signed.
    #[error("the ledger has been tampered with or damaged: {0}")]
    Tampered(Box<Finding>),
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// The operation cannot be done on this record.
    #[error("record {id:?}: {what}")]
    Unfit {
        /// The record.
        id: String,
        /// Why not.
        what: String,
    },
}

impl LedgerError {
    pub(crate) fn disk(doing: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk {
            doing,
            path,
            source,
        }
    }
}

/// A record that was not appended. The ledger holds nothing of it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The ledger has too much in flight; try again after a moment.
    #[error("the ledger is busy: {in_flight_bytes} bytes wait to be written")]
    Busy {
        /// Bytes waiting.
        in_flight_bytes: u64,
    },
    /// The id is taken by a record with other content.
    #[error("the id {id:?} is taken by the record at index {index}, whose content differs")]
    Conflict {
        /// The id.
        id: String,
        /// Where the first record is.
        index: u64,
    },
    /// The record of this id has been erased, whole or in part. Whether this one is the same cannot be told any more, and
    /// whoever holds it holds what was to be forgotten.
    #[error("the record of the id {id:?}, at index {index}, has been erased")]
    Erased {
        /// The id.
        id: String,
        /// Where the erased record is.
        index: u64,
    },
    /// The ledger could not write; whether the record survives a restart is unknown, and appending it again with the
    /// same id is safe.
    #[error("the record was not acknowledged: {cause}")]
    Failed {
        /// The cause.
        cause: String,
    },
    /// Another record of an all-or-nothing batch was refused.
    #[error("nothing of the batch was recorded because record {culprit} of it was refused")]
    BatchRefused {
        /// Position in the batch of the first refused record, from 0.
        culprit: usize,
    },
    /// The record is not valid.
    #[error("{problem}")]
    Refused {
        /// JSON Pointer of the fault.
        pointer: String,
        /// What is wrong.
        problem: String,
    },
}
