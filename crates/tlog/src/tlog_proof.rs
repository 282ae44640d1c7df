//! Proof files ([c2sp.org/tlog-proof](https://c2sp.org/tlog-proof)): an index, an inclusion proof and a checkpoint in
//! one text that checks offline. What the leaf holds is known elsewhere; the hash of it is given at verification.

use std::fmt;

use crate::TlogError;
use crate::checkpoint::{Checkpoint, parse_checkpoint_note};
use crate::note::{NOTE_BYTES_MAX, Note, VerifiedSignature};
use crate::policy::Policy;
use crate::proof::{PROOF_HASHES_MAX, verify_inclusion};
use crate::text::{parse_base64, parse_decimal, print_base64};
use crate::tree::Hash;

/// Longest extra data that is read, in bytes.
const EXTRA_BYTES_MAX: usize = 64 << 10;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A `.tlog-proof` file, not verified. [`Display`](fmt::Display) prints the file's exact bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque data that nothing authenticates. None and empty print alike: without the line.
    pub extra: Option<Vec<u8>>,
    /// Index of the leaf.
    pub index: u64,
    /// Inclusion proof, from the leaf's sibling up.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: Note,
}

/// What a proof that verified says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    /// Head of the log that the leaf is in.
    pub checkpoint: Checkpoint,
    /// Signatures by keys of the policy.
    pub signatures: Vec<VerifiedSignature>,
}

impl TlogProof {
    /// Reads a proof file. Printing it again gives the same bytes.
    ///
    /// # Errors
    /// [`TlogError::TlogProof`] with the line of the fault, [`TlogError::TooLong`], or what [`Note::parse`]
    /// and [`Checkpoint::parse_with_extensions`] fail with.
    pub fn parse(file: &str) -> Result<TlogProof, TlogError> {
        if file.len() > NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX {
            return Err(TlogError::TooLong {
                what: "tlog proof",
                limit: NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX,
            });
        }
        let missing = TlogError::TlogProof {
            line: 1,
            problem: "no empty line before the checkpoint",
        };
        let (head, note) = file.split_once("\n\n").ok_or(missing)?;
        let mut lines = head.split('\n').zip(1..).peekable();
        if lines.next().is_none_or(|(line, _)| line != FIRST_LINE) {
            return Err(TlogError::TlogProof {
                line: 1,
                problem: "expected 'c2sp.org/tlog-proof@v1'",
            });
        }
        let mut extra = None;
        if let Some((text, line)) = lines.next_if(|(line, _)| line.starts_with("extra ")) {
            let bytes = parse_base64(
                text.strip_prefix("extra ").unwrap_or_default(),
                EXTRA_BYTES_MAX,
            )
            .map_err(|_| TlogError::TlogProof {
                line,
                problem: "the extra data is not base64 or too long",
            })?;
            if bytes.is_empty() {
                return Err(TlogError::TlogProof {
                    line,
                    problem: "the extra data is empty",
                });
            }
            extra = Some(bytes);
        }
        let (index, line) = lines.next().unwrap_or(("", 2));
        let index = index.strip_prefix("index ").and_then(parse_decimal);
        let index = index.ok_or(TlogError::TlogProof {
            line,
            problem: "expected 'index <number>'",
        })?;
        let mut proof = Vec::new();
        for (hash, line) in lines {
            if proof.len() == PROOF_HASHES_MAX {
                return Err(TlogError::TlogProof {
                    line,
                    problem: "more hashes than any tree needs",
                });
            }
            proof.push(hash.parse().map_err(|_| TlogError::TlogProof {
                line,
                problem: "not a base64 hash",
            })?);
        }
        Ok(TlogProof {
            extra,
            index,
            proof,
            checkpoint: parse_checkpoint_note(note)?,
        })
    }

    /// Checks that the leaf with this hash is in a log that `policy` accepts, cosigned as it asks.
    ///
    /// # Errors
    /// What [`Policy::check`] and [`verify_inclusion`] fail with.
    pub fn verify(&self, leaf: &Hash, policy: &Policy) -> Result<VerifiedProof, TlogError> {
        let (checkpoint, signatures) = policy.check(&self.checkpoint)?;
        verify_inclusion(
            self.index,
            checkpoint.size,
            leaf,
            &self.proof,
            &checkpoint.root,
        )?;
        Ok(VerifiedProof {
            checkpoint,
            signatures,
        })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = self.extra.as_deref().filter(|extra| !extra.is_empty()) {
            writeln!(f, "extra {}", print_base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
