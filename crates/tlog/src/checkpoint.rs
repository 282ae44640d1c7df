//! Checkpoints ([c2sp.org/tlog-checkpoint](https://c2sp.org/tlog-checkpoint)): the origin, size and root of a log as
//! three lines, signed as a note.

use crate::TlogError;
use crate::note::{Note, VerifiedSignature};
use crate::signer::Signer;
use crate::text::parse_decimal;
use crate::tree::Hash;
use crate::verifier::Verifier;

/// The head of a log: what it is called, how many leaves it has, and the root over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log: one line, not empty.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a checkpoint that has no extension lines, as `text` prints it.
    ///
    /// # Errors
    /// [`TlogError::Checkpoint`], also for extension lines, or [`TlogError::HashText`].
    pub fn parse(text: &str) -> Result<Checkpoint, TlogError> {
        match Checkpoint::parse_with_extensions(text)? {
            (checkpoint, "") => Ok(checkpoint),
            _ => Err(TlogError::Checkpoint {
                problem: "extension lines are not accepted here",
            }),
        }
    }

    /// Reads the text of a checkpoint and gives its extension lines, if any, as they stand. Nothing vouches for them:
    /// an ML-DSA-44 cosignature does not even cover them.
    ///
    /// # Errors
    /// [`TlogError::Checkpoint`] or [`TlogError::HashText`].
    pub fn parse_with_extensions(text: &str) -> Result<(Checkpoint, &str), TlogError> {
        let problem = |problem| TlogError::Checkpoint { problem };
        let (origin, rest) = text
            .split_once('\n')
            .ok_or(problem("no line for the origin"))?;
        let (size, rest) = rest
            .split_once('\n')
            .ok_or(problem("no line for the size"))?;
        let (root, extensions) = rest
            .split_once('\n')
            .ok_or(problem("no line for the root"))?;
        check_origin(origin)?;
        let size =
            parse_decimal(size).ok_or(problem("the size is not a decimal number of 64 bits"))?;
        let root = root.parse()?;
        // Each extension line is not empty and ends in a newline.
        if !extensions.is_empty() && (extensions.starts_with('\n') || !extensions.ends_with('\n')) {
            return Err(problem("an extension line is empty or has no newline"));
        }
        if extensions.contains("\n\n") || extensions.contains(|c: char| c < ' ' && c != '\n') {
            return Err(problem(
                "an extension line is empty or holds a control character",
            ));
        }
        Ok((
            Checkpoint {
                origin: origin.to_owned(),
                size,
                root,
            },
            extensions,
        ))
    }

    /// The text that is signed: three lines. [`parse`](Self::parse) reads it back if the origin is a valid one.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }
}

/// Signs a checkpoint with each of `signers`, in order, and gives the note. `time`, in seconds since 1970, is what
/// cosignatures state. The log's own key should be first and bear the name of the origin.
///
/// # Errors
/// [`TlogError::Checkpoint`] if the origin is empty or not a line, [`TlogError::Note`] without signers, and what
/// [`Signer::sign`] fails with.
pub fn sign_checkpoint(
    checkpoint: &Checkpoint,
    signers: &[&dyn Signer],
    time: u64,
) -> Result<String, TlogError> {
    check_origin(&checkpoint.origin)?;
    let text = checkpoint.text();
    let signatures = signers
        .iter()
        .map(|signer| signer.sign(&text, time))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Note::new(text, signatures)?.to_string())
}

/// Reads a checkpoint note, verifies it with keys that the caller trusts, and gives the head and the signatures that
/// were verified. Whether they suffice (the log's own? enough witnesses?) is the caller's or a
/// [`Policy`](crate::Policy)'s to say.
///
/// # Errors
/// What [`Note::parse`], [`Note::verify`] and [`Checkpoint::parse`] fail with; extension lines are refused.
pub fn open_checkpoint(
    note: &str,
    verifiers: &[Verifier],
) -> Result<(Checkpoint, Vec<VerifiedSignature>), TlogError> {
    let note = Note::parse(note)?;
    let signatures = note.verify(verifiers)?;
    Ok((Checkpoint::parse(note.text())?, signatures))
}

/// Reads a note whose text is a checkpoint, extension lines or not.
pub(crate) fn parse_checkpoint_note(note: &str) -> Result<Note, TlogError> {
    let note = Note::parse(note)?;
    Checkpoint::parse_with_extensions(note.text())?;
    Ok(note)
}

/// An origin is one line of a note.
fn check_origin(origin: &str) -> Result<(), TlogError> {
    if origin.is_empty() || origin.contains(|c: char| c < ' ') {
        return Err(TlogError::Checkpoint {
            problem: "the origin is empty or holds a control character",
        });
    }
    Ok(())
}
