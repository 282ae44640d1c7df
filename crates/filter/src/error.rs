//! Why a text is not a filter: where, what was found, and what to write instead.

use crate::{DEPTH_MAX, TERMS_MAX, TEXT_BYTES_MAX};

/// Why a text is not a filter. Places are bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The text is longer than filters may be.
    #[error("{bytes} bytes, a filter has at most {TEXT_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It compares with too many values.
    #[error("at byte {at}: more than {TERMS_MAX} words and values")]
    TooManyTerms {
        /// The first that is too many.
        at: usize,
    },
    /// Parentheses are too deep.
    #[error("at byte {at}: more than {DEPTH_MAX} parentheses open")]
    TooDeep {
        /// The first that is too many.
        at: usize,
    },
    /// Something else should stand there.
    #[error("at byte {at}: expected {expected}, found {found}")]
    Expected {
        /// Where.
        at: usize,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// No field of a filter, and no member of a record, has this name.
    #[error("at byte {at}: no field {name:?}{}", meant(.nearest.as_deref()))]
    UnknownField {
        /// Where the name begins.
        at: usize,
        /// The name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
    },
    /// A value that its field cannot have.
    #[error("at byte {at}: {field}: {problem}")]
    InvalidValue {
        /// Where the value begins.
        at: usize,
        /// The field.
        field: String,
        /// What is wrong with it, and what to write.
        problem: String,
    },
}

impl FilterError {
    /// Where the fault lies, in bytes from the start of the text.
    pub fn at(&self) -> usize {
        match self {
            Self::TooLong { .. } => TEXT_BYTES_MAX,
            Self::TooManyTerms { at }
            | Self::TooDeep { at }
            | Self::Expected { at, .. }
            | Self::UnknownField { at, .. }
            | Self::InvalidValue { at, .. } => *at,
        }
    }

    /// The kind of fault in a stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "filter-too-long",
            Self::TooManyTerms { .. } => "filter-too-many-terms",
            Self::TooDeep { .. } => "filter-too-deep",
            Self::Expected { .. } => "filter-syntax",
            Self::UnknownField { .. } => "filter-unknown-field",
            Self::InvalidValue { .. } => "filter-invalid-value",
        }
    }

    /// What to do about it, where the error does not say so itself.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownField { .. } => Some(
                "members of a record are written input.age, or /input/age; a text that holds a colon stands in quotes"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!(", did you mean {name:?}?"))
        .unwrap_or_default()
}
