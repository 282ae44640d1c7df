//! Signed notes ([c2sp.org/signed-note](https://c2sp.org/signed-note)): a text and the signature lines under it.
//! Parsing is strict and says nothing about trust; [`Note::verify`] checks the signatures against keys that the caller
//! trusts and fails unless at least one is there and none is false.

use std::fmt;

use crate::TlogError;
use crate::error::excerpt;
use crate::text::{parse_base64, print_base64};
use crate::verifier::{Algorithm, Verifier};

/// Longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 1 << 20;

/// Most signatures that a note may carry. The specification asks for 16 at least.
pub const SIGNATURES_MAX: usize = 64;

/// Longest signature that is read, key id included, in bytes. The longest assigned one (ML-DSA-44) has 2,432.
const SIGNATURE_BYTES_MAX: usize = 8 << 10;

const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A text with the signatures under it, not verified. [`Display`](fmt::Display) prints the note's exact bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// A note from its parts.
    ///
    /// # Errors
    /// [`TlogError::Note`] if the text does not end in a newline or holds another control character, or if the number
    /// of signatures is not in `1..=64`; [`TlogError::TooLong`] above [`NOTE_BYTES_MAX`].
    pub fn new(text: String, signatures: Vec<NoteSignature>) -> Result<Note, TlogError> {
        check_text(&text)?;
        check_count(signatures.len())?;
        let note = Note { text, signatures };
        if note.to_string().len() > NOTE_BYTES_MAX {
            return Err(TlogError::TooLong {
                what: "note",
                limit: NOTE_BYTES_MAX,
            });
        }
        Ok(note)
    }

    /// Reads a note. Printing it again gives the same bytes.
    ///
    /// # Errors
    /// [`TlogError::Note`], [`TlogError::KeyName`], [`TlogError::Base64`] or [`TlogError::TooLong`].
    pub fn parse(note: &str) -> Result<Note, TlogError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(TlogError::TooLong {
                what: "note",
                limit: NOTE_BYTES_MAX,
            });
        }
        // The text may hold empty lines of its own: the last one separates.
        let separator = note.rfind("\n\n").ok_or(TlogError::Note {
            problem: "no empty line before the signatures",
        })?;
        let (text, signatures) = note.split_at(separator + 1);
        let lines = signatures.get(1..).unwrap_or_default();
        check_text(text)?;
        Ok(Note {
            text: text.to_owned(),
            signatures: parse_signature_lines(lines)?,
        })
    }

    /// The signed text, final newline included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The note with more signatures under it, as when witnesses have answered. A signature that is already there is
    /// not repeated.
    ///
    /// # Errors
    /// As [`Note::new`].
    pub fn with_signatures(
        self,
        more: impl IntoIterator<Item = NoteSignature>,
    ) -> Result<Note, TlogError> {
        let Note {
            text,
            mut signatures,
        } = self;
        for signature in more {
            if !signatures.contains(&signature) {
                signatures.push(signature);
            }
        }
        Note::new(text, signatures)
    }

    /// Verifies every signature whose name and key id belong to one of `verifiers`, and ignores the others.
    ///
    /// # Errors
    /// [`TlogError::BadSignature`] if one of them is false; [`TlogError::NoKnownSignature`] if there is none;
    /// [`TlogError::AmbiguousKey`] if two different verifiers share name and key id.
    pub fn verify(&self, verifiers: &[Verifier]) -> Result<Vec<VerifiedSignature>, TlogError> {
        let mut verified = Vec::new();
        for signature in &self.signatures {
            let mut matching = verifiers
                .iter()
                .filter(|verifier| verifier.matches(signature));
            let Some(verifier) = matching.next() else {
                continue;
            };
            if matching.any(|other| other != verifier) {
                return Err(TlogError::AmbiguousKey {
                    name: signature.name.clone(),
                    key_id: signature.key_id,
                });
            }
            verified.push(VerifiedSignature {
                name: signature.name.clone(),
                key_id: signature.key_id,
                algorithm: verifier.algorithm(),
                time: verifier.verify(&self.text, signature)?,
            });
        }
        if verified.is_empty() {
            return Err(TlogError::NoKnownSignature {
                given: self.signatures.len(),
            });
        }
        Ok(verified)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// One signature line of a note. [`Display`](fmt::Display) prints it without its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    key_id: u32,
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// A signature line from its parts; `bytes` is what follows the key id.
    ///
    /// # Errors
    /// [`TlogError::KeyName`]; [`TlogError::Note`] if `bytes` is empty or too long.
    pub fn new(name: &str, key_id: u32, bytes: Vec<u8>) -> Result<NoteSignature, TlogError> {
        check_name(name)?;
        if bytes.is_empty() || bytes.len() + 4 > SIGNATURE_BYTES_MAX {
            return Err(TlogError::Note {
                problem: "a signature is empty or too long",
            });
        }
        Ok(NoteSignature {
            name: name.to_owned(),
            key_id,
            bytes,
        })
    }

    /// Reads one signature line, without its newline.
    ///
    /// # Errors
    /// [`TlogError::Note`], [`TlogError::KeyName`], [`TlogError::Base64`] or [`TlogError::TooLong`].
    pub fn parse(line: &str) -> Result<NoteSignature, TlogError> {
        let malformed = TlogError::Note {
            problem: "a signature line is not '\u{2014} <name> <base64>'",
        };
        let (name, signature) = line
            .strip_prefix(SIGNATURE_PREFIX)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(malformed)?;
        let bytes = parse_base64(signature, SIGNATURE_BYTES_MAX)?;
        let (key_id, bytes) = bytes.split_first_chunk::<4>().ok_or(TlogError::Note {
            problem: "a signature is too short",
        })?;
        NoteSignature::new(name, u32::from_be_bytes(*key_id), bytes.to_vec())
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The signature proper, as its type defines it, without the key id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [&self.key_id.to_be_bytes(), self.bytes.as_slice()].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, print_base64(&blob))
    }
}

