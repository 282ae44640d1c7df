//! Finding and reading back: what was recorded is what is shown, in every form.

use std::io::{BufRead, BufReader};

use crate::harness::{LOANS, Place};

#[test]
fn the_newest_record_is_listed_first() {
    let place = Place::with_loans();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let lines = place.run(arguments).succeeds().lines();
        lines
            .iter()
            .map(|line| line["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&["ls"]), ["loan-0002", "loan-0001"]);
    assert_eq!(ids(&["ls", "--oldest"]), ["loan-0001", "loan-0002"]);
    assert_eq!(ids(&["ls", "-n", "1"]), ["loan-0002"]);
}

#[test]
fn each_filter_keeps_what_it_names() {
    let place = Place::with_loans();
    let outcome =
        r#"{"id":"out-0001","kind":"outcome","refers_to":"loan-0002","outcome":{"label":"paid"}}"#;
    place.run_with(&["record"], outcome).succeeds();
    let cases: [(&[&str], &[&str]); 12] = [
        (&["--subject", "s-1"], &["loan-0002", "loan-0001"]),
        (&["--subject", "s-1", "--decision", "deny"], &["loan-0002"]),
        (&["--model", "credit"], &["loan-0002", "loan-0001"]),
        (&["--model", "credit@1"], &["loan-0001"]),
        (&["--kind", "outcome"], &["out-0001"]),
        (&["--refers-to", "loan-0002"], &["out-0001"]),
        (&["--trace", "abc123"], &["loan-0002"]),
        (
            &["--since", "2024-06-02", "--kind", "decision"],
            &["loan-0002"],
        ),
        (&["--until", "2024-06-02T12:00:00Z"], &["loan-0001"]),
        (&["--since", "1h"], &["out-0001"]),
        (&["--subject", "nobody"], &[]),
        (&["--decision", "approve"], &["loan-0001"]),
    ];
    for (filter, expected) in cases {
        let lines = place.run(&[&["ls"], filter].concat()).succeeds().lines();
        let ids: Vec<&str> = lines
            .iter()
            .map(|line| line["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
}

#[test]
fn a_filter_means_the_same_in_every_command() {
    let place = Place::with_loans();
    let cases: [(&[&str], &[&str]); 8] = [
        (&["--filter", "subject:s-1"], &["loan-0002", "loan-0001"]),
        (&["--filter", "subject:s-1 decision:deny"], &["loan-0002"]),
        (&["--filter", "decision:deny", "--model", "credit@1"], &[]),
        (&["--filter", "-decision:deny"], &["loan-0001"]),
        (&["--filter", "trace:abc123"], &["loan-0002"]),
        (&["--filter", "id:loan-0001"], &["loan-0001"]),
        (&["--filter", "index:0"], &["loan-0001"]),
        (&["--filter", "LOAN-0002 or nobody"], &["loan-0002"]),
    ];
    let ids = |arguments: &[&str]| -> Vec<String> {
        let lines = place.run(arguments).succeeds().lines();
        lines
            .iter()
            .map(|line| line["id"].as_str().unwrap().to_owned())
            .collect()
    };
    for (filter, expected) in cases {
        assert_eq!(ids(&[&["ls"], filter].concat()), expected, "{filter:?}");
        let mut oldest_first = expected.to_vec();
        oldest_first.reverse();
        assert_eq!(
            ids(&[&["tail"], filter].concat()),
            oldest_first,
            "{filter:?}"
        );
        if filter.len() == 2 {
            assert_eq!(
                ids(&[&["export"], filter].concat()),
                oldest_first,
                "{filter:?}"
            );
            let csv = place.run(&[&["export", "--format", "csv"], filter].concat());
            let rows = csv.succeeds().out.lines().count() - 1;
            assert_eq!(rows, expected.len(), "{filter:?}");
        }
    }
    place
        .run(&["ls", "--filter", "desicion:deny"])
        .ends_with(2)
        .says(&["at byte 0: no field", "did you mean \"decision\"?"]);
    place
        .run(&["help", "filter"])
        .succeeds()
        .prints(&["model:credit-risk@3.*"]);
}

#[test]
fn a_misspelt_kind_is_answered_with_the_right_one() {
    let place = Place::with_loans();
    place
        .run(&["ls", "--kind", "decison"])
        .ends_with(2)
        .says(&["did you mean `decision`?"]);
    place
        .run(&["ls", "--since", "soon"])
        .ends_with(2)
        .says(&["30m"]);
}

#[test]
fn a_list_comes_in_every_form() {
    let place = Place::with_loans();
    let list = |format: &str| place.run(&["ls", "--format", format]).succeeds().out;
    let table = list("table");
    assert!(table.starts_with("INDEX"), "{table}");
    assert!(
        table.contains("2024-06-02 12:00:00  loan-0002  decision  deny"),
        "{table}"
    );
    assert!(
        list("csv").contains("1,2024-06-02 12:00:00,loan-0002,decision,deny,0.720,credit@2,s-1\n")
    );
    assert!(list("markdown").contains("| 1 | 2024-06-02 12:00:00 | loan-0002 |"));
    let json: serde_json::Value = serde_json::from_str(&list("json")).unwrap();
    assert_eq!(json[0]["id"], "loan-0002");
    assert_eq!(
        list("line"),
        "2024-06-02 12:00:00 - Input: {'age': 30, 'income': 31000}, Output: denied\n\
         2024-06-01 12:00:00 - Input: {'age': 30, 'income': 52000.50}, Output: approved\n"
    );
    place
        .run(&["ls", "--format", "parquet"])
        .ends_with(2)
        .says(&["--format table|json|ndjson"]);
}

#[test]
fn a_narrow_terminal_gets_fewer_columns_not_broken_lines() {
    let place = Place::with_loans();
    for width in ["60", "80", "120"] {
        let mut command = place.command(&["ls", "--format", "table"]);
        let output = command.env("COLUMNS", width).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(
            text.lines()
                .all(|line| line.len() <= width.parse().unwrap()),
            "{text}"
        );
        assert!(
            text.contains("loan-0002") && text.contains("deny"),
            "{text}"
        );
    }
}

#[test]
fn one_record_is_shown_by_id_or_by_its_beginning() {
    let place = Place::with_loans();
    let page = place.run(&["show", "loan-0002"]).succeeds();
    page.prints(&[
        "loan-0002 (decision, 2024-06-02 12:00:00 UTC)",
        "Deny",
        "credit 2",
        "INTACT",
        "local:tester",
    ]);
    place
        .run(&["show", "loan-0001"])
        .succeeds()
        .prints(&["52000.50"]);
    place
        .run(&["show", "loan-"])
        .ends_with(2)
        .says(&["loan-0001", "loan-0002", "hint:"]);
    place
        .run(&["show", "loa"])
        .ends_with(2)
        .says(&["4 characters"]);
    place
        .run(&["show", "nothing-here"])
        .ends_with(3)
        .says(&["no record has the id"]);
    place
        .run(&["show", "loan-0002", "--format", "csv"])
        .ends_with(2)
        .says(&["does not print csv"]);
}

#[test]
fn what_was_sealed_is_printed_to_the_digit() {
    let place = Place::with_ledger();
    let text = r#"{"id":"digits","model":{"name":"m"},"input":{"a":1E400,"b":-0,"c":9007199254740993,"d":0.10},"output":1}"#;
    place.run_with(&["record"], text).succeeds();
    for arguments in [
        &["show", "digits", "--raw"][..],
        &["ls", "--format", "ndjson"],
    ] {
        let out = place.run(arguments).succeeds().out;
        assert!(
            out.contains(r#""input":{"a":1E400,"b":-0,"c":9007199254740993,"d":0.10}"#),
            "{out}"
        );
    }
    let json = place
        .run(&["show", "digits", "--format", "json"])
        .succeeds()
        .out;
    assert!(json.contains("\"a\": 1E400"), "{json}");
}

#[test]
fn hostile_text_cannot_steer_the_terminal() {
    let place = Place::with_ledger();
    let text = r#"{"id":"evil-1","model":{"name":"m"},"input":{"a\u001b[2J":"x\u009by"},"output":"\u001b]0;owned\u0007","decision":"\u202eyned"}"#;
    place.run_with(&["record"], text).succeeds();
    for arguments in [
        &["show", "evil-1"][..],
        &["ls", "--format", "table"],
        &["tail", "--format", "table"],
        &["diff", "evil-1", "evil-1"],
    ] {
        let out = place.run(arguments).succeeds().out;
        assert!(
            !out.chars().any(|c| c.is_control() && c != '\n') && !out.contains('\u{202e}'),
            "{out:?}"
        );
    }
}

#[test]
fn a_diff_says_what_changed_and_by_how_much() {
    let place = Place::with_loans();
    let run = place.run(&["diff", "loan-0001", "loan-0002"]).succeeds();
    let run = run.prints(&[
        "loan-0001 came to approve, loan-0002 to deny.",
        "input.income",
        "-21000.50",
        "model.version",
    ]);
    assert!(!run.out.contains("input.age"), "{}", run.out);
    let changes = place
        .run(&["diff", "loan-0001", "loan-0002", "--format", "json"])
        .succeeds()
        .json();
    let income = changes
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["path"] == "input.income")
        .unwrap();
    assert_eq!(income["from"].to_string(), "52000.50");
    place.run(&["diff", "loan-0001", "loan-9999"]).ends_with(3);
}

#[test]
fn tail_follows_what_another_process_records() {
    let place = Place::with_loans();
    let mut follower = place.spawn(&["tail", "-f", "-n", "1"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("loan-0002"));
    let later = r#"{"id":"loan-0003","model":{"name":"credit"},"output":"approved"}"#;
    place.run_with(&["record"], later).succeeds();
    assert!(lines.next().unwrap().unwrap().contains("loan-0003"));
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn sql_answers_over_what_was_just_recorded() {
    let place = Place::with_loans();
    let query = "SELECT decision, input->>'income' AS income FROM decisions ORDER BY \"index\"";
    let lines = place.run(&["sql", query]).succeeds().lines();
    assert_eq!(lines[0]["income"], "52000.50");
    assert_eq!(lines[1]["decision"], "deny");
    let table = place
        .run(&["sql", query, "--format", "table"])
        .succeeds()
        .out;
    assert!(
        table.contains("decision") && table.contains("31000"),
        "{table}"
    );
    let csv = place
        .run_with(&["sql", "--format", "csv"], query)
        .succeeds()
        .out;
    assert_eq!(csv, "decision,income\napprove,52000.50\ndeny,31000\n");
}

#[test]
fn bad_sql_is_a_usage_error_and_writing_is_refused() {
    let place = Place::with_loans();
    place
        .run(&["sql", "SELEC 1"])
        .ends_with(2)
        .says(&["error:"]);
    place
        .run(&["sql", "SELECT nope FROM records"])
        .ends_with(2)
        .says(&["nope"]);
    for statement in [
        "DROP TABLE records",
        "INSERT INTO records VALUES (1)",
        "COPY records TO '/x'",
    ] {
        place
            .run(&["sql", statement])
            .ends_with(2)
            .says(&["error:"]);
    }
}

#[test]
fn an_export_holds_everything() {
    let place = Place::with_loans();
    let lines = place.run(&["export"]).succeeds().lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["input"]["income"].to_string(), "52000.50");
    place
        .run(&["export", "--format", "parquet", "-o", "all.parquet"])
        .succeeds();
    assert!(
        std::fs::read(place.path("all.parquet"))
            .unwrap()
            .starts_with(b"PAR1")
    );
    place
        .run(&["export", "--format", "csv", "-o", "all.csv"])
        .succeeds();
    assert_eq!(place.read("all.csv").lines().count(), 3);
    place
        .run(&["export", "--format", "arrow", "-o", "all.arrow"])
        .succeeds();
    assert!(!std::fs::read(place.path("all.arrow")).unwrap().is_empty());
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let place = Place::with_ledger();
    let line =
        |n: u32| format!("{{\"id\":\"many-{n:05}\",\"model\":{{\"name\":\"m\"}},\"output\":{n}}}");
    let many: Vec<String> = (0..3000).map(line).collect();
    place.run_with(&["record"], many.join("\n")).succeeds();
    let mut child = place.spawn(&["ls", "--all"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn reading_needs_no_lock_and_writing_takes_turns() {
    let place = Place::with_loans();
    let lock = std::fs::File::open(place.path("causebook/ledgers/main/lock")).unwrap();
    lock.lock().unwrap();
    place.run(&["ls"]).succeeds();
    place.run(&["verify"]).succeeds();
    let later = LOANS.replace("loan-", "turn-");
    place
        .run_with(&["record"], later)
        .ends_with(1)
        .says(&["another process", "one process writes at a time"]);
}
