//! The `add-checkpoint` call of a witness ([c2sp.org/tlog-witness](https://c2sp.org/tlog-witness)): its request body,
//! and the decision that a witness must come to. Both sides of the wire are here, the HTTP and the storage are not.

use std::fmt;

use crate::TlogError;
use crate::checkpoint::{Checkpoint, parse_checkpoint_note};
use crate::note::{NOTE_BYTES_MAX, Note};
use crate::proof::verify_consistency;
use crate::text::parse_decimal;
use crate::tree::{Hash, empty_root};
use crate::verifier::Verifier;

/// Most consistency proof lines in a request.
const PROOF_LINES_MAX: usize = 63;

/// Longest request body that is read, in bytes: a note, and the lines above it.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 64 * 45 + 32;

/// The body of an `add-checkpoint` request. [`Display`](fmt::Display) prints the body's exact bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the checkpoint that the witness cosigned last, as the client believes.
    pub old_size: u64,
    /// Consistency proof from there to the new checkpoint; empty if `old_size` is 0.
    pub proof: Vec<Hash>,
    /// The new checkpoint, signed by the log.
    pub checkpoint: Note,
}

impl AddCheckpoint {
    /// Reads a request body. Printing it again gives the same bytes.
    ///
    /// # Errors
    /// [`TlogError::WitnessRequest`], [`TlogError::HashText`], [`TlogError::TooLong`], or what [`Note::parse`]
    /// and [`Checkpoint::parse_with_extensions`] fail with.
    pub fn parse(body: &[u8]) -> Result<AddCheckpoint, TlogError> {
        let problem = |problem| TlogError::WitnessRequest { problem };
        if body.len() > REQUEST_BYTES_MAX {
            return Err(TlogError::TooLong {
                what: "add-checkpoint request",
                limit: REQUEST_BYTES_MAX,
            });
        }
        let body = str::from_utf8(body).map_err(|_| problem("the body is not UTF-8"))?;
        let (head, note) = body
            .split_once("\n\n")
            .ok_or(problem("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(parse_decimal);
        let old_size = old_size.ok_or(problem("expected 'old <size>' on the first line"))?;
        if lines.clone().count() > PROOF_LINES_MAX {
            return Err(problem("more than 63 proof lines"));
        }
        let proof = lines.map(str::parse).collect::<Result<_, _>>()?;
        Ok(AddCheckpoint {
            old_size,
            proof,
            checkpoint: parse_checkpoint_note(note)?,
        })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// What a witness knows of a log.
#[derive(Clone, Debug)]
pub struct WitnessedLog {
    /// Keys that the log's checkpoints may be signed with.
    pub verifiers: Vec<Verifier>,
    /// Size of the checkpoint cosigned last, 0 if none was.
    pub size: u64,
    /// Root of that checkpoint; of no effect where `size` is 0.
    pub root: Hash,
}

impl WitnessedLog {
    /// A log of which nothing was cosigned yet.
    pub fn unseen(verifiers: Vec<Verifier>) -> WitnessedLog {
        WitnessedLog {
            verifiers,
            size: 0,
            root: empty_root(),
        }
    }
}

/// What a witness must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 200: record this head as the last, atomically with the check and durably, then answer with cosignatures of it.
    Cosign(Checkpoint),
    /// 400: the request is malformed, or claims an old size beyond the checkpoint.
    Malformed(TlogError),
    /// 403: not signed by a key of the log, or signed falsely.
    Untrusted(TlogError),
    /// 404: the origin is not one that the witness serves.
    UnknownLog {
        /// Origin of the checkpoint.
        origin: String,
    },
    /// 409: the old size is not that of the last cosigned checkpoint. The body is this size and a newline, as
    /// `text/x.tlog.size`.
    Conflict {
        /// Size of the last cosigned checkpoint.
        size: u64,
    },
    /// 422: the checkpoint does not continue the last one.
    Inconsistent(TlogError),
}

impl Verdict {
    /// The HTTP status to answer with.
    pub fn status(&self) -> u16 {
        match self {
            Verdict::Cosign(_) => 200,
            Verdict::Malformed(_) => 400,
            Verdict::Untrusted(_) => 403,
            Verdict::UnknownLog { .. } => 404,
            Verdict::Conflict { .. } => 409,
            Verdict::Inconsistent(_) => 422,
        }
    }
}

/// Decides an `add-checkpoint` request. `log` looks up what the witness knows of an origin; the checks follow in the
/// order of the specification: 404, 403, 400, 409, 422.
pub fn judge_add_checkpoint(
    body: &[u8],
    log: impl FnOnce(&str) -> Option<WitnessedLog>,
) -> Verdict {
    let request = match AddCheckpoint::parse(body) {
        Ok(request) => request,
        Err(error) => return Verdict::Malformed(error),
    };
    let head = match Checkpoint::parse_with_extensions(request.checkpoint.text()) {
        Ok((head, _)) => head,
        Err(error) => return Verdict::Malformed(error),
    };
    let Some(log) = log(&head.origin) else {
        return Verdict::UnknownLog {
            origin: head.origin,
        };
    };
    if let Err(error) = request.checkpoint.verify(&log.verifiers) {
        return Verdict::Untrusted(error);
    }
    if request.old_size > head.size {
        return Verdict::Malformed(TlogError::SizesReversed {
            old: request.old_size,
            new: head.size,
        });
    }
    if request.old_size != log.size {
        return Verdict::Conflict { size: log.size };
    }
    match check_continues(&log, &head, &request.proof) {
        Ok(()) => Verdict::Cosign(head),
        Err(error) => Verdict::Inconsistent(error),
    }
}

fn check_continues(log: &WitnessedLog, head: &Checkpoint, proof: &[Hash]) -> Result<(), TlogError> {
    if head.size == 0 && head.root != empty_root() {
        return Err(TlogError::RootMismatch {
            computed: empty_root(),
            expected: head.root,
        });
    }
    if log.size > 0 {
        return verify_consistency(log.size, head.size, &log.root, &head.root, proof);
    }
    // Every tree continues the empty one, and there is nothing to prove.
    if proof.is_empty() {
        Ok(())
    } else {
        Err(TlogError::ProofLength { given: proof.len() })
    }
}
