//! What is wrong with a registration: every problem at once, each with its place and what to do.

use std::fmt;

use causebook_record::edits;

/// What is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON Pointer into the registration.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
    /// What to do.
    pub hint: String,
}

/// A registration that cannot be used: all of its problems.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RegistrationError {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// A problem at a place.
pub(crate) fn at(
    place: impl Into<String>,
    problem: impl Into<String>,
    hint: impl Into<String>,
) -> Problem {
    Problem {
        place: place.into(),
        problem: problem.into(),
        hint: hint.into(),
    }
}

/// The name that was probably meant.
pub(crate) fn near<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let nearest = known
        .into_iter()
        .map(|name| (edits(given, name), name))
        .min()?;
    let (edits, name) = nearest;
    (edits <= 2 && edits * 2 < name.len().max(3)).then_some(name)
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}; {}", self.place, self.problem, self.hint)
    }
}

impl fmt::Display for RegistrationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        write!(out, "registration: {}", lines.join("\n"))
    }
}
