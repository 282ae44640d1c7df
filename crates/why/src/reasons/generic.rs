//! What a dictionary may not say: reasons that tell nothing, that concern a protected field, or that contradict each other.

use std::collections::BTreeMap;

use super::Dictionary;
use crate::registration::{Problem, Registration, at};

/// Words that tell the subject nothing of what was considered. The first three are named in 12 CFR 1002.9(b)(2) as
/// insufficient; the others say the same in other words.
const GENERIC: [&str; 14] = [
    "internal standards",
    "internal policies",
    "qualifying score",
    "insufficient score",
    "score too low",
    "low score",
    "credit score",
    "credit scoring system",
    "did not meet our criteria",
    "does not meet our criteria",
    "failed our criteria",
    "model decision",
    "algorithmic decision",
    "other reasons",
];
/// Of the text of a reason, in characters: it goes into a letter.
const TEXT_MAX: usize = 300;
/// Reasons that may be told.
const MOST_MAX: usize = 20;

/// Everything that is wrong with a dictionary, beside the registration that it belongs to.
pub(crate) fn check(
    dictionary: &Dictionary,
    registration: &Registration,
    problems: &mut Vec<Problem>,
) {
    if dictionary.version.is_empty() {
        problems.push(at(
            "/reasons/version",
            "it is empty",
            "name a version: it stands in every list of reasons",
        ));
    }
    if dictionary
        .most
        .is_some_and(|most| !(1..=MOST_MAX).contains(&most))
    {
        problems.push(at(
            "/reasons/most",
            format!("it is not from 1 to {MOST_MAX}"),
            "leave it out for 4",
        ));
    }
    let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
    for (nth, entry) in dictionary.entries.iter().enumerate() {
        let place = |member: &str| format!("/reasons/entries/{nth}/{member}");
        if entry.code.is_empty() {
            problems.push(at(place("code"), "it is empty", "give the reason a code"));
        }
        if entry.text.trim().is_empty() || entry.text.chars().count() > TEXT_MAX {
            problems.push(at(
                place("text"),
                format!("it is empty, or longer than {TEXT_MAX} characters"),
                "say what was considered, in one sentence",
            ));
        }
        if let Some(generic) = generic(&entry.text) {
            problems.push(at(
                place("text"),
                format!("{generic:?} tells the subject nothing of what was considered (12 CFR 1002.9(b)(2))"),
                "name the factor: \"Length of employment\"",
            ));
        }
        if registration.protected.contains(&entry.field) {
            problems.push(at(
                place("field"),
                format!("{} is a protected field", entry.field),
                "a protected field is no reason; take it out of the model, or out of `protected`",
            ));
        }
        if let (Some(from), Some(below)) = (entry.from, entry.below)
            && from >= below
        {
            problems.push(at(
                place("from"),
                "it is not below `below`: no value fits",
                "swap them",
            ));
        }
        let known = texts.entry(&entry.code).or_insert(&entry.text);
        if *known != entry.text {
            problems.push(at(
                place("code"),
                format!("{} has another text in an entry before", entry.code),
                "one code, one text: give this one a code of its own",
            ));
        }
    }
}

/// The words of a text that are generic, if there are any.
fn generic(text: &str) -> Option<&'static str> {
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                ' '
            }
        })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    GENERIC.iter().copied().find(|generic| {
        let at = plain.find(generic);
        at.is_some_and(|at| {
            let after = plain.get(at + generic.len()..).unwrap_or_default();
            let before = plain.get(..at).unwrap_or_default();
            (before.is_empty() || before.ends_with(' '))
                && (after.is_empty() || after.starts_with(' '))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reasons::Entry;

    fn problems(entries: Vec<Entry>) -> Vec<String> {
        let dictionary = Dictionary {
            version: "1".to_owned(),
            entries,
            most: None,
        };
        let registration = Registration {
            protected: vec!["/input/age".to_owned()],
            ..Registration::default()
        };
        let mut problems = Vec::new();
        check(&dictionary, &registration, &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    fn entry(code: &str, field: &str, text: &str) -> Entry {
        Entry {
            code: code.to_owned(),
            field: field.to_owned(),
            text: text.to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn generic_and_protected_reasons_are_refused() {
        for text in [
            "Insufficient score",
            "You failed to achieve a QUALIFYING  score.",
            "Our internal-standards",
        ] {
            let found = problems(vec![entry("A", "/input/a", text)]);
            assert!(found[0].contains("1002.9"), "{text}: {found:?}");
        }
        let found = problems(vec![entry("A", "/input/age", "Age")]);
        assert!(found[0].contains("protected"), "{found:?}");
    }

    #[test]
    fn specific_reasons_are_taken() {
        let specific = [
            "Length of employment",
            "Number of recent inquiries on credit bureau report",
            "Insufficient number of credit references provided",
        ];
        let entries = specific
            .iter()
            .enumerate()
            .map(|(nth, text)| entry(&format!("C{nth}"), "/input/a", text));
        assert_eq!(problems(entries.collect()), Vec::<String>::new());
    }

    #[test]
    fn the_sample_reasons_of_regulation_b_are_specific_but_for_the_last() {
        let file = include_str!("../../../../examples/reasons/reg-b-form-c-1.json");
        let dictionary: Dictionary = serde_json::from_str(file).unwrap();
        assert_eq!(dictionary.entries.len(), 24);
        assert_eq!(problems(dictionary.entries), Vec::<String>::new());
    }

    #[test]
    fn one_code_has_one_text() {
        let found = problems(vec![
            entry("A", "/input/a", "One"),
            entry("A", "/input/b", "Two"),
        ]);
        assert!(found[0].contains("another text"), "{found:?}");
    }
}
