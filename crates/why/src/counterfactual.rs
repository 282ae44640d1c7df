//! The smallest changes that lead to another decision.
//!
//! Two searches, both over values that have occurred and within the ledger's constraints. From the decision: every allowed
//! value of every field by itself, then several fields at a time, the most promising first (a beam). From the nearest
//! decision that came out otherwise: what is not needed of the way there is taken back (Brughmans et al., "NICE", 2021). What is
//! found is made smaller value by value, and the model has the last word on each answer. It is what was found, not what
//! exists: `docs/counterfactuals.md`.

mod search;
mod space;

use std::collections::BTreeMap;

use crate::constraint::Constraint;
use crate::contrast::{Measure, Seen};
use crate::document::{Change, Counterfactual, CounterfactualKind, Counterfactuals};
use crate::fields::{Fields, Scalar};
use search::Search;
use space::Space;

/// Answers that are given, each with other fields.
const ANSWERS: usize = 3;
/// A new score is at least this far beyond its threshold, so that rounding does not take it back.
pub(crate) const CLEAR: f64 = 1e-6;

/// Gives the score and the decision of some fields.
pub type Score<'a> = dyn Fn(&Fields) -> Result<(f64, String), String> + 'a;

/// What is asked of a decision.
pub struct Question<'a> {
    /// Its fields.
    pub fields: &'a Fields,
    /// Those that the model's inputs are made of.
    pub changeable: &'a [String],
    /// Fields that never change.
    pub protected: &'a [String],
    /// What may change about the others.
    pub constraints: &'a BTreeMap<String, Constraint>,
    /// The values that have occurred.
    pub seen: &'a Seen,
    /// How far values are apart.
    pub measure: &'a Measure,
    /// Fields of the nearest decisions that came out as wanted.
    pub neighbours: &'a [Fields],
    /// The decisions wanted; the first is named.
    pub wanted: &'a [String],
    /// Scores between decisions.
    pub thresholds: &'a [f64],
    /// The score to reach.
    pub target: f64,
    /// Score and decision of other fields, by the model and the policy; words if they cannot be had.
    pub model: &'a Score<'a>,
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Question")
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

/// Searches. The same question has the same answer.
pub fn find(question: &Question<'_>) -> Counterfactuals {
    let space = Space::new(question);
    let mut search = Search::new(question, &space);
    let mut found = search.one_by_one();
    if let Some(toward) = search.toward_recorded()
        && !found.iter().any(|(_, fields)| *fields == toward)
    {
        found.push((CounterfactualKind::TowardRecorded, toward));
    }
    let mut answers: Vec<Counterfactual> = found
        .into_iter()
        .filter_map(|(kind, fields)| search.answer(kind, &fields))
        .collect();
    answers.sort_by(|a, b| {
        a.distance
            .total_cmp(&b.distance)
            .then(a.changes.len().cmp(&b.changes.len()))
    });
    let singles_exhausted = search.singles_exhausted;
    let calls = search.calls;
    Counterfactuals {
        wanted: question.wanted.first().cloned().unwrap_or_default(),
        found: distinct(answers),
        fixed: space.fixed,
        calls,
        singles_exhausted,
    }
}

/// The smallest of those that change the same fields, and at most one toward a recorded decision beside the others.
fn distinct(answers: Vec<Counterfactual>) -> Vec<Counterfactual> {
    let mut kept: Vec<Counterfactual> = Vec::new();
    for answer in answers {
        let fields = |it: &Counterfactual| -> Vec<String> {
            it.changes
                .iter()
                .map(|change| change.field.clone())
                .collect()
        };
        let same = kept.iter().any(|it| fields(it) == fields(&answer));
        if !same && kept.len() < ANSWERS + 1 {
            kept.push(answer);
        }
    }
    kept
}

fn changes(from: &Fields, to: &Fields) -> Vec<Change> {
    let changed = to.iter().filter_map(|(field, to)| {
        let from = from.get(field).cloned().unwrap_or(Scalar::Missing);
        (from != *to).then(|| Change {
            field: field.clone(),
            from,
            to: to.clone(),
        })
    });
    changed.collect()
}
