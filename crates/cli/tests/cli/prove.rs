//! Verifying, proving, checking and erasing: what holds is told from what does not, each by its exit code.

use std::fs;
use std::path::PathBuf;

use crate::harness::{LOANS, Place, files_below};

/// The table's only Parquet file, after the records of the ledger were moved into it.
fn table_file(place: &Place) -> PathBuf {
    let files = files_below(&place.path("causebook/ledgers/main/table"));
    files
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "parquet"))
        .unwrap()
}

#[test]
fn an_untouched_ledger_is_intact() {
    let place = Place::with_loans();
    place.run(&["verify"]).succeeds().prints(&[
        "INTACT",
        "2 records are as they were signed",
        "example.com/test",
    ]);
    place
        .run(&["verify", "--quick"])
        .succeeds()
        .prints(&["INTACT", "the log continues the 2 records you last saw"]);
    place
        .run(&["verify", "--id", "loan-0002"])
        .succeeds()
        .prints(&["1 record is as it was signed"]);
    place
        .run(&["verify", "--since", "1"])
        .succeeds()
        .prints(&["1 record is as it was signed"]);
    place
        .run(&["verify", "--since", "1h"])
        .succeeds()
        .prints(&["2 records"]);
    let report = place.run(&["verify", "--format", "json"]).succeeds().json();
    assert_eq!(report["intact"], true);
    assert_eq!(report["records_checked"], 2);
    place.run(&["verify", "--id", "loan-9999"]).ends_with(3);
    place.run(&["verify", "--since", "whenever"]).ends_with(2);
    place
        .run(&["verify", "--since", "99"])
        .ends_with(2)
        .says(&["it has 2 records"]);
}

#[test]
fn a_ledger_put_back_to_an_earlier_state_is_found_out() {
    let place = Place::with_loans();
    let (ledger, copy) = (place.path("causebook"), place.path("copy"));
    copy_folder(&ledger, &copy);
    place
        .run_with(&["record"], LOANS.replace("loan-", "late-"))
        .succeeds();
    place.run(&["verify"]).succeeds().prints(&["4 records"]);
    fs::remove_dir_all(&ledger).unwrap();
    fs::rename(&copy, &ledger).unwrap();
    let run = place.run(&["verify"]).ends_with(20).prints(&[
        "TAMPERED",
        "rolled-back",
        "you have seen 4 records",
    ]);
    run.says(&["hint:"]);
    place
        .run(&["verify", "--forgetful"])
        .succeeds()
        .prints(&["INTACT"]);
    // What was seen is not forgotten by looking again.
    place.run(&["verify", "--quick"]).ends_with(20);
}

#[test]
fn a_changed_log_is_tampering_and_an_unreadable_one_is_not() {
    let place = Place::with_loans();
    let checkpoint = place.path("causebook/ledgers/main/log/checkpoint");
    let genuine = fs::read_to_string(&checkpoint).unwrap();
    let forged = genuine.replacen("\n2\n", "\n1\n", 1);
    assert_ne!(genuine, forged);
    fs::write(&checkpoint, forged).unwrap();
    let report = place
        .run(&["verify", "--format", "json"])
        .ends_with(20)
        .json();
    assert_eq!(report["findings"][0]["fault"], "wrong-key");
    fs::write(&checkpoint, genuine).unwrap();
    place.run(&["verify"]).succeeds();
    fs::write(place.path("causebook/ledgers/main/ledger.json"), "{}").unwrap();
    place.run(&["verify"]).ends_with(21).says(&["error:"]);
}

#[test]
fn evidence_shows_what_was_chosen_and_checks_without_the_ledger() {
    let place = Place::with_loans();
    let run = place
        .run(&[
            "prove",
            "loan-0002",
            "--show",
            "/input/income,/decision",
            "-o",
            "evidence.json",
        ])
        .succeeds();
    run.says(&["causebook check evidence.json"]);
    let evidence = place.read("evidence.json");
    assert!(
        !evidence.contains("s-1") && !evidence.contains("denied"),
        "{evidence}"
    );
    fs::remove_dir_all(place.path("causebook")).unwrap();
    let run = place.run(&["check", "evidence.json"]).succeeds();
    run.prints(&["loan-0002", "31000", "deny", "2 records", "self-asserted"]);
    let altered = evidence.replace("31000", "91000");
    assert_ne!(altered, evidence);
    place.write("altered.json", altered);
    place
        .run(&["check", "altered.json"])
        .ends_with(20)
        .prints(&["FALSE"]);
    place.write("cut.json", &evidence[..evidence.len() / 2]);
    place
        .run(&["check", "cut.json"])
        .ends_with(21)
        .says(&["error:"]);
    place
        .run(&["check", "absent.json"])
        .ends_with(21)
        .says(&["absent.json", "No such file"]);
}

