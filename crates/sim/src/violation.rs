//! What a run can end with: a promise that was not kept.

use std::fmt;

/// What kind of promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Harm {
    /// An acknowledged record is gone, or is not what was acknowledged.
    Lost,
    /// An id or a place was given twice.
    Doubled,
    /// Something is wrong that verification did not see.
    Unnoticed,
    /// A sound ledger was called tampered with, or did not open.
    FalseAlarm,
    /// Any other promise.
    Broken,
}

/// A broken promise.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Of what kind.
    pub harm: Harm,
    /// The facts.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(harm: Harm, what: String) -> Self {
        Self { harm, what }
    }

    pub(crate) fn alarm(what: String) -> Self {
        Self::new(Harm::FalseAlarm, what)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.harm, self.what)
    }
}
