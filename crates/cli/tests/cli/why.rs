//! Why, models and replays, on the demo's ledger and on one that is filled here, in a folder and on a server.

use std::path::Path;

use crate::harness::{Place, Run};
use crate::server::Server;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/german-credit");

fn demo() -> Place {
    let place = Place::new();
    place.run(&["demo"]).succeeds();
    place
}

fn ask(place: &Place, arguments: &[&str]) -> Run {
    place.run(&[&["--home", "causebook-demo"], arguments].concat())
}

/// A ledger with the decisions of the example and no model.
fn decided() -> Place {
    let place = Place::with_ledger();
    let records = std::fs::read_to_string(Path::new(EXAMPLE).join("records.ndjson")).unwrap();
    let decisions: Vec<&str> = records
        .lines()
        .filter(|line| line.contains("\"kind\":\"decision\""))
        .collect();
    assert_eq!(decisions.len(), 200);
    place.run_with(&["record"], decisions.join("\n")).succeeds();
    place
}

fn example(name: &str) -> String {
    format!("{EXAMPLE}/{name}")
}

const NAMED: [&str; 4] = ["--name", "credit-risk", "--version", "1.0.0"];

#[test]
fn a_denial_of_the_demo_is_explained_from_its_record_alone() {
    let place = demo();
    ask(&place, &["why", "GC-0557"]).succeeds().prints(&[
        "Denied: the probability of default, 0.578, is 0.0781 above the threshold of 0.5",
        "Replay  [recomputed]",
        "BIT_EXACT",
        "Principal reasons  [recorded]",
        "1. Delinquent past or present credit obligations",
        "interventional TreeSHAP  [recomputed]",
        "who passed nearest",
        "Smallest change found  [recomputed]",
        "8 months",
        "[inferred from history]",
        "Proof  [recorded]",
    ]);
    let why = ask(&place, &["why", "GC-0557", "--json"]).succeeds().json();
    assert_eq!(why["format"], "causebook.why/1");
    assert_eq!(why["replay"]["content"]["verdict"], "BIT_EXACT");
    assert_eq!(why["contrast"]["content"]["compared"], 199);
    let changes = why["counterfactuals"]["content"]["found"]
        .as_array()
        .unwrap();
    assert!(
        changes
            .iter()
            .all(|it| it["decision"] != "deny" && it["score"].as_f64() < Some(0.5))
    );
}

#[test]
fn a_page_needs_nothing_beside_it_and_keeps_others_from_the_subject() {
    let place = demo();
    ask(
        &place,
        &["why", "GC-0557", "--html", "page.html", "--for", "subject"],
    )
    .succeeds();
    let page = place.read("page.html");
    let contrast = ask(&place, &["why", "GC-0557", "--json"]).succeeds().json();
    let other = contrast["contrast"]["content"]["opposite"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        page.starts_with("<!doctype html>"),
        "{}",
        page.get(..80).unwrap_or_default()
    );
    for absent in ["<script", "http://", "https://", other.as_str()] {
        assert!(!page.contains(absent), "{absent} stands on the page");
    }
    ask(&place, &["why", "GC-0557", "--html", "-"])
        .succeeds()
        .prints(&[&other]);
    let subject = ask(&place, &["why", "GC-0557", "--json", "--for", "subject"]).succeeds();
    assert!(!subject.json()["withheld"].as_array().unwrap().is_empty());
}

#[test]
fn a_model_is_registered_its_mapping_proposed_and_its_decisions_replayed() {
    let place = decided();
    place
        .run(&["model", "list"])
        .succeeds()
        .says(&["credit-risk 1.0.0: not registered"]);
    place
        .run(&["doctor"])
        .prints(&["200 decisions are by models that are not registered"]);
    place
        .run(&["why", "GC-0557"])
        .succeeds()
        .prints(&["NOT_REPLAYABLE", "is not registered"]);
    let model = example("model.json");
    let add = [&["model", "add", model.as_str()], &NAMED[..]].concat();
    let proposed = place
        .run(&[add.as_slice(), &["--dry-run"]].concat())
        .succeeds()
        .json();
    assert_eq!(
        proposed["registration"]["features"]
            .as_array()
            .unwrap()
            .len(),
        17
    );
    place
        .run(&["model", "list"])
        .succeeds()
        .says(&["not registered"]);
    place
        .run(&add)
        .succeeds()
        .prints(&["registered credit-risk 1.0.0", "200  BIT_EXACT"]);
    place
        .run(&["replay"])
        .succeeds()
        .prints(&["200 decisions replayed", "200  BIT_EXACT"]);
    // The same again is the same; something else under the same name and version is not.
    place.run(&add).succeeds();
    let other = [add.as_slice(), &["--framework", "xgboost 9"]].concat();
    place
        .run(&other)
        .ends_with(1)
        .says(&["a version is registered once"]);
    let listed = place
        .run(&["model", "list", "--format", "json"])
        .succeeds()
        .json();
    assert_eq!(listed[0]["format"], "xgboost-json");
    assert_eq!(listed[0]["warnings"].as_array().unwrap().len(), 0);
    place
        .run(&["model", "show", "credit-risc"])
        .ends_with(3)
        .says(&["did you mean credit-risk?"]);
    place
        .run(&["model", "show", "credit-risk"])
        .succeeds()
        .prints(&["\"registration\""]);
}

