//! Which contributions are told as reasons, and in which order.

use std::collections::BTreeMap;

use super::{Dictionary, side};
use crate::document::{Attributions, Basis, Block, Percentile, Reason, Reasons, Stage, StageKind};
use crate::fields::Fields;
use crate::outcome::Adverse;
use crate::recorded::pointer;

/// What reasons are made of.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a> {
    /// The stage that decided: reasons come from it alone (official interpretation of 12 CFR 1002.9, 9(b)(2)-7).
    pub stage: &'a Stage,
    /// Contributions to the score.
    pub attributions: &'a Attributions,
    /// Whether those were recorded with the decision or computed now.
    pub basis: Basis,
    /// Towards which scores the decision is adverse.
    pub adverse: Adverse,
    /// The fields of the decision.
    pub fields: &'a Fields,
    /// Where the fields' numbers lie among recorded decisions, for entries that hold on one side.
    pub percentiles: &'a [Percentile],
    /// Fields that are never told.
    pub protected: &'a [String],
    /// The words.
    pub dictionary: Option<&'a Dictionary>,
}

impl Factors<'_> {
    fn percentile(&self, field: &str) -> Option<f64> {
        let found = self.percentiles.iter().find(|it| it.field == field);
        found.and_then(|it| it.percentile)
    }
}

/// The principal reasons, and every contribution towards the adverse decision behind them.
pub fn choose(factors: &Factors<'_>) -> Block<Reasons> {
    if factors.stage.kind != StageKind::Score {
        return Block::absent(match factors.stage.kind {
            StageKind::Policy => "a policy rule decided, not the score: the rule is the reason",
            StageKind::Judgement => {
                "a person decided, not the score: the reason is the one that they gave"
            }
            _ => {
                "what decided is not on record, so what contributed to the score is not told as the reason"
            }
        });
    }
    let mut merged: BTreeMap<usize, Reason> = BTreeMap::new();
    let mut unmapped = Vec::new();
    let mut protected = Vec::new();
    let mut ordered = Vec::new();
    for contribution in &factors.attributions.fields {
        let towards = match factors.adverse {
            Adverse::Above => contribution.contribution,
            Adverse::Below => -contribution.contribution,
        };
        if towards.is_nan() || towards <= 0.0 {
            continue;
        }
        let field = pointer(&contribution.field);
        let value = factors
            .fields
            .get(&field)
            .cloned()
            .unwrap_or_else(|| contribution.value.clone());
        let found = factors
            .dictionary
            .and_then(|it| it.entry(&field, &value, side(factors.percentile(&field))));
        let reason = |code: Option<String>, text: Option<String>| Reason {
            code,
            text,
            fields: vec![field.clone()],
            values: vec![value.clone()],
            contribution: Some(towards),
        };
        if factors.protected.contains(&field) {
            protected.push(field.clone());
            ordered.push(reason(None, None));
            continue;
        }
        let Some((place, entry)) = found else {
            unmapped.push(field.clone());
            ordered.push(reason(None, None));
            continue;
        };
        let told = reason(Some(entry.code.clone()), Some(entry.text.clone()));
        ordered.push(told.clone());
        // Entries of one code are one reason, at the place of the first of them.
        let same = |it: &super::Entry| it.code == entry.code;
        let place = factors
            .dictionary
            .and_then(|it| it.entries.iter().position(same))
            .unwrap_or(place);
        merged
            .entry(place)
            .and_modify(|it| join(it, &told))
            .or_insert(told);
    }
    if ordered.is_empty() {
        return Block::absent("no field contributed towards the adverse decision");
    }
    let most = factors
        .dictionary
        .and_then(|it| it.most)
        .unwrap_or(Dictionary::MOST);
    let mut principal: Vec<Reason> = merged.into_values().collect();
    principal.sort_by(by_contribution);
    principal.truncate(most);
    ordered.sort_by(by_contribution);
    let notes = notes(
        &ordered,
        &unmapped,
        &protected,
        most,
        factors.dictionary.is_some(),
    );
    Block::Present {
        basis: factors.basis,
        content: Reasons {
            principal,
            ordered,
            unmapped,
            dictionary: factors.dictionary.map(|it| it.version.clone()),
            stage: factors.stage.clone(),
            from: Some(from(factors.attributions)),
        },
        notes,
    }
}

fn join(reason: &mut Reason, other: &Reason) {
    reason.fields.extend(other.fields.iter().cloned());
    reason.values.extend(other.values.iter().cloned());
    let sum = reason.contribution.unwrap_or_default() + other.contribution.unwrap_or_default();
    reason.contribution = Some(sum);
}

/// The largest first; of equal ones the earlier, which is the order of the dictionary or of the fields' names.
fn by_contribution(a: &Reason, b: &Reason) -> std::cmp::Ordering {
    let of = |reason: &Reason| reason.contribution.unwrap_or_default();
    of(b).total_cmp(&of(a))
}

fn from(attributions: &Attributions) -> String {
    match &attributions.baseline {
        Some(baseline) => format!("{}, from {}", attributions.method, baseline.name),
        None => attributions.method.clone(),
    }
}

/// What must be known before the reasons are told to anybody.
fn notes(
    ordered: &[Reason],
    unmapped: &[String],
    protected: &[String],
    most: usize,
    has_dictionary: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !has_dictionary {
        notes.push(
            "No dictionary of reasons is registered: fields are named, not reasons.".to_owned(),
        );
        return notes;
    }
    let first: Vec<&String> = ordered
        .iter()
        .take(most)
        .flat_map(|it| &it.fields)
        .collect();
    for field in unmapped.iter().filter(|field| first.contains(field)) {
        notes.push(format!(
            "{field} contributed among the first {most}, and the dictionary has no reason for its value: no principal reason may be left out, so add one before a notice is sent."
        ));
    }
    for field in protected {
        notes.push(format!("{field} is protected and contributed: it is told to no subject, and the model should not use it."));
    }
    notes
}
