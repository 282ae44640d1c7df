//! What an evidence file holds, and how one is made. Made files are checked before they are given out, so that a keeper
//! never hands over evidence that does not hold; how they are written and read is in `json`.

use std::collections::BTreeSet;

use causebook_record::{Digest, Disclosure};
use causebook_tlog::{Checkpoint, Hash, Note};

use crate::check::{Trust, check};
use crate::error::EvidenceError;
use crate::json;

/// Value of the member `format`.
pub const FORMAT: &str = "causebook-evidence/v1";

/// Longest file that is read, in bytes: 64 MiB.
pub const FILE_BYTES_MAX: usize = 64 << 20;

/// Most records in a file: the one asked for and those linked to it.
pub const RECORDS_MAX: usize = 1024;

/// Most keys that a file names.
pub const KEYS_MAX: usize = 64;

/// The content of an evidence file: well-formed, and not more than that. [`check`] says whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Name of the log.
    pub origin: String,
    /// Keys of the log as `vkey` texts. Named for convenience: who takes them for the right ones trusts the file.
    pub keys: Vec<String>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
    /// The record asked for, and after it those linked to it.
    pub records: Vec<EvidenceRecord>,
}

/// One record of an evidence file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// Its index in the log.
    pub index: u64,
    /// What is known of it.
    pub content: Content,
    /// Its inclusion proof, from the leaf's sibling up.
    pub inclusion: Vec<Hash>,
}

/// What an evidence file knows of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Some facts, and commitments to the others.
    Disclosed(Disclosure),
    /// The payload is erased: only the digest is known.
    Erased(Digest),
}

impl Evidence {
    /// Makes evidence of the first of `records` and of those linked to it, under a checkpoint signed by `keys`.
    ///
    /// Links are proved by what is shown: `/id` of the one and `/refers_to` of the other.
    ///
    /// # Errors
    /// Whatever [`check`] would find wrong with it, trusting the keys given.
    pub fn build(
        keys: Vec<String>,
        checkpoint: String,
        records: Vec<EvidenceRecord>,
    ) -> Result<Evidence, EvidenceError> {
        let note = Note::parse(&checkpoint).map_err(EvidenceError::Checkpoint)?;
        let head = Checkpoint::parse(note.text()).map_err(EvidenceError::Checkpoint)?;
        let evidence = Evidence {
            origin: head.origin,
            keys,
            checkpoint,
            records,
        };
        check(&evidence, &Trust::Named)?;
        Ok(evidence)
    }

    /// Reads an evidence file: strict JSON of exactly the members of the format, each once.
    ///
    /// # Errors
    /// [`EvidenceError::Json`], [`EvidenceError::Format`], [`EvidenceError::Field`], [`EvidenceError::TooMany`],
    /// [`EvidenceError::NoRecord`] or [`EvidenceError::RepeatedRecord`].
    pub fn parse(file: &[u8]) -> Result<Evidence, EvidenceError> {
        let evidence = json::parse(file)?;
        evidence.check_shape()?;
        Ok(evidence)
    }

    /// The file: JSON with two spaces of indentation and a newline at the end. [`parse`](Self::parse) reads it back.
    pub fn to_json(&self) -> String {
        json::print(self)
    }

    /// Counts within their limits, a record to speak of, and none twice.
    pub(crate) fn check_shape(&self) -> Result<(), EvidenceError> {
        check_count("keys", self.keys.len(), KEYS_MAX)?;
        check_count("records", self.records.len(), RECORDS_MAX)?;
        if self.records.is_empty() {
            return Err(EvidenceError::NoRecord);
        }
        let mut seen = BTreeSet::new();
        for (place, record) in self.records.iter().enumerate() {
            if !seen.insert(record.index) {
                return Err(EvidenceError::RepeatedRecord {
                    place,
                    index: record.index,
                });
            }
        }
        Ok(())
    }
}

impl EvidenceRecord {
    /// A record of which some facts are shown.
    pub fn disclosed(index: u64, disclosure: Disclosure, inclusion: Vec<Hash>) -> EvidenceRecord {
        EvidenceRecord {
            index,
            content: Content::Disclosed(disclosure),
            inclusion,
        }
    }

    /// A record whose payload is erased.
    pub fn erased(index: u64, digest: Digest, inclusion: Vec<Hash>) -> EvidenceRecord {
        EvidenceRecord {
            index,
            content: Content::Erased(digest),
            inclusion,
        }
    }
}

pub(crate) fn check_count(
    what: &'static str,
    given: usize,
    max: usize,
) -> Result<(), EvidenceError> {
    if given > max {
        Err(EvidenceError::TooMany { what, given, max })
    } else {
        Ok(())
    }
}
