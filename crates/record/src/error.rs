//! What can be wrong with a record: one enum that a caller can match on.
//!
//! Every fault that has a place in the document carries it as an RFC 6901 pointer (the empty
//! pointer is the whole document), so that a client can mark the field. [`RecordError::code`] is
//! stable and may be sent over the wire.

use std::fmt::{self, Write as _};

use crate::Kind;

/// Why a document, a stored record or a disclosure was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// More bytes were given than are read.
    #[error("input is {bytes} bytes, at most {max} are read")]
    InputTooLarge {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The canonical text is larger than a record may be.
    #[error("record is {bytes} bytes of canonical text, at most {max} are kept")]
    RecordTooLarge {
        /// Bytes of canonical text.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The record has more facts than a record may have.
    #[error("record has more than {max} facts")]
    TooManyFacts {
        /// Facts allowed.
        max: usize,
    },
    /// The path of a fact is longer than one may be.
    #[error(
        "{}: holds a fact whose path is {bytes} bytes, at most {max} are kept",
        Place(pointer)
    )]
    PathTooLong {
        /// The object that holds it.
        pointer: String,
        /// Bytes of the path.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Arrays and objects are nested too deep.
    #[error("{}: nested deeper than {max} levels", Place(pointer))]
    TooDeep {
        /// The value that is one level too deep.
        pointer: String,
        /// Levels allowed.
        max: usize,
    },
    /// The input is not UTF-8.
    #[error("not UTF-8: invalid byte at offset {offset}")]
    InvalidUtf8 {
        /// Bytes before the first invalid one.
        offset: usize,
    },
    /// The input is not JSON (RFC 8259).
    #[error("{}: not JSON: {problem} ({position})", Place(pointer))]
    InvalidJson {
        /// The nearest place that encloses the fault.
        pointer: String,
        /// What was found or expected.
        problem: String,
        /// Where reading stopped.
        position: Position,
        /// What to write instead, where the mistake is a known one.
        advice: Option<&'static str>,
    },
    /// A string holds half of a surrogate pair, which no Unicode text can hold.
    #[error("{}: \\u escape of a lone surrogate ({position})", Place(pointer))]
    LoneSurrogate {
        /// The string, or the object whose key it is.
        pointer: String,
        /// The escape.
        position: Position,
    },
    /// An object has one key twice.
    #[error("{}: key given twice in one object ({position})", Place(pointer))]
    DuplicateKey {
        /// The member that came second.
        pointer: String,
        /// Its key.
        position: Position,
    },
    /// Text that was handed over as canonical is not.
    #[error("{}: text is not canonical: {problem}", Place(pointer))]
    NotCanonical {
        /// The nearest place that encloses the fault.
        pointer: String,
        /// What gave it away.
        problem: String,
    },
    /// The document is JSON, but not an object.
    #[error("a record is a JSON object, not {found}")]
    NotAnObject {
        /// What the document is.
        found: &'static str,
    },
    /// A member that no record has.
    #[error("{}: no member of a record", Place(pointer))]
    UnknownMember {
        /// The member.
        pointer: String,
        /// The nearest name that would be accepted.
        nearest: Option<&'static str>,
    },
    /// A member of another kind of record.
    #[error(
        "{}: belongs to records of kind {belongs}, this one is of kind {kind}",
        Place(pointer)
    )]
    WrongKind {
        /// The member.
        pointer: String,
        /// The kind that has it.
        belongs: &'static str,
        /// The kind of this record.
        kind: Kind,
    },
    /// A member that only the ledger sets.
    #[error("{}: set by the ledger, not by the caller", Place(pointer))]
    Reserved {
        /// The member.
        pointer: String,
    },
    /// A member and its alias were both given.
    #[error("{}: {problem}", Place(pointer))]
    AliasConflict {
        /// The alias.
        pointer: String,
        /// What it stands for.
        problem: String,
    },
    /// A value of the wrong JSON type.
    #[error("{}: {problem}", Place(pointer))]
    WrongType {
        /// The value.
        pointer: String,
        /// The type expected and the type found.
        problem: String,
        /// Whether the value is `null`.
        null: bool,
    },
    /// A member that a record of this kind must have is missing.
    #[error("{}: {problem}", Place(pointer))]
    Missing {
        /// The member, or the object that lacks it.
        pointer: String,
        /// What is needed.
        problem: String,
    },
    /// A value of the right type that is not allowed.
    #[error("{}: {problem}", Place(pointer))]
    InvalidValue {
        /// The value.
        pointer: String,
        /// What is allowed.
        problem: String,
    },
    /// A time that is not RFC 3339, or not a real instant.
    #[error("{}: {problem}", Place(pointer))]
    InvalidTime {
        /// The value.
        pointer: String,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        advice: Option<&'static str>,
    },
    /// A pointer that is not RFC 6901.
    #[error("not a JSON Pointer: {}", Place(text))]
    InvalidPointer {
        /// The text given.
        text: String,
    },
    /// A pointer that selects no fact of the record.
    #[error("{}: selects no fact of this record", Place(pointer))]
    NothingSelected {
        /// The pointer given.
        pointer: String,
        /// The fact that encloses the place, if there is one.
        within: Option<String>,
    },
    /// A pointer that selects facts which must stay.
    #[error("{}: cannot be erased, a record keeps {kept}", Place(pointer))]
    Protected {
        /// The pointer given.
        pointer: String,
        /// The member that must stay.
        kept: &'static str,
    },
    /// A mask over what every reader sees.
    #[error("{}: cannot be masked, every reader sees {shown}", Place(pointer))]
    Unmaskable {
        /// The pointer given.
        pointer: String,
        /// The member that stays in sight.
        shown: &'static str,
    },
    /// The payload of the record was erased, so there is nothing to show or to erase.
    #[error("the payload of this record was erased")]
    Erased,
    /// A redaction does not fit itself or its text.
    #[error("redaction does not hold together: {problem}")]
    InvalidRedaction {
        /// What does not fit.
        problem: String,
    },
    /// A disclosure does not fit itself.
    #[error("disclosure does not hold together: {problem}")]
    InvalidDisclosure {
        /// What does not fit.
        problem: String,
    },
}

