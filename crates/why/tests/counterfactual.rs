//! Constraints hold of everything that changes, also of what changes along with another field.

use std::collections::BTreeMap;

use causebook_why::constraint::Constraint;
use causebook_why::contrast::{Measure, Seen, SeenField};
use causebook_why::counterfactual::{Question, find};
use causebook_why::{Counterfactuals, Fields, Scalar};

const AMOUNT: &str = "/input/amount";
const TERM: &str = "/input/term";

fn fields(amount: f64, term: f64) -> Fields {
    let values = [(AMOUNT, amount), (TERM, term)];
    let named = values.map(|(name, value)| (name.to_owned(), Scalar::Number(value)));
    named.into_iter().collect()
}

fn number(fields: &Fields, name: &str) -> f64 {
    fields[name].number().unwrap_or(f64::NAN)
}

/// What is found of an amount of 100 over 10 months, of which the score is the sum and has to fall below 100; a decision on
/// record has 60 over 4.
fn found(constraints: &[(&str, Constraint)], protected: &[&str]) -> Counterfactuals {
    let seen = |numbers: std::ops::RangeInclusive<u8>| SeenField {
        numbers: numbers.map(f64::from).collect(),
        ..SeenField::default()
    };
    let constraints: BTreeMap<String, Constraint> = constraints
        .iter()
        .map(|(name, constraint)| ((*name).to_owned(), constraint.clone()))
        .collect();
    let protected: Vec<String> = protected.iter().map(|it| (*it).to_owned()).collect();
    let seen = Seen {
        fields: [
            (AMOUNT.to_owned(), seen(50..=120)),
            (TERM.to_owned(), seen(1..=20)),
        ]
        .into(),
    };
    find(&Question {
        fields: &fields(100.0, 10.0),
        changeable: &[AMOUNT.to_owned(), TERM.to_owned()],
        protected: &protected,
        constraints: &constraints,
        seen: &seen,
        measure: &Measure::default(),
        neighbours: &[fields(60.0, 4.0)],
        wanted: &["approve".to_owned()],
        thresholds: &[100.0],
        target: 100.0,
        model: &|fields| {
            let score = number(fields, AMOUNT) + number(fields, TERM);
            Ok((
                score,
                if score < 100.0 { "approve" } else { "deny" }.to_owned(),
            ))
        },
    })
}

fn linked() -> Constraint {
    Constraint {
        linked: vec![AMOUNT.to_owned()],
        ..Constraint::default()
    }
}

fn changed(found: &Counterfactuals) -> Vec<Vec<(&str, f64)>> {
    let numbers = found.found.iter().map(|it| {
        let changes = it.changes.iter();
        changes
            .map(|change| {
                (
                    change.field.as_str(),
                    change.to.number().unwrap_or(f64::NAN),
                )
            })
            .collect()
    });
    numbers.collect()
}

#[test]
fn a_linked_field_changes_in_the_same_proportion_or_neither_does() {
    let found = found(&[(TERM, linked())], &[]);
    let with_term: Vec<_> = changed(&found)
        .into_iter()
        .filter(|changes| changes.iter().any(|(name, _)| *name == TERM))
        .collect();
    assert_eq!(with_term, [[(AMOUNT, 90.0), (TERM, 9.0)]]);
}

#[test]
fn a_field_that_may_not_change_does_not_change_along_with_another() {
    let immutable = Constraint {
        immutable: true,
        ..Constraint::default()
    };
    let kept = found(&[(TERM, linked()), (AMOUNT, immutable)], &[]);
    assert_eq!(changed(&kept), Vec::<Vec<_>>::new());
    let kept = found(&[(TERM, linked())], &[AMOUNT]);
    assert_eq!(changed(&kept), Vec::<Vec<_>>::new());
}

#[test]
fn a_linked_field_stays_within_its_own_limits() {
    let least = Constraint {
        min: Some(95.0),
        ..Constraint::default()
    };
    let found = found(&[(TERM, linked()), (AMOUNT, least)], &[]);
    for changes in changed(&found) {
        for (name, to) in changes {
            assert!(name != AMOUNT || to >= 95.0, "{to}");
            assert!(
                name != TERM,
                "a term of {to} takes the amount below its least"
            );
        }
    }
}
