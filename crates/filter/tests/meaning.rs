//! A filter means what a slow reading of its terms says, and its text is read back as the same filter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::cmp::Ordering;

use causebook_filter::{Decimal, Field, Filter, Glob, Node, Span, Term, Test, ValueTest};
use causebook_record::{Draft, Mask, OpeningKey, Pointer, Recorded, Stored, fields};
use jiff::Timestamp;
use serde_json::Value;
use support::{Random, draft, filter, mask};

const RECORDS: usize = 40;
const FILTERS: usize = 400;

fn now() -> Timestamp {
    "2026-11-08T12:00:00Z".parse().unwrap()
}

fn parse(text: &str) -> Filter {
    Filter::parse(text, now()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn record(random: &mut Random, nth: usize) -> String {
    let recorded = Recorded {
        at: "2026-11-01T00:30:00.000001Z".parse().unwrap(),
        by: "tester".to_owned(),
        via: "test".to_owned(),
    };
    let draft = draft(random, nth);
    let parsed = Draft::parse(draft.as_bytes()).unwrap_or_else(|error| panic!("{error}: {draft}"));
    let sealed = parsed
        .complete("x", &recorded)
        .unwrap()
        .seal(OpeningKey([1; 16]));
    sealed.text
}

#[test]
fn a_filter_means_what_a_slow_reading_says() {
    let mut met = 0;
    for seed in 0..12 {
        let random = &mut Random(seed);
        let records: Vec<String> = (0..RECORDS).map(|nth| record(random, nth)).collect();
        for _ in 0..FILTERS / 10 {
            let text = filter(random, 2);
            let (asked, mask) = (parse(&text), mask(random));
            for (index, record) in (0..).zip(&records) {
                let ours = asked.matches_masked(index, &fields(record), record, &mask);
                let right = slow(asked.root(), index, record, &mask);
                assert_eq!(ours, right, "seed {seed}: {text} with {mask:?} on {record}");
                met += usize::from(ours);
                if mask.is_empty() {
                    assert_eq!(ours, asked.matches(index, &fields(record), record));
                }
            }
        }
    }
    assert!(met > 1000, "the filters must meet records, {met} did");
}

#[test]
fn the_text_of_a_filter_is_read_back_as_the_same() {
    for seed in 0..20_000 {
        let text = filter(&mut Random(seed), 3);
        let once = parse(&text);
        let printed = once.to_string();
        assert_eq!(
            parse(&printed),
            once,
            "seed {seed}: {text} became {printed}"
        );
        assert_eq!(parse(&printed).to_string(), printed);
    }
}

#[test]
fn a_mask_is_as_if_the_masked_were_never_there() {
    for seed in 0..60 {
        let random = &mut Random(seed);
        let text = record(random, 0);
        let mask = mask(random);
        let whole: Value = serde_json::from_str(&text).unwrap();
        let mut without = whole.clone();
        for place in mask.places() {
            take_out(&mut without, place);
        }
        let without = causebook_record::canonicalize(without.to_string().as_bytes()).unwrap();
        for _ in 0..40 {
            let asked = filter(random, 2);
            let filter = parse(&asked);
            // An object is there even when all of it is masked, and `time` is never taken out of what is printed.
            let with_mask = filter.matches_masked(3, &fields(&text), &text, &mask);
            let taken_out = filter.matches(3, &fields(&without), &without);
            assert_eq!(
                with_mask, taken_out,
                "seed {seed}: {asked} with {mask:?} on {text}"
            );
        }
    }
}

#[test]
fn an_erased_record_is_its_position_and_its_id_alone() {
    let erased = Stored::Erased {
        id: Some("r-1".to_owned()),
    };
    for (text, meant) in [
        ("", true),
        ("id:r-1", true),
        ("\"R-1\"", true),
        ("index:7", true),
        ("/id:r-1", true),
        ("kind:*", false),
        ("-decision:*", true),
    ] {
        assert_eq!(
            parse(text).admits(7, &erased, &Mask::default()),
            meant,
            "{text}"
        );
    }
}

fn take_out(value: &mut Value, place: &Pointer) {
    let (parent, name) = place.as_str().rsplit_once('/').unwrap();
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

fn slow(node: &Node, index: u64, text: &str, mask: &Mask) -> bool {
    match node {
        Node::All(nodes) => nodes.iter().all(|node| slow(node, index, text, mask)),
        Node::Any(nodes) => nodes.iter().any(|node| slow(node, index, text, mask)),
        Node::Not(node) => !slow(node, index, text, mask),
        Node::Term(term) => {
            let mut record: Value = serde_json::from_str(text).unwrap();
            for place in mask.places() {
                take_out(&mut record, place);
            }
            slow_term(term, index, &record)
        }
    }
}

fn slow_term(term: &Term, index: u64, record: &Value) -> bool {
    let (field, test) = match term {
        Term::Text(glob) => {
            let mut texts = Vec::new();
            strings(record, "", &mut texts);
            return texts
                .iter()
                .any(|text| slow_within(glob, &text.to_lowercase()));
        }
        Term::Field { field, test } => (field, test),
    };
    let at = |place: &str| record.pointer(place).cloned();
    let value = match field {
        Field::Index => Some(Value::from(index)),
        Field::Model => {
            let (name, version) = (at("/model/name"), at("/model/version"));
            return match test {
                Test::Present => name.is_some() || version.is_some(),
                Test::Models(models) => models.iter().any(|model| {
                    let fits = |glob: &Option<Glob>, value: &Option<Value>| match (glob, value) {
                        (None, _) => true,
                        (Some(glob), Some(Value::String(text))) => slow_whole(glob, text),
                        _ => false,
                    };
                    fits(&model.name, &name) && fits(&model.version, &version)
                }),
                _ => panic!("a test of models"),
            };
        }
        field => at(field.place()),
    };
    let Some(value) = value else { return false };
    match test {
        Test::Present if *field == Field::Score => {
            value.to_string().parse::<f64>().unwrap().is_finite()
        }
        Test::Present => !value.is_null(),
        Test::Words(words) => words
            .iter()
            .any(|glob| slow_whole(glob, value.as_str().unwrap())),
        Test::Times(spans) => {
            let time: Timestamp = value.as_str().unwrap().parse().unwrap();
            spans.iter().any(|span| span.holds(&time.as_microsecond()))
        }
        Test::Whole(spans) => spans
            .iter()
            .any(|span| span.holds(&value.as_u64().unwrap())),
        Test::Doubles(spans) => {
            let score: f64 = value.to_string().parse().unwrap();
            score.is_finite() && spans.iter().any(|span| span.holds(&score))
        }
        Test::Values(values) => match &value {
            Value::Array(elements) => elements.iter().any(|element| slow_value(values, element)),
            one => slow_value(values, one),
        },
        _ => panic!("a test that belongs to the field"),
    }
}

fn slow_value(values: &[ValueTest], value: &Value) -> bool {
    values.iter().any(|wanted| match (wanted, value) {
        (ValueTest::Text(text) | ValueTest::Literal { text, .. }, Value::String(string)) => {
            text == string
        }
        (ValueTest::Pattern(glob), Value::String(string)) => slow_whole(glob, string),
        (
            ValueTest::Literal {
                number: Some(number),
                ..
            },
            Value::Number(found),
        ) => slow_order(&found.to_string(), &number.to_string()) == Ordering::Equal,
        (ValueTest::Literal { text, .. }, Value::Bool(_) | Value::Null) => {
            text.as_str() == value.to_string().as_str()
        }
        (ValueTest::Number(span), Value::Number(found)) => slow_span(span, &found.to_string()),
        _ => false,
    })
}

fn slow_span(span: &Span<Decimal>, number: &str) -> bool {
    let fits = |bound: &Option<(Decimal, bool)>, wanted: Ordering| {
        bound.as_ref().is_none_or(|(bound, inclusive)| {
            let order = slow_order(number, &bound.to_string());
            order == wanted || (*inclusive && order == Ordering::Equal)
        })
    };
    fits(&span.low, Ordering::Greater) && fits(&span.high, Ordering::Less)
}

/// Numbers written out to 500 digits on each side of the point.
fn slow_order(left: &str, right: &str) -> Ordering {
    let written_out = |text: &str| {
        let (negative, text) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let text = text.to_lowercase();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i64 = exponent.parse().unwrap();
        let point = (whole.len() as i64 + exponent + 500) as usize;
        let digits = format!("{:0<500}{whole}{fraction}", "");
        let digits = format!("{digits:0<1500}");
        let (before, after) = digits.split_at(point);
        let text = format!("{before:0>1500}{after:0<1500}");
        let zero = text.bytes().all(|digit| digit == b'0');
        (negative && !zero, text)
    };
    let (left, right) = (written_out(left), written_out(right));
    match (left.0, right.0) {
        (false, false) => left.1.cmp(&right.1),
        (true, true) => right.1.cmp(&left.1),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

fn slow_whole(glob: &Glob, text: &str) -> bool {
    fn fits(parts: &[String], text: &str) -> bool {
        match parts {
            [] => text.is_empty(),
            [only] => only == text,
            [first, rest @ ..] => text.strip_prefix(first.as_str()).is_some_and(|after| {
                let mut starts = after.char_indices().map(|(at, _)| at).chain([after.len()]);
                starts.any(|at| fits(rest, &after[at..]))
            }),
        }
    }
    fits(glob.parts(), text)
}

fn slow_within(glob: &Glob, text: &str) -> bool {
    let around = [
        vec![String::new()],
        glob.parts().to_vec(),
        vec![String::new()],
    ]
    .concat();
    let around = Glob::with_wildcards(&around.join("*"));
    if glob.parts().iter().any(|part| part.contains('*')) {
        return glob.as_exact().is_some_and(|exact| text.contains(exact));
    }
    slow_whole(&around, text)
}

fn strings(value: &Value, place: &str, found: &mut Vec<String>) {
    if ["/kind", "/time", "/recorded"].contains(&place) {
        return;
    }
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| strings(element, "/-", found)),
        Value::Object(members) => {
            for (name, member) in members {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                strings(member, &format!("{place}/{escaped}"), found);
            }
        }
        _ => {}
    }
}
