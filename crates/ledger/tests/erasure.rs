//! P6: content can be shown in part and erased, and every proof still holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use causebook_evidence::{Evidence, Trust, check};
use causebook_ledger::sim::SimDisk;
use causebook_ledger::{Disk, Erasure, Fault, Ledger, LedgerError};
use causebook_record::{Draft, Pointer, Selection, Stored};
use common::{Media, fill, verify};

const CANARY: &str = "Wilhelmina-Canary-48151623";

fn ledger_with_canary() -> (Media, Ledger) {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 5);
    let text = format!(
        r#"{{"id":"person","model":"m","input":{{"name":"{CANARY}","age":30}},"decision":"deny","subject":"{CANARY}-subject"}}"#
    );
    ledger
        .append(Draft::parse(text.as_bytes()).unwrap(), "tester", "test")
        .unwrap();
    fill(&ledger, 3);
    (media, ledger)
}

fn holds_canary(disk: &SimDisk) -> Vec<String> {
    let holds = |name: &String| {
        disk.read(name)
            .unwrap()
            .windows(CANARY.len())
            .any(|window| window == CANARY.as_bytes())
    };
    disk.files().into_iter().filter(holds).collect()
}

fn pointers(paths: &[&str]) -> Vec<Pointer> {
    paths.iter().map(|path| path.parse().unwrap()).collect()
}

#[test]
fn erased_facts_are_gone_from_every_byte_and_the_ledger_still_verifies() {
    let (media, ledger) = ledger_with_canary();
    assert!(
        !holds_canary(&media.disk).is_empty(),
        "the write-ahead log holds it at first"
    );
    let what = Erasure::Facts(pointers(&["/input/name", "/subject"]));
    let report = ledger
        .erase("person", &what, "request of the subject", "officer")
        .unwrap();
    assert_eq!((report.facts_erased, report.not_searched), (2, 0));
    assert!(report.bytes_searched > 0);
    assert_eq!(report.found_in_files, Vec::<String>::new());
    assert_eq!(holds_canary(&media.disk), Vec::<String>::new());
    let reader = ledger.reader();
    let row = reader.find("person").unwrap();
    assert!(!row.record.text().unwrap().contains(CANARY));
    assert!(row.record.text().unwrap().contains("\"age\":30"));
    assert!(
        reader
            .by_subject(&format!("{CANARY}-subject"))
            .unwrap()
            .is_empty()
    );
    let report = verify(&reader);
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!(report.redacted, 1);
}

#[test]
fn values_too_short_to_search_for_are_told() {
    let (_, ledger) = ledger_with_canary();
    let what = Erasure::Facts(pointers(&["/input/age", "/input/name"]));
    let report = ledger.erase("person", &what, "request", "officer").unwrap();
    assert_eq!((report.facts_erased, report.not_searched), (2, 1));
}

#[test]
fn an_erased_payload_leaves_id_place_and_proof() {
    let (media, ledger) = ledger_with_canary();
    ledger
        .erase(
            "person",
            &Erasure::Payload,
            "request of the subject",
            "officer",
        )
        .unwrap();
    assert_eq!(holds_canary(&media.disk), Vec::<String>::new());
    let row = ledger.reader().find("person").unwrap();
    assert_eq!(
        row.record,
        Stored::Erased {
            id: Some("person".into())
        }
    );
    ledger.close().unwrap();
    let report = media.verify();
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!(report.erased, 1);
}

#[test]
fn content_that_is_gone_without_a_record_of_its_erasure_is_tampering() {
    let (media, ledger) = ledger_with_canary();
    ledger.flush().unwrap();
    ledger.close().unwrap();
    media
        .table
        .tamper(|rows| rows[5].record = rows[5].record.clone().erase());
    let report = media.verify();
    assert_eq!(
        report
            .findings
            .first()
            .map(|finding| (finding.fault, finding.index)),
        Some((Fault::ErasedUnrecorded, Some(5)))
    );
}

#[test]
fn an_erased_row_far_beyond_the_log_is_an_added_one() {
    let (media, ledger) = ledger_with_canary();
    ledger.flush().unwrap();
    ledger.close().unwrap();
    media.table.tamper(|rows| {
        let record = Stored::Erased {
            id: Some("ghost".into()),
        };
        rows.push(causebook_ledger::Row {
            index: u64::MAX - 1,
            record,
        });
    });
    let faults: Vec<Fault> = media
        .verify()
        .findings
        .iter()
        .map(|finding| finding.fault)
        .collect();
    assert!(faults.contains(&Fault::Added), "{faults:?}");
}

