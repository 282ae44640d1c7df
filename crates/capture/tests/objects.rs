//! JSON in its three forms: rows that name their own members.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use causebook_capture::{Mapping, Reason, Source, guess};
use support::{at, import, with};

fn json(text: &str) -> Source {
    Source::from_bytes("x.json", text.as_bytes())
}

#[test]
fn values_pass_through_in_their_own_types_with_their_digits() {
    let text =
        r#"[{"a": 9007199254740993, "b": [1.50, null, true], "c": {"x": "é\u00e9"}, "d": null}]"#;
    let taken = import(&json(text), &with("columns.input = ['*']"));
    assert_eq!(
        at(&taken.rows[0], "/input"),
        r#"{"a":9007199254740993,"b":[1.50,null,true],"c":{"x":"éé"},"d":null}"#
    );
}

#[test]
fn rows_of_different_shapes_are_mapped_each_for_itself() {
    let mapping =
        with("columns = { id = 'id', decision = 'd', input = ['*'], output = ['o.*x', 'p'] }");
    let taken = import(
        &json(r#"{"id":1,"d":true,"a":1} {"id":"2","b":2,"p":3} {"x":1}"#),
        &mapping,
    );
    assert_eq!(taken.rows[0].id, "1");
    assert_eq!(at(&taken.rows[0], "/decision"), "\"true\"");
    assert_eq!(
        at(&taken.rows[0], "/output"),
        "{\"d\":true}",
        "a boolean decision keeps its original"
    );
    assert_eq!(at(&taken.rows[0], "/input"), "{\"a\":1}");
    assert_eq!(at(&taken.rows[1], "/input"), "{\"b\":2}");
    assert_eq!(at(&taken.rows[1], "/output"), "{\"p\":3}");
    assert_eq!(
        taken.rejected[0].reason,
        Reason::NoId {
            column: "id".into()
        }
    );
}

#[test]
fn names_that_no_row_has_are_reported() {
    let mapping = with("columns = { decision = 'decison', input = ['a'] }");
    let taken = import(&json(r#"{"a":1,"decision":"x"} {"a":2}"#), &mapping);
    assert_eq!(
        taken.import.never_found().iter().collect::<Vec<_>>(),
        ["decison"]
    );
    assert_eq!(
        taken.import.unmapped().iter().collect::<Vec<_>>(),
        ["decision"]
    );
}

#[test]
fn a_decision_that_is_a_structure_rejects_the_row() {
    let taken = import(
        &json(r#"{"d":[1],"a":1}"#),
        &with("columns = { decision = 'd', input = ['a'] }"),
    );
    assert_eq!(
        taken.rejected[0].reason,
        Reason::NotAWord { column: "d".into() }
    );
}

#[test]
fn a_text_that_is_no_number_is_no_score() {
    let mapping = with("columns = { score = 's', input = ['a'] }");
    let taken = import(
        &json(r#"{"s":1e-3,"a":1} {"s":"0.5","a":1} {"s":null,"a":1} {"a":1}"#),
        &mapping,
    );
    assert_eq!(at(&taken.rows[0], "/score"), "1e-3");
    assert_eq!(taken.rows.len(), 3);
    assert!(matches!(
        taken.rejected[0].reason,
        Reason::NotANumber { .. }
    ));
}

#[test]
fn the_two_line_entry_that_people_write_is_imported_as_it_is() {
    let text = r#"{"model_version": "v1.2", "input": {"age": 30}, "output": "approved", "timestamp": "2024-06-01T12:00:00Z"}"#;
    let source = Source::from_bytes("entries.jsonl", text.as_bytes());
    let mapping = guess(&source, &Mapping::default()).unwrap().mapping;
    let taken = import(&source, &mapping);
    assert_eq!(at(&taken.rows[0], "/model"), r#"{"version":"v1.2"}"#);
    assert_eq!(at(&taken.rows[0], "/input/age"), "30");
    assert_eq!(at(&taken.rows[0], "/output"), "\"approved\"");
    assert_eq!(at(&taken.rows[0], "/time"), "\"2024-06-01T12:00:00Z\"");
}

#[test]
fn white_space_between_members_does_not_change_the_id() {
    let mapping = with("columns.input = ['*']");
    let one = import(&json(r#"[{"a":1,"b":2}]"#), &mapping);
    let other = import(&json("{\"a\": 1,\n \"b\": 2}"), &mapping);
    assert_eq!(one.rows[0].id, other.rows[0].id);
}
