//! The one error type of the crate. Every fault of a record names the record's place in the file, from 0.

use causebook_record::RecordError;
use causebook_tlog::TlogError;

/// Why an evidence file was not read, not made, or does not prove what it claims.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// More of something than is read.
    #[error("{given} {what}, at most {max} are read")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// How many are read.
        max: usize,
    },
    /// Not JSON, or not of this shape.
    #[error("not an evidence file: {problem}")]
    Json {
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A file of another format or version.
    #[error("format is {found:?}, expected \"causebook-evidence/v1\"")]
    Format {
        /// Format named in the file, cut to 80 characters.
        found: String,
    },
    /// A field whose value is not what it must be.
    #[error("{place}: {problem}")]
    Field {
        /// Where in the file, such as `records[1].facts[3].salt`.
        place: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file proves nothing: it has no record.
    #[error("the file has no record")]
    NoRecord,
    /// Two entries for one record.
    #[error("records[{place}]: record {index} is in the file twice")]
    RepeatedRecord {
        /// Place of the second one.
        place: usize,
        /// Index in the log.
        index: u64,
    },

    /// A key that the file names, or the checker trusts, is not one.
    #[error("key {key:?}: {problem}")]
    Key {
        /// The key as given, cut to 80 characters.
        key: String,
        /// What is wrong with it.
        problem: TlogError,
    },
    /// The checkpoint is malformed, or a signature on it is false.
    #[error("checkpoint: {0}")]
    Checkpoint(TlogError),
    /// The file names a key that did not sign the checkpoint.
    #[error("the file names the key {name}, which has not signed the checkpoint")]
    KeyWithoutSignature {
        /// Name of the key.
        name: String,
    },
    /// The file and the checkpoint name different logs.
    #[error("the file says it is of {file}, its checkpoint is of {checkpoint}")]
    Origin {
        /// Origin in the file.
        file: String,
        /// Origin in the checkpoint.
        checkpoint: String,
    },
    /// No log key that the checker trusts signed the checkpoint.
    #[error("no trusted key of {origin} has signed the checkpoint")]
    Untrusted {
        /// Origin of the checkpoint.
        origin: String,
    },

    /// A record whose facts and commitments do not make a record.
    #[error("records[{place}]: {problem}")]
    Record {
        /// Place of the record in the file.
        place: usize,
        /// What is wrong with it.
        problem: RecordError,
    },
    /// A record that is not in the log as signed: a fact, salt, commitment, index or proof was changed.
    #[error("records[{place}]: not in the signed log as record {index}: {problem}")]
    NotInLog {
        /// Place of the record in the file.
        place: usize,
        /// Index that the file claims.
        index: u64,
        /// Why the proof fails.
        problem: TlogError,
    },
    /// A record that neither refers to the first one nor is referred to by it, as far as both are shown.
    #[error(
        "records[{place}]: record {index} does not show a link to the first one (is /refers_to shown?)"
    )]
    NotLinked {
        /// Place of the record in the file.
        place: usize,
        /// Its index in the log.
        index: u64,
    },
}
