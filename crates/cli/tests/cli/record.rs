//! Recording: what is accepted, what is refused, and that nothing is left half done.

use crate::harness::{LOANS, Place};

#[test]
fn a_batch_gives_a_receipt_a_record() {
    let place = Place::with_ledger();
    let run = place
        .run_with(&["record"], LOANS)
        .succeeds()
        .says(&["2 read: 2 recorded"]);
    let receipts = run.lines();
    assert_eq!(receipts[0]["id"], "loan-0001");
    assert_eq!(receipts[1]["index"], 1);
    assert_eq!(receipts[1]["digest"].as_str().unwrap().len(), 64);
}

#[test]
fn the_same_record_again_gets_its_first_receipt() {
    let place = Place::with_loans();
    let again = place
        .run_with(&["record"], LOANS)
        .succeeds()
        .says(&["0 recorded, 2 already there"]);
    assert_eq!(again.lines()[1]["repeated"], true);
    assert_eq!(again.lines()[1]["index"], 1);
}

#[test]
fn another_record_under_a_taken_id_is_a_conflict() {
    let place = Place::with_loans();
    let other = r#"{"id":"loan-0001","model":{"name":"credit"},"output":"denied"}"#;
    place
        .run_with(&["record"], other)
        .ends_with(1)
        .says(&["loan-0001", "taken", "index 0"]);
}

#[test]
fn an_erased_record_is_not_taken_back() {
    let place = Place::with_loans();
    let erase = ["erase", "loan-0001", "--reason", "asked to", "--yes"];
    place.run(&erase).succeeds();
    place
        .run_with(&["record", "--keep-going"], LOANS)
        .ends_with(1)
        .says(&["loan-0001", "has been erased", "take it out", "1 refused"]);
}

#[test]
fn what_refers_to_nothing_is_refused_unless_it_comes_later() {
    let place = Place::with_loans();
    let outcome =
        r#"{"id":"o-1","kind":"outcome","refers_to":"loan-9","outcome":{"label":"repaid"}}"#;
    place
        .run_with(&["record"], outcome)
        .ends_with(1)
        .says(&["no record has the id \"loan-9\"", "--allow-missing-target"]);
    let (decision, both) = (
        r#"{"id":"loan-9","model":"m","output":1}"#,
        ["record", "--keep-going"],
    );
    // A batch may hold both, in their order.
    place
        .run_with(&both, format!("{outcome}\n{decision}\n"))
        .ends_with(1)
        .says(&["1 recorded", "1 refused"]);
    place.run_with(&["record"], outcome).succeeds();
    let late = outcome.replace("loan-9", "loan-10").replace("o-1", "o-2");
    place
        .run_with(&["record", "--allow-missing-target"], late)
        .succeeds();
}

#[test]
fn the_two_line_entry_of_today_is_a_record() {
    let place = Place::with_ledger();
    let entry = r#"{"model_version": "v1.2", "input": {"age": 30}, "output": "approved", "timestamp": "2024-06-01 12:00:00"}"#;
    let id = place.run_with(&["record"], entry).succeeds().lines()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let line = place.run(&["show", &id, "--format", "line"]).succeeds().out;
    assert_eq!(
        line,
        "2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved\n"
    );
}

