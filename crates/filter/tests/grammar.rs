//! What the grammar takes, what it says to what it does not take, and what a filter tells of itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use causebook_filter::{Field, Filter, FilterError, TERMS_MAX, TEXT_BYTES_MAX};
use causebook_record::fields;
use jiff::Timestamp;
use proptest::prelude::*;

fn now() -> Timestamp {
    "2026-11-08T12:00:00Z".parse().unwrap()
}

fn parse(text: &str) -> Filter {
    Filter::parse(text, now()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn refused(text: &str) -> FilterError {
    Filter::parse(text, now()).expect_err(text)
}

fn means(filter: &str, record: &str) -> bool {
    parse(filter).matches(5, &fields(record), record)
}

const RECORD: &str = concat!(
    r#"{"context":{"env":"prod","trace_id":"t-1"},"decision":"deny","id":"GC-0557","#,
    r#""input":{"age":30,"loan.amount":9007199254740993,"note":"Thin File","tags":["late","vip"],"x":null},"#,
    r#""kind":"decision","model":{"name":"credit-risk","version":"3.10"},"#,
    r#""recorded":{"at":"2026-11-03T00:00:00Z","by":"loans-api","via":"http"},"score":0.39,"#,
    r#""source":{"name":"loans","run":"r1","seq":17},"subject":"applicant-7","time":"2026-11-02T23:30:00-01:00"}"#
);

#[test]
fn terms_mean_what_the_reference_says() {
    for meant in [
        "",
        "decision:deny model:credit-risk@3.* score:<0.4 -context.env:test \"thin file\"",
        "decision:approve,deny",
        "decision:approve or subject:applicant-7",
        "(decision:approve or decision:deny) kind:decision",
        "-(decision:approve subject:applicant-7)",
        "model:*@3.1*",
        "model:@3.10",
        "input.age:>=30 input.age:30.0 input.age:20..30 input.age:..30",
        "/input/loan.amount:>9007199254740992 -/input/loan.amount:9007199254740992",
        "input.tags:vip -input.tags:v",
        "-input.x:* input.x:null input:* -output:*",
        "time:2026-11-03 time:>=2026-11-03 time:<=2026-11-03 time:2026-11-01..2026-11-03 -time:>2026-11-03",
        "since:7d until:2026-11-04",
        "time:\"2026-11-03 00:30\"",
        "recorded:<2026-11-03T00:00:00.000001Z",
        "seq:>16 index:5 by:loans-* via:http run:r1 source:loans trace:t-1",
        "thin*file",
        "GC-05",
        "\"/input/note\":Thin*",
    ] {
        assert!(means(meant, RECORD), "{meant}");
    }
    for other in [
        "decision:Deny",
        "\"thin  file\"",
        "loans-api",
        "2026-11",
        "age",
        "30",
        "input.age:\"30\"",
        "subject:applicant",
        "decision:deny decision:approve",
        "since:1d",
        "until:2026-11-03",
        "score:>0.39",
    ] {
        assert!(!means(other, RECORD), "{other}");
    }
}

#[test]
fn what_is_not_a_filter_is_told_where_and_what_was_expected() {
    for (text, message) in [
        (
            "desicion:deny",
            "at byte 0: no field \"desicion\", did you mean \"decision\"?",
        ),
        (
            "a inptu.age:3",
            "at byte 2: no field \"inptu.age\", did you mean \"input.age\"?",
        ),
        ("applicant:3", "at byte 0: no field \"applicant\""),
        ("(a or b", "at byte 7: expected `)`, found the end"),
        ("a)", "at byte 1: expected a term, found \")\""),
        ("a or", "at byte 4: expected a term, found the end"),
        ("- a", "at byte 1: expected a term, found \" a\""),
        ("--a", "at byte 1: expected a term, found \"-a\""),
        (
            "\"a",
            "at byte 0: expected a closing quote to this one, found \"\\\"a\"",
        ),
        (
            "\"\"",
            "at byte 0: expected a text to look for, found \"\\\"\\\"\"",
        ),
        ("*", "at byte 0: expected a text to look for, found \"*\""),
        ("decision:", "at byte 9: expected a value, found the end"),
        ("decision:a,", "at byte 11: expected a value, found the end"),
        (
            "decision:<a",
            "at byte 9: decision: `<` and `>` compare numbers and times; a word that begins so stands in quotes",
        ),
        (
            "decision:*,a",
            "at byte 9: decision: `*` asks whether there is a value, and stands alone",
        ),
        (
            "kind:desicion",
            "at byte 5: kind: no kind \"desicion\", did you mean \"decision\"?",
        ),
        (
            "score:high",
            "at byte 6: score: write a number, <0.4, or 0.4..0.6",
        ),
        (
            "score:0.6..0.4",
            "at byte 6: score: write a number, <0.4, or 0.4..0.6",
        ),
        (
            "index:1.5",
            "at byte 6: index: write a whole number, >10, or 10..20",
        ),
        (
            "time:>7d",
            "at byte 5: time: write a date (2026-06-01) or a time (2026-06-01T12:00:00Z), to the microsecond at most",
        ),
        (
            "since:soon",
            "at byte 6: since: write a date (2026-06-01), a time (2026-06-01T12:00:00Z) or an age (30m, 12h, 7d)",
        ),
        (
            "input.age:>old",
            "at byte 10: input.age: `<` and `>` compare numbers here",
        ),
        (
            "input.age:1..x",
            "at byte 10: input.age: write a range as 10..20, a text in quotes",
        ),
        (
            "model:@",
            "at byte 6: model: write NAME, NAME@VERSION or @VERSION",
        ),
        (
            "\"a\\q\"",
            "at byte 2: expected one of \\\" \\\\ \\n \\r \\t, found \"\\\\q\\\"\"",
        ),
        ("a(b)", "at byte 1: expected a space, found \"(b)\""),
        ("ü \"x\"y", "at byte 6: expected a space, found \"y\""),
    ] {
        assert_eq!(refused(text).to_string(), message, "{text}");
    }
}

#[test]
fn limits_are_kept() {
    assert_eq!(
        refused(&" ".repeat(TEXT_BYTES_MAX + 1)).code(),
        "filter-too-long"
    );
    let many = |count: usize| vec!["a"; count].join(" ");
    assert!(Filter::parse(&many(TERMS_MAX), now()).is_ok());
    assert_eq!(
        refused(&many(TERMS_MAX + 1)),
        FilterError::TooManyTerms { at: 2 * TERMS_MAX }
    );
    assert_eq!(
        refused(&format!("id:{}", many(TERMS_MAX + 1).replace(' ', ","))).code(),
        "filter-too-many-terms"
    );
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&deep(8), now()).is_ok());
    assert_eq!(refused(&deep(9)), FilterError::TooDeep { at: 8 });
}

