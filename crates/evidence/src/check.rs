//! Checks evidence, from the signature down to the facts, and reports what it proves and what it does not.

use causebook_record::{Digest, Disclosure, RecordError};
use causebook_tlog::{Algorithm, Checkpoint, Hash, Note, Verifier, hash_leaf, verify_inclusion};

use crate::error::EvidenceError;
use crate::file::{Content, Evidence, EvidenceRecord};

/// What no evidence proves, to be said wherever a report is shown.
pub const NOT_PROVEN: [&str; 2] = [
    "that what was recorded was true when it was recorded",
    "that everything that should have been recorded was sent to the ledger",
];

/// Whose signature on the checkpoint is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// These keys, as `vkey` texts that the checker has from elsewhere. The Ed25519 key of the log must be among them;
    /// keys of cosigners add to the report.
    Keys(Vec<String>),
    /// The keys that the file itself names. Shows that the file is whole, not whose it is.
    Named,
}

/// What evidence proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the log.
    pub origin: String,
    /// Records in the log at the checkpoint.
    pub size: u64,
    /// Root of the log at the checkpoint.
    pub root: Hash,
    /// Whether the keys were only the file's own word.
    pub self_asserted: bool,
    /// The signatures that were verified.
    pub signatures: Vec<Signature>,
    /// Names of trusted keys that did not sign this checkpoint.
    pub absent: Vec<String>,
    /// The records, in the order of the file: the one asked for first.
    pub records: Vec<CheckedRecord>,
}

/// A signature on the checkpoint that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: u32,
    /// Kind of the signature.
    pub algorithm: Algorithm,
    /// When it was made, in seconds since 1970, where the signature says so.
    pub time: Option<u64>,
    /// Whether the key is one that the checker trusts.
    pub trusted: bool,
}

/// A record that was found to be in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRecord {
    /// Its index in the log.
    pub index: u64,
    /// Its digest.
    pub digest: Digest,
    /// What is known of it.
    pub standing: Standing,
    /// How it is linked to the record asked for.
    pub link: Link,
}

/// What is known of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Some facts are shown.
    Disclosed {
        /// Canonical JSON of the facts shown.
        text: String,
        /// Facts shown.
        shown: usize,
        /// Facts hidden.
        hidden: usize,
    },
    /// Its payload is erased.
    Erased,
}

/// How a record is linked to the one asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It is the one asked for.
    Asked,
    /// It refers to the one asked for.
    Refers,
    /// The one asked for refers to it.
    Referred,
    /// The file says so, but one of the two is erased, and the link with it.
    Unproven,
}

impl CheckedRecord {
    /// Canonical JSON of the facts shown; None if the payload is erased.
    pub fn text(&self) -> Option<&str> {
        match &self.standing {
            Standing::Disclosed { text, .. } => Some(text),
            Standing::Erased => None,
        }
    }
}

/// Checks evidence: signatures on the checkpoint, then for each record its facts, digest, place in the log and link.
///
/// # Errors
/// The first fault found, in that order.
pub fn check(evidence: &Evidence, trust: &Trust) -> Result<Report, EvidenceError> {
    evidence.check_shape()?;
    let named = parse_keys(&evidence.keys)?;
    let trusted = match trust {
        Trust::Keys(keys) => parse_keys(keys)?,
        Trust::Named => named.clone(),
    };
    let (head, signatures) = check_checkpoint(evidence, &named, &trusted)?;

    let first = evidence.records.first().ok_or(EvidenceError::NoRecord)?;
    let mut records = Vec::with_capacity(evidence.records.len());
    for (place, record) in evidence.records.iter().enumerate() {
        let (digest, standing) =
            check_content(record).map_err(|problem| EvidenceError::Record { place, problem })?;
        let index = record.index;
        verify_inclusion(
            index,
            head.size,
            &hash_leaf(&digest.0),
            &record.inclusion,
            &head.root,
        )
        .map_err(|problem| EvidenceError::NotInLog {
            place,
            index,
            problem,
        })?;
        let link = if place == 0 {
            Some(Link::Asked)
        } else {
            link(first, record)
        };
        let link = link.ok_or(EvidenceError::NotLinked { place, index })?;
        records.push(CheckedRecord {
            index,
            digest,
            standing,
            link,
        });
    }

    let signed = |key: &&Verifier| !signatures.iter().any(|signature| is_by(signature, key));
    let absent = trusted
        .iter()
        .filter(signed)
        .map(|key| key.name().to_owned())
        .collect();
    Ok(Report {
        origin: head.origin,
        size: head.size,
        root: head.root,
        self_asserted: *trust == Trust::Named,
        signatures,
        absent,
        records,
    })
}