#[test]
fn what_a_registration_gets_wrong_is_named_and_nothing_is_recorded() {
    let place = decided();
    let good = std::fs::read_to_string(example("registration.json")).unwrap();
    let model = example("model.json");
    let cases = [
        (
            good.replacen("\"status=A11\"", "\"status=A99\"", 1),
            "status=A99",
        ),
        (
            good.replace("\"below\": 0.5", "\"below\": 0.3"),
            "/policy/bands",
        ),
        (
            good.replace("Length of employment", "Insufficient score"),
            "1002.9",
        ),
        (
            good.replace(
                "\"adverse\": [\n      \"deny\"",
                "\"adverse\": [\n      \"denied\"",
            ),
            "no band decides",
        ),
        ("{\"featurs\": []}".to_owned(), "featurs"),
        ("[".to_owned(), "cannot be read"),
    ];
    for (text, said) in cases {
        place.write("registration.json", text);
        let add = [
            "model",
            "add",
            model.as_str(),
            "--registration",
            "registration.json",
        ];
        place
            .run(&[&add[..], &NAMED].concat())
            .ends_with(1)
            .says(&[said]);
    }
    place.write(
        "reasons.json",
        r#"{"version":"2","entries":[{"code":"A","field":"/input/age","text":"Low score"}]}"#,
    );
    place
        .run(&["model", "set", "credit-risk", "--reasons", "reasons.json"])
        .ends_with(1)
        .says(&["1002.9"]);
    place
        .run(&["model", "set", "credit-risk"])
        .ends_with(2)
        .says(&["nothing is set"]);
    assert_eq!(
        place
            .run(&["ls", "--kind", "model", "--format", "ndjson"])
            .succeeds()
            .lines()
            .len(),
        0
    );
}

#[test]
fn a_file_that_cannot_be_run_is_kept_and_said_not_to_be() {
    let place = decided();
    place.write(
        "model.pkl",
        b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix",
    );
    let add = [&["model", "add", "model.pkl"], &NAMED[..]].concat();
    place
        .run(&add)
        .succeeds()
        .says(&["is kept, but not run", "never executed"]);
    place
        .run(&["replay", "GC-0557"])
        .succeeds()
        .prints(&["1  NOT_REPLAYABLE"]);
}

#[test]
fn a_model_that_says_something_else_is_a_mismatch_and_ends_with_20() {
    let place = decided();
    let registration = std::fs::read_to_string(example("registration.json")).unwrap();
    // The same inputs, two of them exchanged.
    let twisted = registration
        .replace("\"input\": \"duration\"", "\"input\": \"x\"")
        .replace("\"input\": \"credit_amount\"", "\"input\": \"duration\"")
        .replace("\"input\": \"x\"", "\"input\": \"credit_amount\"");
    place.write("registration.json", twisted);
    let model = example("model.json");
    let add = [
        "model",
        "add",
        model.as_str(),
        "--registration",
        "registration.json",
    ];
    place
        .run(&[&add[..], &NAMED].concat())
        .succeeds()
        .prints(&["MISMATCH"]);
    place
        .run(&["replay"])
        .ends_with(20)
        .prints(&["MISMATCH", "/score is recorded as"]);
    let why = place.run(&["why", "GC-0557", "--json"]).succeeds().json();
    assert!(why["counterfactuals"]["absent"].is_string());
}

