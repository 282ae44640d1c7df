//! The kinds of record.

use std::fmt;
use std::str::FromStr;

use crate::RecordError;

/// What a record is about. A decision stands alone; the next five refer to one; the rest are about
/// the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// What a model, or a person with it, decided.
    Decision,
    /// What happened later.
    Outcome,
    /// What a person did about a decision: confirm, override, reverse or refer it.
    Review,
    /// Why, made after the decision.
    Explanation,
    /// What the subject was told.
    Notice,
    /// A correction of what was recorded.
    Correction,
    /// A registered model version.
    Model,
    /// A change of settings.
    Config,
    /// That facts or a payload were erased.
    Erasure,
    /// That records must be kept.
    Hold,
    /// That someone read records.
    Access,
    /// That numbered records of a source never came.
    Gap,
}

impl Kind {
    /// Every kind, in the order of the format's text.
    pub const ALL: &[Kind] = &[
        Kind::Decision,
        Kind::Outcome,
        Kind::Review,
        Kind::Explanation,
        Kind::Notice,
        Kind::Correction,
        Kind::Model,
        Kind::Config,
        Kind::Erasure,
        Kind::Hold,
        Kind::Access,
        Kind::Gap,
    ];

    /// The value of the `kind` member.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Decision => "decision",
            Kind::Outcome => "outcome",
            Kind::Review => "review",
            Kind::Explanation => "explanation",
            Kind::Notice => "notice",
            Kind::Correction => "correction",
            Kind::Model => "model",
            Kind::Config => "config",
            Kind::Erasure => "erasure",
            Kind::Hold => "hold",
            Kind::Access => "access",
            Kind::Gap => "gap",
        }
    }

    /// Whether a record of this kind must name another in `refers_to`.
    pub(crate) fn must_refer(self) -> bool {
        matches!(
            self,
            Kind::Outcome
                | Kind::Review
                | Kind::Explanation
                | Kind::Notice
                | Kind::Correction
                | Kind::Erasure
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = RecordError;

    fn from_str(name: &str) -> Result<Self, RecordError> {
        Kind::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| {
                let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
                RecordError::InvalidValue {
                    pointer: "/kind".to_owned(),
                    problem: format!("one of {}", names.join(", ")),
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), *kind);
        }
        assert_eq!(
            "Decision".parse::<Kind>().unwrap_err().code(),
            "invalid-value"
        );
    }
}