impl RecordError {
    /// Where in the document the fault lies, as an RFC 6901 pointer; empty for the whole document.
    pub fn pointer(&self) -> &str {
        match self {
            Self::TooDeep { pointer, .. }
            | Self::InvalidJson { pointer, .. }
            | Self::LoneSurrogate { pointer, .. }
            | Self::DuplicateKey { pointer, .. }
            | Self::NotCanonical { pointer, .. }
            | Self::PathTooLong { pointer, .. }
            | Self::UnknownMember { pointer, .. }
            | Self::WrongKind { pointer, .. }
            | Self::Reserved { pointer }
            | Self::AliasConflict { pointer, .. }
            | Self::WrongType { pointer, .. }
            | Self::Missing { pointer, .. }
            | Self::InvalidValue { pointer, .. }
            | Self::InvalidTime { pointer, .. }
            | Self::NothingSelected { pointer, .. }
            | Self::Protected { pointer, .. }
            | Self::Unmaskable { pointer, .. } => pointer,
            Self::InputTooLarge { .. }
            | Self::RecordTooLarge { .. }
            | Self::TooManyFacts { .. }
            | Self::InvalidUtf8 { .. }
            | Self::NotAnObject { .. }
            | Self::InvalidPointer { .. }
            | Self::Erased
            | Self::InvalidRedaction { .. }
            | Self::InvalidDisclosure { .. } => "",
        }
    }

