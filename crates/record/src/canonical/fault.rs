//! Faults of a document: what is wrong, where, and how the usual mistakes are put right.

use super::Reader;
use crate::error::Position;
use crate::pointer::push_token;
use crate::{NESTING_MAX, RecordError};

/// A fault on its way out: each object and array that it leaves adds its token. Boxed, so that
/// the results of the pass stay one word.
pub(super) struct Fault(Box<FaultTrace>);

struct FaultTrace {
    at: usize,
    kind: FaultKind,
    /// The innermost first.
    tokens: Vec<String>,
}

pub(super) enum FaultKind {
    Syntax {
        problem: String,
        advice: Option<&'static str>,
    },
    LoneSurrogate,
    DuplicateKey,
    TooDeep,
}

impl Fault {
    pub(super) fn new(at: usize, kind: FaultKind) -> Self {
        Self(Box::new(FaultTrace {
            at,
            kind,
            tokens: Vec::new(),
        }))
    }

    pub(super) fn within(mut self, token: impl Into<String>) -> Self {
        self.0.tokens.push(token.into());
        self
    }

    pub(super) fn into_error(self, input: &str) -> RecordError {
        let trace = *self.0;
        let mut pointer = String::new();
        trace
            .tokens
            .iter()
            .rev()
            .for_each(|token| push_token(&mut pointer, token));
        let position = Position::of(trace.at, input);
        match trace.kind {
            FaultKind::Syntax { problem, advice } => RecordError::InvalidJson {
                pointer,
                problem,
                position,
                advice,
            },
            FaultKind::LoneSurrogate => RecordError::LoneSurrogate { pointer, position },
            FaultKind::DuplicateKey => RecordError::DuplicateKey { pointer, position },
            FaultKind::TooDeep => RecordError::TooDeep {
                pointer,
                max: NESTING_MAX,
            },
        }
    }
}

impl Reader<'_> {
    pub(super) fn fault(&self, problem: &str, advice: Option<&'static str>) -> Fault {
        Fault::new(
            self.at,
            FaultKind::Syntax {
                problem: problem.to_owned(),
                advice,
            },
        )
    }

    /// A fault that says what stands where `expected` should, and how the usual mistakes are put
    /// right.
    pub(super) fn unexpected(&self, expected: &str) -> Fault {
        let rest = &self.input[self.at..];
        let known = KNOWN_MISTAKES
            .iter()
            .find(|(start, _)| rest.starts_with(start));
        let after_comma = self.out.ends_with(',') && rest.starts_with(['}', ']']);
        let advice = match known {
            Some((_, advice)) => Some(*advice),
            None if after_comma => Some("remove the comma before the closing bracket"),
            None => None,
        };
        let found = match rest.chars().next() {
            None => "the end".to_owned(),
            Some(ch) => format!("{ch:?}"),
        };
        Fault::new(
            self.at,
            FaultKind::Syntax {
                problem: format!("expected {expected}, found {found}"),
                advice,
            },
        )
    }
}

const KNOWN_MISTAKES: &[(&str, &str)] = &[
    ("NaN", "write null or a string; NaN is not JSON"),
    ("nan", "write null or a string; NaN is not JSON"),
    ("Infinity", "write null or a string; Infinity is not JSON"),
    ("inf", "write null or a string; Infinity is not JSON"),
    ("None", "write null; None is Python"),
    ("True", "write true; True is Python"),
    ("False", "write false; False is Python"),
    ("undefined", "write null, or leave the member out"),
    ("'", "use double quotes; single quotes are not JSON"),
    ("//", "remove the comment; JSON has none"),
    ("/*", "remove the comment; JSON has none"),
    ("+", "write the number without a plus sign"),
    (".", "write a digit before the point"),
];