#[test]
fn what_cannot_be_erased_is_refused_and_nothing_is_recorded() {
    let (_, ledger) = ledger_with_canary();
    let size = ledger.reader().size();
    for paths in [&["/id"][..], &["/nowhere"], &["/input/name", "/kind"]] {
        assert!(
            ledger
                .erase(
                    "person",
                    &Erasure::Facts(pointers(paths)),
                    "reason",
                    "officer"
                )
                .is_err()
        );
    }
    assert!(matches!(
        ledger.erase("nobody", &Erasure::Payload, "r", "o"),
        Err(LedgerError::NotFound { .. })
    ));
    assert_eq!(ledger.reader().size(), size);
}

#[test]
fn evidence_shows_what_was_selected_before_and_after_an_erasure() {
    let (_, ledger) = ledger_with_canary();
    let reader = ledger.reader();
    let keys = reader.identity().keys.clone();
    let index = reader.find("person").unwrap().index;
    ledger
        .wait_checkpoint(index + 1, common::SECONDS_10)
        .unwrap();
    let prove = |paths: &[&str]| {
        let evidence = reader
            .evidence(index, &Selection::Only(pointers(paths)), true)
            .unwrap();
        let parsed = Evidence::parse(evidence.to_json().as_bytes()).unwrap();
        let report = check(&parsed, &Trust::Keys(keys.clone())).unwrap();
        report.records[0].text().unwrap().to_owned()
    };
    assert_eq!(
        prove(&["/decision"]),
        r#"{"decision":"deny","id":"person","kind":"decision"}"#
    );
    ledger
        .erase(
            "person",
            &Erasure::Facts(pointers(&["/input/name"])),
            "request",
            "officer",
        )
        .unwrap();
    assert_eq!(
        prove(&["/input"]),
        r#"{"id":"person","input":{"age":30},"kind":"decision"}"#
    );
    ledger
        .erase("person", &Erasure::Payload, "request", "officer")
        .unwrap();
    let evidence = reader.evidence(index, &Selection::All, true).unwrap();
    let report = check(&evidence, &Trust::Keys(keys)).unwrap();
    assert_eq!(report.records[0].text(), None);
    assert_eq!(report.records.len(), 3, "the erasure records come along");
}

#[test]
fn evidence_of_a_linked_record_shows_the_link_whatever_was_selected() {
    let (_, ledger) = ledger_with_canary();
    let outcome =
        br#"{"id":"later","kind":"outcome","refers_to":"person","outcome":{"repaid":true}}"#;
    let index = ledger
        .append(Draft::parse(outcome).unwrap(), "tester", "test")
        .unwrap()
        .index;
    ledger
        .wait_checkpoint(index + 1, common::SECONDS_10)
        .unwrap();
    let reader = ledger.reader();
    let evidence = reader
        .evidence(index, &Selection::Only(pointers(&["/outcome"])), true)
        .unwrap();
    let report = check(&evidence, &Trust::Keys(reader.identity().keys.clone())).unwrap();
    assert_eq!(report.records.len(), 2);
    assert!(
        report.records[0]
            .text()
            .unwrap()
            .contains(r#""refers_to":"person""#)
    );
}

#[test]
fn erasing_again_after_a_crash_between_the_record_and_the_act_finishes_it() {
    let (media, ledger) = ledger_with_canary();
    ledger.flush().unwrap();
    let before = ledger.reader().find("person").unwrap();
    ledger
        .erase("person", &Erasure::Payload, "request", "officer")
        .unwrap();
    ledger.close().unwrap();
    // As if the power had gone after the act was recorded: the row is still there.
    let index = before.index as usize;
    media.table.tamper(|rows| rows[index] = before);
    assert!(
        media.verify().is_intact(),
        "meant but not done is no tampering"
    );
    let ledger = media.open().unwrap();
    ledger
        .erase("person", &Erasure::Payload, "request", "officer")
        .unwrap();
    assert!(
        ledger
            .reader()
            .find("person")
            .unwrap()
            .record
            .text()
            .is_none()
    );
}

#[test]
fn a_record_wiped_under_the_cover_of_an_erased_field_is_named() {
    let (media, ledger) = ledger_with_canary();
    let what = Erasure::Facts(pointers(&["/input/name"]));
    ledger
        .erase("person", &what, "asked for", "officer")
        .unwrap();
    ledger.close().unwrap();
    assert!(media.verify().is_intact());
    media.table.tamper(|rows| {
        let row = rows
            .iter_mut()
            .find(|row| row.record.fields().id.as_deref() == Some("person"))
            .unwrap();
        row.record = row.record.clone().erase();
    });
    let report = media.verify();
    assert_eq!(report.findings_total, 1, "{:#?}", report.findings);
    assert_eq!(report.findings[0].fault, Fault::ErasedUnrecorded);
}