#[test]
fn a_replay_can_be_recorded_and_a_program_asked_again() {
    let place = demo();
    ask(&place, &["replay", "GC-0557", "GC-0664", "--append"])
        .succeeds()
        .prints(&["2  BIT_EXACT"]);
    let recorded = ask(
        &place,
        &[
            "ls",
            "--filter",
            "kind:config config.replay.decisions:2",
            "--format",
            "ndjson",
        ],
    );
    assert_eq!(recorded.succeeds().lines().len(), 1);
    let runner = "cat > /dev/null; echo '{\"margin\": 0.3149835467338562, \"probability_bad\": 0.5781012177467346}'";
    ask(
        &place,
        &["replay", "GC-0557", "--runner", runner, "--times", "3"],
    )
    .succeeds()
    .prints(&["3 of 3 re-runs agree", "No re-run proves"]);
    ask(&place, &["replay", "GC-0557", "--runner", "false"])
        .ends_with(1)
        .says(&["false failed"]);
}

#[test]
fn a_server_answers_as_a_folder_does() {
    let server = Server::over(decided(), &["auditor", "engineer", "ingest", "compliance"]);
    let model = example("model.json");
    let registration = example("registration.json");
    let add = [
        "model",
        "add",
        model.as_str(),
        "--registration",
        registration.as_str(),
    ];
    server
        .there(&[&add[..], &NAMED].concat())
        .succeeds()
        .prints(&["200  BIT_EXACT"]);
    for question in [
        &["why", "GC-0557"][..],
        &["why", "GC-0557", "--for", "subject"],
        &["model", "list"],
        &["replay"],
        &["why", "GC-9999"],
        &["why", "credit-risk@1.0.0"],
    ] {
        let (here, there) = (server.here(question), server.there(question));
        // The head may have grown between the two.
        let said = |run: &Run| -> Vec<String> {
            let lines = run.out.lines().filter(|line| !line.contains("signed head"));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(said(&here), said(&there), "{question:?}");
        assert_eq!(here.code, there.code, "{question:?}");
    }
}

const LETTER: [&str; 6] = [
    "--creditor",
    "First Bank",
    "--address",
    "1 Main Street",
    "--agency",
    "Bureau of Consumer Financial Protection",
];

#[test]
fn a_notice_gives_the_principal_reasons_and_its_bytes_are_recorded() {
    let place = demo();
    let notice = [
        &[
            "notice",
            "GC-0557",
            "-o",
            "notice.txt",
            "--record",
            "--date",
            "2026-06-02",
        ],
        &LETTER[..],
    ]
    .concat();
    ask(&place, &notice).succeeds().says(&["recorded as"]);
    let text = place.read("notice.txt");
    assert!(
        text.contains("  1. Delinquent past or present credit obligations\n  2. Purpose of loan\n"),
        "{text}"
    );
    assert!(text.contains("Equal Credit Opportunity Act"));
    let records = ask(&place, &["ls", "--kind", "notice", "--format", "ndjson"])
        .succeeds()
        .lines();
    let digest = records[0]["notice"]["text"].as_str().unwrap();
    assert_eq!(records[0]["attachments"][0]["digest"], digest);
    assert_eq!(records[0]["notice"]["reasons"].as_array().unwrap().len(), 4);
    ask(&place, &["why", "GC-0557"])
        .succeeds()
        .prints(&["notice"]);
    let approved = [&["notice", "GC-0664"], &LETTER[..]].concat();
    ask(&place, &approved)
        .ends_with(1)
        .says(&["not known to be adverse"]);
}

#[test]
fn a_notice_leaves_no_principal_reason_out() {
    let place = demo();
    place.write(
        "reasons.json",
        r#"{"version":"2","entries":[{"code":"PURP","field":"/input/purpose","text":"Purpose of loan"}]}"#,
    );
    ask(
        &place,
        &["model", "set", "credit-risk", "--reasons", "reasons.json"],
    )
    .succeeds();
    // The new dictionary holds for later decisions only; so it is asked for one that comes now.
    let decision = ask(&place, &["show", "GC-0557", "--raw"]).succeeds().out;
    let later = decision.replace("\"GC-0557\"", "\"later\"");
    let later: serde_json::Value = serde_json::from_str(&later).unwrap();
    let mut later = later.as_object().unwrap().clone();
    for set in ["recorded", "time_assumed"] {
        later.remove(set);
    }
    place.write("later.json", serde_json::Value::Object(later).to_string());
    let home = ["--home", "causebook-demo", "record"];
    place.run_with(&home, place.read("later.json")).succeeds();
    let notice = [&["notice", "later"], &LETTER[..]].concat();
    ask(&place, &notice)
        .ends_with(1)
        .says(&["/input/credit_history", "none may be left out"]);
}
