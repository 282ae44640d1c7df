//! What may be changed, and to which values.

use std::collections::BTreeMap;

use super::Question;
use crate::constraint::Constraint;
use crate::contrast::SeenField;
use crate::fields::Scalar;

/// Values of a field that are tried by themselves; of more, as many evenly by rank.
const TRIED: usize = 256;

/// The fields that may change, with their values, and those that may not, with why.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) fields: BTreeMap<String, Values>,
    pub(super) fixed: Vec<(String, String)>,
}

/// The values that a field may take, other than its own.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Rising.
    pub(super) numbers: Vec<f64>,
    pub(super) words: Vec<Scalar>,
}

impl Space {
    pub(super) fn new(question: &Question<'_>) -> Self {
        let mut space = Self {
            fields: BTreeMap::new(),
            fixed: Vec::new(),
        };
        let anything = Constraint::default();
        for field in question.changeable {
            let constraint = question.constraints.get(field).unwrap_or(&anything);
            let from = question.fields.get(field).unwrap_or(&Scalar::Missing);
            let seen = question.seen.fields.get(field);
            match values(question, field, from, constraint, seen) {
                Ok(values) => {
                    space.fields.insert(field.clone(), values);
                }
                Err(why) => space.fixed.push((field.clone(), why.to_owned())),
            }
        }
        space
    }
}

fn values(
    question: &Question<'_>,
    field: &str,
    from: &Scalar,
    constraint: &Constraint,
    seen: Option<&SeenField>,
) -> Result<Values, &'static str> {
    if question.protected.iter().any(|it| it == field) {
        return Err("it is protected");
    }
    if constraint.immutable {
        return Err("it is registered as not to change");
    }
    let seen = seen.ok_or("no decision on record has it")?;
    if let Some(unique) = seen.unique
        && constraint.values.is_none()
    {
        return Err(unique);
    }
    // What is hardly ever seen is no sensible advice, unless it is said what may be had.
    let bounded = constraint.min.is_some() || constraint.max.is_some();
    let usual = |number: &f64| {
        bounded
            || seen
                .middle
                .is_none_or(|(low, high)| (low..=high).contains(number))
    };
    let mut numbers: Vec<f64> = seen
        .numbers
        .iter()
        .filter(|number| usual(number))
        .map(|number| constraint.rounded(*number))
        .collect();
    let mut words = seen.words.clone();
    for value in constraint.values.iter().flatten() {
        match value {
            Scalar::Number(number) => numbers.push(*number),
            Scalar::Missing => {}
            word => words.push(word.clone()),
        }
    }
    let allowed = |to: &Scalar| from != to && constraint.allows(from, to);
    numbers.retain(|number| allowed(&Scalar::Number(*number)));
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    words.retain(allowed);
    words.dedup();
    if numbers.is_empty() && words.is_empty() {
        return Err("no other value that it may take has occurred");
    }
    Ok(Values { numbers, words })
}

impl Values {
    /// The values to try, and whether they are all.
    pub(super) fn tried(&self, most: usize) -> (Vec<Scalar>, bool) {
        let most = most.min(TRIED);
        let all = self.numbers.len() <= most;
        let last = self.numbers.len().saturating_sub(1);
        let picked: Vec<f64> = if all {
            self.numbers.clone()
        } else {
            (0..most)
                .filter_map(|place| self.numbers.get(place * last / (most - 1)).copied())
                .collect()
        };
        let numbers = picked.into_iter().map(Scalar::Number);
        (numbers.chain(self.words.iter().cloned()).collect(), all)
    }

    /// The numbers between two, from the second on towards the first: what a change may be made smaller to.
    pub(super) fn between(&self, from: f64, to: f64) -> Vec<f64> {
        let (low, high) = if from < to { (from, to) } else { (to, from) };
        let mut between: Vec<f64> = self
            .numbers
            .iter()
            .copied()
            .filter(|it| (low..=high).contains(it))
            .collect();
        if from < to {
            between.reverse();
        }
        between
    }
}
