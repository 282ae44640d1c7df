//! The signed head of a server's ledger, held against what its user knows of it: trust on first use.
//!
//! The server is not believed. Its keys are, once, when nothing is known yet; from then on every head must be signed by them and
//! must continue the head seen last, or it is a [`HeadFault`]. Where heads are kept is the caller's business.

use causebook_tlog::{Checkpoint, Hash, Note, Verifier, verify_consistency};

use crate::error::ClientError;
use crate::ledger::RemoteLedger;

/// What a user knows of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHead {
    /// Its verifier keys.
    pub keys: Vec<String>,
    /// Records that the head covered.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// A head whose signatures hold and which continues what was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The keys it was verified with.
    pub keys: Vec<String>,
    /// The origin of the ledger.
    pub origin: String,
    /// When the ledger was made, as the server says.
    pub created: String,
    /// Records acknowledged, as the server says: more than the head covers, or as many.
    pub stored: u64,
    /// The signed checkpoint, verbatim; empty before the first.
    pub note: String,
    /// What it says; `None` before the first.
    pub checkpoint: Option<Checkpoint>,
    /// When it was signed, in seconds since 1970, where a signature says so.
    pub time: Option<u64>,
    /// Sizes of the known heads that it was found to continue.
    pub continues: Option<u64>,
}

/// Why a head is not one to go on from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// It could not be had. This says nothing about the ledger.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It contradicts a signature or what was seen before.
    #[error(transparent)]
    Fault(#[from] HeadFault),
}

/// A contradiction: what the server shows cannot be the ledger that was seen before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadFault {
    /// The ledger has other keys than before, or the head is not signed by them.
    #[error("{what}")]
    WrongKey {
        /// What was found.
        what: String,
    },
    /// The log is shorter than it was.
    #[error("the log has {size} records, but its head was seen over {seen}")]
    RolledBack {
        /// Records now.
        size: u64,
        /// Records of the head that was seen.
        seen: u64,
    },
    /// The log is not a continuation of the head that was seen.
    #[error(
        "the log of {size} records does not continue the {seen} records that were seen: {problem}"
    )]
    Forked {
        /// Records now.
        size: u64,
        /// Records of the head that was seen.
        seen: u64,
        /// What does not hold.
        problem: String,
    },
}

impl HeadFault {
    /// The name that `verify` has for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            HeadFault::WrongKey { .. } => "wrong-key",
            HeadFault::RolledBack { .. } => "rolled-back",
            HeadFault::Forked { .. } => "forked",
        }
    }
}

impl RemoteLedger {
    /// The newest head, verified and held against each head that the caller knows of the ledger with this origin.
    ///
    /// # Errors
    /// [`HeadError::Client`] if it could not be had, [`HeadError::Fault`] if it contradicts what is known.
    pub fn head(&self, known: impl FnOnce(&str) -> Vec<KnownHead>) -> Result<Head, HeadError> {
        let info = self.info()?;
        let known = known(&info.origin);
        if let Some(other) = known.iter().find(|known| known.keys != info.keys) {
            return Err(changed_keys(&info.keys, &other.keys).into());
        }
        let note = self.checkpoint()?.unwrap_or_default();
        let mut head = Head {
            keys: info.keys,
            origin: info.origin,
            created: info.created,
            stored: info.size,
            note,
            checkpoint: None,
            time: None,
            continues: None,
        };
        if !head.note.is_empty() {
            let (checkpoint, time) = open(&head)?;
            head.checkpoint = Some(checkpoint);
            head.time = time;
        }
        for known in known.iter().filter(|known| known.size > 0) {
            self.continues(&head, known)?;
            head.continues = head.continues.max(Some(known.size));
        }
        Ok(head)
    }

    fn continues(&self, head: &Head, known: &KnownHead) -> Result<(), HeadError> {
        let seen = known.size;
        let Some(now) = head
            .checkpoint
            .as_ref()
            .filter(|checkpoint| checkpoint.size >= seen)
        else {
            let size = head.checkpoint.as_ref().map_or(0, |now| now.size);
            return Err(HeadFault::RolledBack { size, seen }.into());
        };
        let forked = |problem: String| HeadFault::Forked {
            size: now.size,
            seen,
            problem,
        };
        if now.size == seen {
            return if now.root == known.root {
                Ok(())
            } else {
                Err(forked("the roots differ".to_owned()).into())
            };
        }
        let consistency = self.consistency(seen, now.size)?;
        verify_consistency(seen, now.size, &known.root, &now.root, &consistency.proof)
            .map_err(|error| forked(error.to_string()))?;
        Ok(())
    }
}

/// Reads a head that must be signed by every key of the ledger.
fn open(head: &Head) -> Result<(Checkpoint, Option<u64>), HeadError> {
    let wrong = |what: String| HeadFault::WrongKey { what };
    let foreign = |what: String| ClientError::Foreign {
        server: head.origin.clone(),
        status: None,
        what,
    };
    let parse = |key: &String| {
        Verifier::parse(key).map_err(|error| foreign(format!("a key that is none: {error}")))
    };
    let verifiers = head
        .keys
        .iter()
        .map(parse)
        .collect::<Result<Vec<_>, ClientError>>()?;
    if verifiers.is_empty() {
        return Err(foreign("a ledger without keys".to_owned()).into());
    }
    // What is no checkpoint at all, such as a proxy's page, contradicts nothing.
    let no_head = |error| foreign(format!("a signed head that is none: {error}"));
    let note = Note::parse(&head.note).map_err(no_head)?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(no_head)?;
    let signatures = note
        .verify(&verifiers)
        .map_err(|error| wrong(format!("the signed head does not hold: {error}")))?;
    let by = |key: &Verifier| {
        signatures
            .iter()
            .any(|signature| signature.name == key.name() && signature.key_id == key.key_id())
    };
    if let Some(absent) = verifiers.iter().find(|key| !by(key)) {
        let what = format!("the head is not signed by {}", absent.name());
        return Err(wrong(what).into());
    }
    if checkpoint.origin != head.origin {
        let what = format!(
            "the head is that of {}, not of {}",
            checkpoint.origin, head.origin
        );
        return Err(wrong(what).into());
    }
    let time = signatures.iter().find_map(|signature| signature.time);
    Ok((checkpoint, time))
}

fn changed_keys(now: &[String], before: &[String]) -> HeadFault {
    let name = |keys: &[String]| {
        let first = keys.first().map_or("none", String::as_str);
        first.chars().take(60).collect::<String>()
    };
    HeadFault::WrongKey {
        what: format!(
            "its keys are not those seen before: {} instead of {}",
            name(now),
            name(before)
        ),
    }
}