#[test]
fn text_is_as_short_as_it_can_be_and_ages_become_instants() {
    for (text, printed) in [
        ("  decision:deny   Thin ", "decision:deny thin"),
        (
            "\"thin\" \"OR\" \"a:b\" \"-x\"",
            "thin \"or\" \"a:b\" \"-x\"",
        ),
        ("since:7d", "time:>=2026-11-01T12:00:00Z"),
        ("until:2026-11-01", "time:<2026-11-01"),
        ("time:2026-11-01..2026-11-03", "time:2026-11-01..2026-11-03"),
        ("time:2026-11-01", "time:2026-11-01"),
        ("/input/age:>3e1", "input.age:>30"),
        ("/subject:\"30\"", "/subject:\"30\""),
        ("((a or (b or c)))", "a or b or c"),
        ("(a b) (c or d) -(-e)", "a b (c or d) e"),
        ("score:0.30..1e300", "score:0.3..1e300"),
        ("input.age:**", "input.age:*"),
        ("model:*@ model:**", "model:*@ model:*"),
        ("model:\"a*\",b@2.*", "model:\"a*\",b@2.*"),
    ] {
        assert_eq!(parse(text).to_string(), printed, "{text}");
        assert_eq!(parse(printed), parse(text));
    }
}

#[test]
fn a_filter_tells_where_it_looks_and_what_an_index_can_find() {
    let filter = parse("subject:ada model:m input.age:>3 index:7 (trace:t or id:x)");
    let paths: Vec<String> = filter.paths().iter().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            "/context/trace_id",
            "/id",
            "/input/age",
            "/model/name",
            "/model/version",
            "/subject"
        ]
    );
    assert_eq!(filter.exact(&Field::Subject), Some("ada"));
    assert_eq!(filter.exact(&Field::Trace), None);
    for (text, exact) in [
        ("subject:ada", Some("ada")),
        ("subject:a*", None),
        ("subject:a,b", None),
        ("-subject:a", None),
        ("subject:a or subject:b", None),
        ("subject:\"a*\" kind:decision", Some("a*")),
    ] {
        assert_eq!(parse(text).exact(&Field::Subject), exact, "{text}");
    }
    assert!(parse(" ").is_empty() && Filter::everything() == parse(""));
    assert_eq!(
        parse("a or b").and(parse("c d")).to_string(),
        "(a or b) c d"
    );
    assert_eq!(parse("thin").paths(), ["".parse().unwrap()]);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_can_be_written(text in "[a-z:\"*<>=.,()\\- \\\\0-9@/~_ü\\n]{0,60}") {
        if let Ok(filter) = Filter::parse(&text, now()) {
            let printed = filter.to_string();
            let again = Filter::parse(&printed, now());
            prop_assert_eq!(again.as_ref(), Ok(&filter), "{}", printed);
            filter.matches(5, &fields(RECORD), RECORD);
        }
    }
}