#[test]
fn evidence_is_held_against_the_key_one_trusts() {
    let place = Place::with_loans();
    let keys = |place: &Place| -> Vec<String> {
        let identity: serde_json::Value =
            serde_json::from_str(&place.read("causebook/ledgers/main/ledger.json")).unwrap();
        identity["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap().to_owned())
            .collect()
    };
    place
        .run(&["prove", "loan-0001", "-o", "evidence.json"])
        .succeeds();
    let own = keys(&place);
    place
        .run(&["check", "evidence.json", "--key", &own[0]])
        .succeeds()
        .prints(&["trusted"]);
    place.write(
        "keys.txt",
        format!("# the bank's keys\n{}\n\n{}\n", own[0], own[1]),
    );
    place
        .run(&["check", "evidence.json", "--keys", "keys.txt"])
        .succeeds();
    let other = keys(&Place::with_loans());
    place
        .run(&["check", "evidence.json", "--key", &other[0]])
        .ends_with(20);
    place
        .run(&["check", "evidence.json", "--key", "nonsense"])
        .ends_with(2);
    let report = place
        .run(&[
            "check",
            "evidence.json",
            "--key",
            &own[0],
            "--format",
            "json",
        ])
        .succeeds()
        .json();
    assert_eq!(report["records"][0]["record"]["id"], "loan-0001");
}

#[test]
fn a_slip_in_what_to_show_is_not_taken_for_a_secret() {
    let place = Place::with_loans();
    place
        .run(&["prove", "loan-0002", "--show", "/input/incom"])
        .ends_with(2)
        .says(&["did you mean /input/income?"]);
    place
        .run(&["prove", "loan-0002", "--show", "income"])
        .ends_with(2)
        .says(&["JSON Pointer"]);
    place.run(&["prove", "loan-9999"]).ends_with(3);
}

#[test]
fn linked_records_are_proven_with_it() {
    let place = Place::with_loans();
    let outcome =
        r#"{"id":"out-0002","kind":"outcome","refers_to":"loan-0002","outcome":{"label":"paid"}}"#;
    place.run_with(&["record"], outcome).succeeds();
    place
        .run(&["prove", "loan-0002", "--linked", "-o", "linked.json"])
        .succeeds();
    place
        .run(&["check", "linked.json"])
        .succeeds()
        .prints(&["loan-0002", "out-0002", "paid"]);
}

#[test]
fn erased_values_are_gone_and_proofs_still_hold() {
    let place = Place::with_loans();
    let secret = LOANS
        .replace("loan-", "secret-")
        .replace("s-1", "Xyzzy-Quux-Person");
    place.run_with(&["record"], secret).succeeds();
    place
        .run(&[
            "erase",
            "secret-0001",
            "--fields",
            "/subject",
            "--reason",
            "asked to",
        ])
        .ends_with(2)
        .says(&["--yes"]);
    let run = place.run(&[
        "erase",
        "secret-0001",
        "--fields",
        "/subject,/input/age",
        "--reason",
        "asked to",
        "--yes",
    ]);
    run.succeeds()
        .prints(&["Erased /subject, /input/age of secret-0001"]);
    place
        .run(&["erase", "secret-0002", "--reason", "asked to", "--yes"])
        .succeeds()
        .prints(&["all content of secret-0002"]);
    for file in files_below(&place.path("causebook")) {
        let bytes = fs::read(&file).unwrap();
        let needle = b"Xyzzy-Quux-Person";
        assert!(
            !bytes.windows(needle.len()).any(|window| window == needle),
            "{}",
            file.display()
        );
    }
    place
        .run(&["verify"])
        .succeeds()
        .prints(&["INTACT", "1 in part, 1 in whole"]);
    place.run(&["show", "secret-0001"]).succeeds().prints(&[
        "2 of",
        "facts were erased",
        "asked to",
    ]);
    place
        .run(&["show", "secret-0002"])
        .succeeds()
        .prints(&["content was erased"]);
    place.run(&["show", "secret-0002", "--raw"]).ends_with(3);
    place
        .run(&["prove", "secret-0001", "-o", "partly.json"])
        .succeeds();
    place
        .run(&["check", "partly.json"])
        .succeeds()
        .prints(&["52000.50"]);
    place
        .run(&[
            "erase",
            "secret-0001",
            "--fields",
            "/id",
            "--reason",
            "r",
            "--yes",
        ])
        .ends_with(1)
        .says(&["cannot be erased"]);
    place
        .run(&[
            "erase",
            "secret-0001",
            "--fields",
            "/subjct",
            "--reason",
            "r",
            "--yes",
        ])
        .ends_with(2);
}

#[test]
fn an_altered_table_is_found_and_named() {
    let place = Place::with_loans();
    place
        .run(&[
            "erase",
            "loan-0001",
            "--fields",
            "/subject",
            "--reason",
            "moves all to the table",
            "--yes",
        ])
        .succeeds();
    let file = table_file(&place);
    let mut bytes = fs::read(&file).unwrap();
    let (from, to) = (bytes.len() / 8, bytes.len() / 2);
    bytes[from..to]
        .iter_mut()
        .step_by(7)
        .for_each(|byte| *byte ^= 0xff);
    fs::write(&file, bytes).unwrap();
    let run = place.run(&["verify"]).ends_with(20);
    run.prints(&["TAMPERED"]);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for file in files_below(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}