fn parse_keys(keys: &[String]) -> Result<Vec<Verifier>, EvidenceError> {
    let parse = |key: &String| {
        Verifier::parse(key).map_err(|problem| EvidenceError::Key {
            key: key.chars().take(80).collect(),
            problem,
        })
    };
    keys.iter().map(parse).collect()
}

/// Verifies the checkpoint with every key at hand: one false signature spoils it, each key that the file names must
/// have signed, and a trusted log key must be among them.
fn check_checkpoint(
    evidence: &Evidence,
    named: &[Verifier],
    trusted: &[Verifier],
) -> Result<(Checkpoint, Vec<Signature>), EvidenceError> {
    let note = Note::parse(&evidence.checkpoint).map_err(EvidenceError::Checkpoint)?;
    let all = [named, trusted].concat();
    let verified = note.verify(&all).map_err(EvidenceError::Checkpoint)?;
    let head = Checkpoint::parse(note.text()).map_err(EvidenceError::Checkpoint)?;
    if head.origin != evidence.origin {
        return Err(EvidenceError::Origin {
            file: evidence.origin.clone(),
            checkpoint: head.origin,
        });
    }
    let signatures: Vec<Signature> = verified
        .into_iter()
        .map(|signature| Signature {
            trusted: trusted
                .iter()
                .any(|key| key.name() == signature.name && key.key_id() == signature.key_id),
            name: signature.name,
            key_id: signature.key_id,
            algorithm: signature.algorithm,
            time: signature.time,
        })
        .collect();
    for key in named {
        if !signatures.iter().any(|signature| is_by(signature, key)) {
            return Err(EvidenceError::KeyWithoutSignature {
                name: key.name().to_owned(),
            });
        }
    }
    // The name binds the key to this log: a trusted key of another log proves nothing about this one.
    let vouches = |signature: &Signature| {
        signature.trusted
            && signature.algorithm == Algorithm::Ed25519
            && signature.name == head.origin
    };
    if !signatures.iter().any(vouches) {
        return Err(EvidenceError::Untrusted {
            origin: head.origin,
        });
    }
    Ok((head, signatures))
}

fn is_by(signature: &Signature, key: &Verifier) -> bool {
    signature.name == key.name() && signature.key_id == key.key_id()
}

fn check_content(record: &EvidenceRecord) -> Result<(Digest, Standing), RecordError> {
    match &record.content {
        Content::Erased(digest) => Ok((*digest, Standing::Erased)),
        Content::Disclosed(disclosure) => {
            let digest = disclosure.digest()?;
            let (text, shown, hidden) = (
                disclosure.text()?,
                disclosure.facts.len(),
                disclosure.hidden.len(),
            );
            Ok((
                digest,
                Standing::Disclosed {
                    text,
                    shown,
                    hidden,
                },
            ))
        }
    }
}

/// How `record` is linked to `first`; None if both are disclosed and do not show it.
fn link(first: &EvidenceRecord, record: &EvidenceRecord) -> Option<Link> {
    let (Content::Disclosed(first), Content::Disclosed(record)) = (&first.content, &record.content)
    else {
        return Some(Link::Unproven);
    };
    if refers(record, first) {
        Some(Link::Refers)
    } else if refers(first, record) {
        Some(Link::Referred)
    } else {
        None
    }
}

/// Canonical text has one spelling for a string, so the texts can be compared as they are.
fn refers(from: &Disclosure, to: &Disclosure) -> bool {
    let fact = |of: &Disclosure, path: &str| {
        of.facts
            .iter()
            .find(|fact| fact.path == path)
            .map(|fact| fact.text.clone())
    };
    fact(from, "/refers_to").is_some_and(|id| fact(to, "/id") == Some(id))
}