    /// A stable name of the fault, in kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InputTooLarge { .. } => "input-too-large",
            Self::RecordTooLarge { .. } => "record-too-large",
            Self::TooManyFacts { .. } => "too-many-facts",
            Self::PathTooLong { .. } => "path-too-long",
            Self::TooDeep { .. } => "too-deep",
            Self::InvalidUtf8 { .. } => "invalid-utf8",
            Self::InvalidJson { .. } => "invalid-json",
            Self::LoneSurrogate { .. } => "lone-surrogate",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::NotCanonical { .. } => "not-canonical",
            Self::NotAnObject { .. } => "not-an-object",
            Self::UnknownMember { .. } => "unknown-member",
            Self::WrongKind { .. } => "wrong-kind",
            Self::Reserved { .. } => "reserved-member",
            Self::AliasConflict { .. } => "alias-conflict",
            Self::WrongType { .. } => "wrong-type",
            Self::Missing { .. } => "missing-member",
            Self::InvalidValue { .. } => "invalid-value",
            Self::InvalidTime { .. } => "invalid-time",
            Self::InvalidPointer { .. } => "invalid-pointer",
            Self::NothingSelected { .. } => "nothing-selected",
            Self::Protected { .. } => "protected-fact",
            Self::Unmaskable { .. } => "unmaskable",
            Self::Erased => "erased",
            Self::InvalidRedaction { .. } => "invalid-redaction",
            Self::InvalidDisclosure { .. } => "invalid-disclosure",
        }
    }

    /// What to do about it, in one sentence, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InputTooLarge { .. } | Self::RecordTooLarge { .. } => {
                Some("store large values as attachments and record their digests".to_owned())
            }
            Self::TooManyFacts { .. } => Some(
                "an array is one fact: write long lists of values as arrays, or as attachments"
                    .to_owned(),
            ),
            Self::InvalidJson { advice, .. } | Self::InvalidTime { advice, .. } => {
                advice.map(str::to_owned)
            }
            Self::LoneSurrogate { .. } => Some(
                "text cut inside a surrogate pair loses a character: cut it between characters"
                    .to_owned(),
            ),
            Self::UnknownMember { nearest, .. } => Some(match nearest {
                Some(name) => {
                    format!("did you mean `{name}`? anything of your own goes under /context")
                }
                None => "put it under /context".to_owned(),
            }),
            Self::WrongKind { belongs, .. } => Some(format!(
                "record it by itself with \"kind\": \"{belongs}\" and refer to this one"
            )),
            Self::Reserved { .. } => Some("leave it out".to_owned()),
            Self::AliasConflict { .. } => Some("give one of the two".to_owned()),
            Self::WrongType { null: true, .. } => {
                Some("leave the member out when there is no value".to_owned())
            }
            Self::InvalidPointer { .. } => Some(
                "write it like /input/age, with ~0 for ~ and ~1 for / inside a name".to_owned(),
            ),
            Self::NothingSelected {
                within: Some(path), ..
            } => Some(format!("`{path}` is one fact, to be selected whole")),
            _ => None,
        }
    }
}

/// A place in input bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    pub(crate) fn of(offset: usize, input: &str) -> Self {
        let before = input.get(..offset).unwrap_or(input);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            offset,
            line: before.matches('\n').count() + 1,
            column: before.chars().count()
                - before
                    .get(..line_start)
                    .map_or(0, |lines| lines.chars().count())
                + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}, byte offset {}",
            self.line, self.column, self.offset
        )
    }
}

/// A pointer in a message. Messages go to terminals and logs: control characters are escaped, and
/// what is longer than anyone reads is cut.
struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("record");
        }
        for ch in self.0.chars().take(PLACE_CHARS_MAX) {
            if ch.is_control() {
                write!(f, "{}", ch.escape_default())?;
            } else {
                f.write_char(ch)?;
            }
        }
        if self.0.chars().nth(PLACE_CHARS_MAX).is_some() {
            f.write_str("...")?;
        }
        Ok(())
    }
}

const PLACE_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters() {
        let input = "{\n \"é\": x}";
        let position = Position::of(input.find('x').unwrap(), input);
        assert_eq!((position.offset, position.line, position.column), (9, 2, 7));
        assert_eq!(
            Position::of(0, input).to_string(),
            "line 1, column 1, byte offset 0"
        );
        assert_eq!(Position::of(input.len(), input).column, 9);
    }

    #[test]
    fn messages_name_the_place_and_escape_control_characters() {
        let error = RecordError::Reserved {
            pointer: "/a\u{7}".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "/a\\u{7}: set by the ledger, not by the caller"
        );
        let whole = RecordError::TooDeep {
            pointer: String::new(),
            max: 128,
        };
        assert_eq!(whole.to_string(), "record: nested deeper than 128 levels");
        let long = RecordError::Reserved {
            pointer: format!("/{}", "é".repeat(1000)),
        };
        assert_eq!(
            long.to_string().chars().filter(|ch| *ch == 'é').count(),
            199
        );
        assert!(long.to_string().contains("é...: set by"));
    }
}
