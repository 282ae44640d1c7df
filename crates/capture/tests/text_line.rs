//! The hand-written text line, read and printed. `vectors/python_repr.jsonl` holds what Python itself writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use causebook_capture::{Mapping, Reason, Source, format_line, guess, parse_line};
use causebook_record::canonicalize;
use proptest::prelude::*;
use support::{at, import};

const LINE: &str = "2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved";

/// The record that a line in normal form stands for, as canonical text.
fn record(line: &str) -> String {
    let parsed = parse_line(line).unwrap();
    let time = parsed.time.replace(' ', "T");
    let (input, output) = (parsed.input, parsed.output);
    canonicalize(
        format!(r#"{{"kind":"decision","time":"{time}Z","input":{input},"output":{output}}}"#)
            .as_bytes(),
    )
    .unwrap()
}

#[test]
fn the_line_that_people_write_is_read_and_printed_exactly() {
    let parsed = parse_line(LINE).unwrap();
    assert_eq!(parsed.time, "2024-06-01 12:00:00");
    assert_eq!(parsed.input, r#"{"age":30}"#);
    assert_eq!(parsed.output, "\"approved\"");
    assert_eq!(parsed.model, None);
    assert_eq!(format_line(&record(LINE)).unwrap(), LINE);
}

#[test]
fn an_output_is_a_repr_if_it_is_one_and_text_if_not() {
    let output = |text: &str| {
        parse_line(&format!(
            "2024-06-01 12:00:00 - Input: None, Output: {text}"
        ))
        .unwrap()
        .output
    };
    for (text, json) in [
        ("approved", "\"approved\""),
        ("refer to a human, please", "\"refer to a human, please\""),
        ("'approved'", "\"approved\""),
        ("0.73", "0.73"),
        ("'0.73'", "\"0.73\""),
        ("None", "null"),
        ("True", "true"),
        ("30% risk", "\"30% risk\""),
        ("{'p': [0.1, 0.9]}", r#"{"p":[0.1,0.9]}"#),
        ("approved, Output: twice", "\"approved, Output: twice\""),
    ] {
        assert_eq!(output(text), json, "{text}");
    }
}

#[test]
fn commas_braces_and_output_inside_strings_do_not_split() {
    let line = "2024-06-01 12:00:00 - Input: {'note': \"a, Output: }{ 'b'\", 'x': ['}', ',']}, Output: denied";
    let parsed = parse_line(line).unwrap();
    assert_eq!(
        parsed.input,
        r#"{"note":"a, Output: }{ 'b'","x":["}",","]}"#
    );
    assert_eq!(parsed.output, "\"denied\"");
    assert_eq!(format_line(&record(line)).unwrap(), line);
}

#[test]
fn what_is_no_such_line_says_which_part_is_missing() {
    let problem = |line: &str| parse_line(line).unwrap_err().to_string();
    assert!(problem("hello").contains("\" - \""));
    assert!(problem("June 1 - Input: {}, Output: a").contains("begin with a time"));
    assert!(problem("2024-06-01 12:00:00 - In: {}, Output: a").contains("\"Input: \""));
    assert!(problem("2024-06-01 12:00:00 - Input: {}").contains("\", Output: \""));
    assert!(problem("2024-06-01 12:00:00 - Input: {}, Output:").contains("empty"));
    let broken = parse_line("2024-06-01 12:00:00 - Input: {'age': x}, Output: a").unwrap_err();
    assert!(
        matches!(broken, Reason::Python { at: 37, .. }),
        "{broken:?}"
    );
    let broken = parse_line("2024-06-01 12:00:00 - Input: {}, Output: {'p'").unwrap_err();
    assert!(
        matches!(broken, Reason::Python { at: 45, .. }),
        "{broken:?}"
    );
}

#[test]
fn a_file_of_lines_is_imported_with_model_and_decision() {
    let text = format!(
        "{LINE}\r\n\n2024-06-01 12:00:01,250 - Model: credit-v2, Input: {{'age': 31}}, Output: {{'p': 0.5}}\nnonsense\n"
    );
    let source = Source::from_bytes("app.log", text.as_bytes());
    let guess = guess(&source, &Mapping::default()).unwrap();
    let taken = import(&source, &Mapping::parse(&guess.to_toml().unwrap()).unwrap());
    let [first, second] = taken.rows.as_slice() else {
        panic!("{:?}", taken.rejected);
    };
    assert_eq!(at(first, "/decision"), "\"approved\"");
    assert_eq!(at(first, "/model/name"), "\"unspecified\"");
    assert_eq!(at(second, "/model/name"), "\"credit-v2\"");
    assert_eq!(at(second, "/time"), "\"2024-06-01 12:00:01.250\"");
    assert_eq!(at(second, "/decision"), "(none)");
    assert_eq!(at(second, "/output"), r#"{"p":0.5}"#);
    assert_eq!((taken.rejected[0].row, taken.rejected[0].line), (3, 4));
}

#[test]
fn records_are_printed_in_utc_without_fraction_and_only_decisions_are() {
    let line = |json: &str| format_line(json);
    assert_eq!(
        line(r#"{"decision":"deny","input":{"a":1},"time":"2024-06-01T14:00:00.5+02:00"}"#)
            .unwrap(),
        "2024-06-01 12:00:00 - Input: {'a': 1}, Output: deny"
    );
    for not in [
        r#"{"kind":"outcome","output":1,"time":"2024-06-01T12:00:00Z"}"#,
        r#"{"output":1}"#,
        r#"{"time":"2024-06-01T12:00:00Z"}"#,
        r#"{"output":1,"time":"soon"}"#,
        "[]",
    ] {
        assert!(line(not).is_err(), "{not}");
    }
}

#[test]
fn what_python_writes_is_read_and_written_as_python_does() {
    let vectors = include_str!("vectors/python_repr.jsonl");
    let mut count = 0;
    for vector in vectors.lines() {
        let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
        let (repr, json) = (
            vector["repr"].as_str().unwrap(),
            vector["json"].as_str().unwrap(),
        );
        let line = format!("2024-06-01 12:00:00 - Input: {repr}, Output: approved");
        let parsed = parse_line(&line).unwrap_or_else(|error| panic!("{repr}: {error}"));
        assert_eq!(
            canonicalize(parsed.input.as_bytes()).unwrap(),
            canonicalize(json.as_bytes()).unwrap()
        );
        if vector["normal"] == true {
            assert_eq!(format_line(&record(&line)).unwrap(), line);
        }
        count += 1;
    }
    assert_eq!(count, 600);
}

proptest! {
    #[test]
    fn lines_in_normal_form_come_back_the_same(
        seconds in 0_i64..4_000_000_000,
        age in any::<i64>(),
        text in any::<String>(),
        output in any::<String>(),
    ) {
        let json = |text: &str| serde_json::to_string(text).unwrap();
        let time = jiff::Timestamp::from_second(seconds).unwrap();
        let given = format!(r#"{{"input":{{"age":{age},"t":{}}},"output":{},"time":"{time}"}}"#, json(&text), json(&output));
        let line = format_line(&canonicalize(given.as_bytes()).unwrap()).unwrap();
        prop_assert!(!line.contains('\n'));
        let parsed = parse_line(&line).unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(&parsed.output).unwrap(), output);
        prop_assert_eq!(format_line(&record(&line)).unwrap(), line);
    }

    #[test]
    fn no_line_makes_it_fail(text: String, rest in "[{}'\", :Output\\-\\[\\]]{0,30}") {
        let _ = parse_line(&text);
        let _ = parse_line(&format!("2024-06-01 12:00:00 - Input: {rest}"));
        let _ = format_line(&text);
    }
}
