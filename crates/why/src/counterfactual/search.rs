//! The two searches, and making what they found smaller.

use super::space::Space;
use super::{CLEAR, Question, changes};
use crate::document::{Counterfactual, CounterfactualKind};
use crate::fields::{Fields, Scalar};

/// Changed fields of one answer.
const DEPTH: usize = 4;
/// Half-finished answers that are followed at a time.
const BEAM: usize = 16;
/// Numbers of a field that are tried with others.
const QUANTILES: usize = 32;
/// Times that the model is asked: a search ends, whatever is registered.
const CALLS: u64 = 20_000;
/// Neighbours that are started from.
const NEIGHBOURS: usize = 3;
/// Of a linked number: what multiplying and dividing back may lose of it.
const PROPORTION: f64 = 1e-9;

/// A search, and how often it has asked the model.
pub(super) struct Search<'a> {
    question: &'a Question<'a>,
    space: &'a Space,
    pub(super) calls: u64,
    /// All allowed values of all fields were tried by themselves.
    pub(super) singles_exhausted: bool,
}

/// Fields with a change, and how far their score is from the one to reach.
#[derive(Clone, Debug)]
struct State {
    fields: Fields,
    gap: f64,
}

impl<'a> Search<'a> {
    pub(super) fn new(question: &'a Question<'a>, space: &'a Space) -> Self {
        Self {
            question,
            space,
            calls: 0,
            singles_exhausted: true,
        }
    }

    /// How far fields are from what is wanted: nothing if they are there. None of what is not allowed.
    fn gap(&mut self, fields: &Fields) -> Option<f64> {
        if self.calls >= CALLS || !self.allowed(fields) {
            return None;
        }
        self.calls += 1;
        // What the model does not take is no answer.
        let (score, decision) = (self.question.model)(fields).ok()?;
        let clear = self
            .question
            .thresholds
            .iter()
            .all(|it| (score - it).abs() >= CLEAR);
        if clear && self.question.wanted.contains(&decision) {
            return Some(0.0);
        }
        Some((score - self.question.target).abs().max(f64::MIN_POSITIVE))
    }

    fn reaches(&mut self, fields: &Fields) -> bool {
        self.gap(fields) == Some(0.0)
    }

    fn with(&self, fields: &Fields, field: &str, value: &Scalar) -> Fields {
        let mut changed = fields.clone();
        changed.insert(field.to_owned(), value.clone());
        let linked = self.linked(field, value).into_iter();
        changed.extend(linked.map(|(other, number)| (other.to_owned(), Scalar::Number(number))));
        changed
    }