/// A signature that was verified with a key the caller gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: u32,
    /// What kind of signature it is.
    pub algorithm: Algorithm,
    /// When it was made, in seconds since 1970, where the signature says so (cosignatures do).
    pub time: Option<u64>,
}

/// Reads one or more signature lines, each ending in a newline: the lower part of a note, or a witness's answer.
///
/// # Errors
/// As [`Note::parse`].
pub fn parse_signature_lines(lines: &str) -> Result<Vec<NoteSignature>, TlogError> {
    if lines.len() > NOTE_BYTES_MAX {
        return Err(TlogError::TooLong {
            what: "signature lines",
            limit: NOTE_BYTES_MAX,
        });
    }
    let lines = lines.strip_suffix('\n').ok_or(TlogError::Note {
        problem: "no newline after the last signature",
    })?;
    check_count(lines.split('\n').count())?;
    lines.split('\n').map(NoteSignature::parse).collect()
}

/// Key names are not empty and hold no Unicode space, no plus sign and, as part of a note, no control character.
pub(crate) fn check_name(name: &str) -> Result<(), TlogError> {
    let forbidden = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    if name.is_empty() || name.contains(forbidden) {
        return Err(TlogError::KeyName {
            name: excerpt(name),
        });
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), TlogError> {
    if !text.ends_with('\n') {
        return Err(TlogError::Note {
            problem: "the text does not end in a newline",
        });
    }
    if text.contains(|c: char| c < ' ' && c != '\n') {
        return Err(TlogError::Note {
            problem: "the text holds a control character",
        });
    }
    Ok(())
}

fn check_count(signatures: usize) -> Result<(), TlogError> {
    match signatures {
        0 => Err(TlogError::Note {
            problem: "no signature",
        }),
        1..=SIGNATURES_MAX => Ok(()),
        _ => Err(TlogError::Note {
            problem: "more than 64 signatures",
        }),
    }
}