#[test]
fn flags_make_a_record_and_keep_digits() {
    let place = Place::with_ledger();
    let flags = [
        "record",
        "--id",
        "flag-1",
        "--model",
        "credit@1",
        "--input",
        "age=30",
        "--input",
        "amount=10.50",
    ];
    place
        .run(
            &[
                &flags[..],
                &[
                    "--input", "name=Ada", "--output", "approved", "--score", "-0.5",
                ],
            ]
            .concat(),
        )
        .succeeds();
    let raw = place.run(&["show", "flag-1", "--raw"]).succeeds().out;
    assert!(
        raw.contains(r#""input":{"age":30,"amount":10.50,"name":"Ada"}"#),
        "{raw}"
    );
    assert!(raw.contains(r#""score":-0.5"#), "{raw}");
    assert!(raw.contains(r#""by":"local:tester""#), "{raw}");
}

#[test]
fn a_document_may_be_laid_out_over_lines() {
    let place = Place::with_ledger();
    let text =
        "{\n  \"id\": \"wide-1\",\n  \"model\": {\n    \"name\": \"m\"\n  },\n  \"output\": 1\n}\n";
    place.write("one.json", text);
    place.run(&["record", "--file", "one.json"]).succeeds();
    place.run(&["show", "wide-1"]).succeeds();
}

#[test]
fn nothing_of_a_bad_batch_is_recorded() {
    let place = Place::with_ledger();
    place.write(
        "bad.ndjson",
        format!("{LOANS}{{\"input\":{{\"age\":30}},\"output\":1}}\n"),
    );
    let run = place.run(&["record", "--file", "bad.ndjson"]).ends_with(1);
    let run = run.says(&[
        "bad.ndjson:3",
        "model",
        "nothing was recorded, because 1 of 3",
        "--keep-going",
    ]);
    assert_eq!(run.out, "");
    assert_eq!(place.run(&["ls"]).succeeds().out, "");
}

#[test]
fn keep_going_records_the_good_ones_and_names_the_bad_ones() {
    let place = Place::with_ledger();
    let batch =
        format!("{{\"model\":\n{LOANS}not json\n{{\"model\":{{\"name\":\"m\"}},\"output\":NaN}}\n");
    let run = place
        .run_with(&["record", "--keep-going"], batch)
        .ends_with(1);
    let run = run.says(&[
        "stdin:1",
        "stdin:4",
        "stdin:5",
        "NaN is not JSON",
        "5 read: 2 recorded, 0 already there, 3 refused",
    ]);
    assert_eq!(run.lines().len(), 2);
    assert_eq!(place.run(&["ls"]).lines().len(), 2);
}

#[test]
fn each_kind_of_bad_input_is_told_with_its_place() {
    let place = Place::with_ledger();
    let deep = format!(
        r#"{{"model":{{"name":"m"}},"output":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let large = format!(
        r#"{{"model":{{"name":"m"}},"output":"{}"}}"#,
        "x".repeat(2 << 20)
    );
    let huge = format!(
        r#"{{"model":{{"name":"m"}},"output":"{}"}}"#,
        "x".repeat(5 << 20)
    );
    let cases = [
        ("{", "invalid-json", "stdin:1"),
        ("[1]", "not-an-object", "stdin:1"),
        (r#"{"model":{"name":"m"}}"#, "missing-member", "input"),
        (r#"{"output":1}"#, "missing-member", "model"),
        (
            r#"{"model":{"name":7},"output":1}"#,
            "wrong-type",
            "/model/name",
        ),
        (
            r#"{"model":{"name":"m"},"output":1,"output":2}"#,
            "duplicate-key",
            "/output",
        ),
        (
            r#"{"model":{"name":"m"},"output":1,"time":"2024-02-30T00:00:00Z"}"#,
            "invalid-time",
            "/time",
        ),
        (
            r#"{"model":{"name":"m"},"output":1,"time":1717243200}"#,
            "invalid-time",
            "/time",
        ),
        (
            r#"{"model":{"name":"m"},"output":NaN}"#,
            "invalid-json",
            "NaN",
        ),
        (
            r#"{"model":{"name":"m"},"output":"\ud800"}"#,
            "lone-surrogate",
            "/output",
        ),
        (
            r#"{"model":{"name":"m"},"outptu":1}"#,
            "unknown-member",
            "/outptu",
        ),
        (
            r#"{"model":{"name":"m"},"output":1,"recorded":{}}"#,
            "reserved-member",
            "/recorded",
        ),
        (deep.as_str(), "too-deep", "levels"),
        (large.as_str(), "record-too-large", "attachments"),
        (huge.as_str(), "input-too-large", "attachments"),
    ];
    for (text, code, place_or_word) in cases {
        let run = place
            .run_with(&["record", "--format", "json"], text)
            .ends_with(1);
        let problem = run.problem();
        let shown = &text[..text.len().min(80)];
        assert_eq!(problem["code"], code, "{shown}: {problem}");
        assert!(
            problem.to_string().contains(place_or_word),
            "{shown}: {problem}"
        );
        assert_eq!(run.out, "", "{shown}");
    }
    assert_eq!(place.run(&["ls"]).succeeds().out, "");
}

#[test]
fn a_misspelt_member_is_answered_with_the_right_name() {
    let place = Place::with_ledger();
    let run = place
        .run_with(&["record"], r#"{"model":{"name":"m"},"outptu":1}"#)
        .ends_with(1);
    run.says(&["error:", "at stdin:1", "hint:", "output"]);
}

#[test]
fn without_a_ledger_recording_says_how_to_make_one() {
    let place = Place::new();
    place
        .run_with(&["record"], LOANS)
        .ends_with(3)
        .says(&["causebook init"]);
    assert!(!place.path("causebook").exists());
}

#[test]
fn a_file_kept_beside_the_ledger_is_named_by_its_digest() {
    let place = Place::with_ledger();
    place.write("model.bin", "weights");
    let digest = place.run(&["attach", "model.bin"]).succeeds().out;
    assert_eq!(digest, format!("sha256:{}\n", sha256("weights")));
    let entry = place
        .run(&["attach", "model.bin", "--format", "json"])
        .succeeds()
        .json();
    assert_eq!(entry["size"], 7);
    assert_eq!(entry["name"], "model.bin");
}

/// By the system's own tool, so that the digest is not checked against itself.
fn sha256(text: &str) -> String {
    let place = Place::new();
    place.write("text", text);
    let output = std::process::Command::new("sha256sum")
        .arg(place.path("text"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}
