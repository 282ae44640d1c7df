//! What failed, told beside what was measured: a system that fails is no reason to lose the figures of the others, and no
//! reason to call the run a success.

use std::fmt::Write;

use causebook_load::Failure;
use serde::Serialize;

use crate::say;

/// What failed so far.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Failures(Vec<String>);

impl Failures {
    /// Takes up a failure, and says it to who watches.
    pub(crate) fn note(&mut self, what: &str, failure: &Failure) {
        let failure = format!("{what}: {failure}");
        say(&format!("failed: {failure}"));
        self.0.push(failure);
    }

    /// Below the tables: what is missing from them, and why.
    pub(crate) fn render(&self, text: &mut String) {
        for failure in &self.0 {
            let failure = failure.trim().replace('\n', " ");
            // Writing to a string does not fail.
            let _ = writeln!(text, "\n**Failed**; figures of it, if any stand above, do not count: {failure}");
        }
    }

    /// The end of a run: an error if anything failed.
    pub(crate) fn outcome(&self) -> Result<(), Failure> {
        match self.0.as_slice() {
            [] => Ok(()),
            failures => Err(failures.join("\n").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_which_something_failed_is_told_and_is_no_success() {
        let mut failures = Failures::default();
        assert!(failures.outcome().is_ok());
        failures.note("round 1", &Failure::from("SQLite: disk\nfull"));
        let mut text = String::new();
        failures.render(&mut text);
        assert!(text.contains("round 1: SQLite: disk full"), "{text}");
        assert!(failures.outcome().is_err());
    }
}
