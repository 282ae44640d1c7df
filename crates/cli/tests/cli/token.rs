//! Tokens on the command line: made, listed and revoked in a home, with the secret on standard output alone and once.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::Place;

#[test]
fn a_token_is_printed_alone_and_once() {
    let place = Place::with_ledger();
    let made = place
        .run(&["token", "create", "--name", "loans-api", "--role", "ingest"])
        .succeeds()
        .says(&["ingest on all ledgers", "not shown again", "token revoke"]);
    let token = made.out.strip_suffix('\n').unwrap();
    assert!(token.starts_with("cbk_1") && token.len() == 41, "{token}");
    assert!(!made.err.contains(token));
    let file = place.path("causebook/tokens.json");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!fs::read_to_string(&file).unwrap().contains(token));
    let listed = place.run(&["token", "ls"]).succeeds();
    assert!(!listed.out.contains(token));
    assert_eq!(listed.lines()[0]["name"], "loans-api");
}

#[test]
fn a_token_is_listed_with_what_it_may_do_until_it_is_revoked() {
    let place = Place::with_ledger();
    place.run(&["token", "ls"]).succeeds();
    let made = place
        .run(&[
            "token",
            "create",
            "--name",
            "ann",
            "--role",
            "engineer",
            "--role",
            "auditor",
            "--on-ledger",
            "main",
            "--on-ledger",
            "cards",
            "--expires-days",
            "7",
            "--format",
            "json",
        ])
        .succeeds()
        .says(&["there is no ledger \"cards\" here yet"])
        .json();
    assert_eq!(made["roles"], serde_json::json!(["engineer", "auditor"]));
    assert_eq!(made["ledgers"], serde_json::json!(["cards", "main"]));
    assert_eq!(made["created_by"], "local:tester");
    let id = made["id"].as_str().unwrap();
    let table = place.run(&["token", "ls", "--format", "table"]).succeeds();
    table.prints(&[id, "engineer, auditor", "cards, main", "active"]);
    place
        .run(&["token", "revoke", id])
        .succeeds()
        .prints(&["Revoked", id]);
    let listed = place
        .run(&["token", "ls", "--format", "json"])
        .succeeds()
        .json();
    assert_eq!(listed[0]["state"], "revoked");
    assert!(listed[0].get("token").is_none());
}

#[test]
fn processes_that_make_tokens_at_the_same_time_lose_none() {
    let place = Place::with_ledger();
    let children: Vec<_> = (0..12)
        .map(|nth| {
            let name = format!("n{nth}");
            place.spawn(&["token", "create", "--name", &name, "--role", "ingest"])
        })
        .collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(place.run(&["token", "ls"]).succeeds().lines().len(), 12);
}

#[test]
fn what_cannot_be_a_token_is_refused_with_advice() {
    let place = Place::with_ledger();
    let create = |more: &[&str]| {
        let base = ["token", "create", "--name"];
        place.run(&[&base[..], more].concat())
    };
    create(&["a", "--role", "root"])
        .ends_with(2)
        .says(&["ingest, engineer, compliance, auditor, admin"]);
    create(&["a b", "--role", "ingest"])
        .ends_with(2)
        .says(&["cannot name a token"]);
    create(&["a"]).ends_with(2).says(&["--role"]);
    create(&["a", "--role", "ingest", "--on-ledger", "access"])
        .ends_with(2)
        .says(&["cannot be granted by name"]);
    create(&["a", "--role", "ingest", "--on-ledger", "../x"]).ends_with(2);
    create(&["a", "--role", "ingest", "--expires-days", "367"])
        .ends_with(2)
        .says(&["1 to 366 days"]);
    create(&[
        "a",
        "--role",
        "ingest",
        "--expires-days",
        "367",
        "--long-lived",
    ])
    .succeeds();
    let problem = place
        .run(&["token", "revoke", "nosuch", "--format", "json"])
        .ends_with(3)
        .problem();
    assert_eq!(problem["code"], "no-token");
}

#[test]
fn without_a_home_there_are_no_tokens_and_none_is_made() {
    let place = Place::new();
    place
        .run(&["token", "create", "--name", "a", "--role", "admin"])
        .ends_with(3)
        .says(&["there is no home at causebook", "causebook init"]);
    assert!(!place.path("causebook").exists());
}

#[test]
fn a_damaged_token_file_is_named_and_left_as_it_is() {
    let place = Place::with_ledger();
    place.write("causebook/tokens.json", "{\"format\": 1, \"tok");
    let mut permissions = fs::metadata(place.path("causebook/tokens.json"))
        .unwrap()
        .permissions();
    permissions.set_mode(0o600);
    fs::set_permissions(place.path("causebook/tokens.json"), permissions).unwrap();
    for arguments in [
        &["token", "ls"][..],
        &["token", "create", "--name", "a", "--role", "admin"],
    ] {
        place
            .run(arguments)
            .ends_with(1)
            .says(&["causebook/tokens.json", "restore"]);
    }
    assert_eq!(place.read("causebook/tokens.json"), "{\"format\": 1, \"tok");
}

#[test]
fn a_server_that_others_reach_is_not_served_before_a_token_is_made() {
    let place = Place::with_ledger();
    for setting in [
        ["--listen", "0.0.0.0:0"],
        ["--public-url", "https://causebook.bank.example"],
    ] {
        let refused = place.run(&["--format", "json", "serve", setting[0], setting[1]]);
        let problem = refused.ends_with(2).problem();
        assert_eq!(problem["code"], "open-to-all");
        let hint = problem["hint"].as_str().unwrap();
        assert!(hint.contains("causebook token create"), "{hint}");
    }
}