    /// The numbers that a value of a field takes along, in the same proportion to what is recorded.
    fn linked(&self, field: &str, value: &Scalar) -> Vec<(&'a str, f64)> {
        let question = self.question;
        let recorded = |name: &str| question.fields.get(name).and_then(Scalar::number);
        let constraint = question.constraints.get(field);
        let before = recorded(field).filter(|before| *before != 0.0);
        let (Some(constraint), Some(before), Some(after)) = (constraint, before, value.number())
        else {
            return Vec::new();
        };
        let scaled = |other: &'a String| {
            let scaled = recorded(other)? * after / before;
            let constraint = question.constraints.get(other);
            Some((
                other.as_str(),
                constraint.map_or(scaled, |it| it.rounded(scaled)),
            ))
        };
        constraint.linked.iter().filter_map(scaled).collect()
    }

    /// Whether everything that changes may, also what changes along with another field, and does so together.
    fn allowed(&self, fields: &Fields) -> bool {
        let question = self.question;
        changes(question.fields, fields).iter().all(|change| {
            let constraint = question.constraints.get(&change.field);
            let mut linked = self.linked(&change.field, &change.to).into_iter();
            !question.protected.contains(&change.field)
                && constraint.is_none_or(|it| it.allows(&change.from, &change.to))
                && linked.all(|(other, number)| {
                    let found = fields.get(other).and_then(Scalar::number);
                    found.is_some_and(|it| (it - number).abs() <= PROPORTION * number.abs())
                })
        })
    }

    fn distance(&self, fields: &Fields) -> f64 {
        self.question
            .measure
            .distance(self.question.fields, fields)
            .unwrap_or(0.0)
    }

    /// Changes of one field, then of more: the smallest found for each set of fields.
    pub(super) fn one_by_one(&mut self) -> Vec<(CounterfactualKind, Fields)> {
        let start = State {
            fields: self.question.fields.clone(),
            gap: f64::INFINITY,
        };
        let mut found: Vec<Fields> = Vec::new();
        let mut beam = vec![start];
        for depth in 1..=DEPTH {
            let mut next: Vec<State> = Vec::new();
            for state in &beam {
                self.expand(state, depth, &mut found, &mut next);
            }
            if !found.is_empty() || self.calls >= CALLS {
                break;
            }
            next.sort_by(|a, b| a.gap.total_cmp(&b.gap));
            next.dedup_by(|a, b| a.fields == b.fields);
            next.truncate(BEAM);
            beam = next;
        }
        let smaller: Vec<Fields> = found.into_iter().map(|it| self.smaller(it)).collect();
        smaller
            .into_iter()
            .map(|it| (CounterfactualKind::SmallestFound, it))
            .collect()
    }

    /// Every value of every field that is not changed yet; of each field the nearest value that is enough, or else the best.
    fn expand(
        &mut self,
        state: &State,
        depth: usize,
        found: &mut Vec<Fields>,
        next: &mut Vec<State>,
    ) {
        let space = self.space;
        for (field, values) in &space.fields {
            if state.fields.get(field) != self.question.fields.get(field) {
                continue;
            }
            let most = if depth == 1 { usize::MAX } else { QUANTILES };
            let (tried, all) = values.tried(most);
            self.singles_exhausted &= depth > 1 || all;
            let mut enough: Option<(f64, Fields)> = None;
            let mut best: Option<State> = None;
            for value in tried {
                let fields = self.with(&state.fields, field, &value);
                let Some(gap) = self.gap(&fields) else {
                    self.singles_exhausted &= depth > 1 || self.calls < CALLS;
                    continue;
                };
                if gap == 0.0 {
                    let distance = self.distance(&fields);
                    if enough.as_ref().is_none_or(|(least, _)| distance < *least) {
                        enough = Some((distance, fields));
                    }
                } else if best.as_ref().is_none_or(|it| gap < it.gap) {
                    best = Some(State { fields, gap });
                }
            }
            match enough {
                Some((_, fields)) => found.push(fields),
                None => next.extend(best.filter(|it| it.gap < state.gap)),
            }
        }
    }

    /// The nearest recorded decision that came out as wanted, with what is not needed of it taken back.
    pub(super) fn toward_recorded(&mut self) -> Option<Fields> {
        let mut best: Option<(f64, Fields)> = None;
        let neighbours = self.question.neighbours;
        for neighbour in neighbours.iter().take(NEIGHBOURS) {
            let mut fields = self.question.fields.clone();
            for field in self.space.fields.keys() {
                let from = self.question.fields.get(field).unwrap_or(&Scalar::Missing);
                let Some(to) = neighbour.get(field) else {
                    continue;
                };
                let constraint = self.question.constraints.get(field);
                if constraint.is_none_or(|it| it.allows(from, to)) {
                    fields.insert(field.clone(), to.clone());
                }
            }
            if !self.reaches(&fields) {
                continue;
            }
            let smaller = self.smaller(fields);
            let distance = self.distance(&smaller);
            if best.as_ref().is_none_or(|(least, _)| distance < *least) {
                best = Some((distance, smaller));
            }
        }
        best.map(|(_, fields)| fields)
    }

    /// Takes back every change that is not needed, the largest first, and makes the others as small as they can be.
    fn smaller(&mut self, mut fields: Fields) -> Fields {
        let mut changed = changes(self.question.fields, &fields);
        let size = |it: &crate::document::Change| {
            self.question
                .measure
                .difference(&it.field, &it.from, &it.to)
                .unwrap_or(1.0)
        };
        changed.sort_by(|a, b| size(b).total_cmp(&size(a)));
        for change in &changed {
            let linked = self.linked(&change.field, &change.to).into_iter();
            let mut without = fields.clone();
            for field in linked
                .map(|(other, _)| other)
                .chain([change.field.as_str()])
            {
                match self.question.fields.get(field) {
                    Some(from) if *from != Scalar::Missing => {
                        without.insert(field.to_owned(), from.clone());
                    }
                    _ => {
                        without.remove(field);
                    }
                }
            }
            if without != *self.question.fields && self.reaches(&without) {
                fields = without;
            }
        }
        for change in changes(self.question.fields, &fields) {
            let (Some(from), Some(to)) = (change.from.number(), change.to.number()) else {
                continue;
            };
            let Some(values) = self.space.fields.get(&change.field) else {
                continue;
            };
            fields = self.nearer(fields, &change.field, &values.between(from, to));
        }
        fields
    }

    /// The last of these values, each nearer than the one before, that is still enough, by halves.
    fn nearer(&mut self, fields: Fields, field: &str, values: &[f64]) -> Fields {
        let mut best = fields.clone();
        let (mut low, mut high) = (0, values.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let Some(value) = values.get(middle) else {
                break;
            };
            let tried = self.with(&fields, field, &Scalar::Number(*value));
            if self.reaches(&tried) {
                best = tried;
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        best
    }

    /// An answer, if the model says so once more.
    pub(super) fn answer(
        &mut self,
        kind: CounterfactualKind,
        fields: &Fields,
    ) -> Option<Counterfactual> {
        let (score, decision) = (self.question.model)(fields).ok()?;
        self.calls += 1;
        if !self.question.wanted.contains(&decision) {
            return None;
        }
        Some(Counterfactual {
            kind,
            changes: changes(self.question.fields, fields),
            score: Some(score),
            decision,
            distance: self.distance(fields),
            distance_to_history: None,
        })
    }
}
