//! Evidence that is honestly made: what its check reports, and that its file reads back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use causebook_evidence::{Evidence, EvidenceError, Link, NOT_PROVEN, Standing, Trust, check};
use causebook_record::Pointer;
use causebook_tlog::{Algorithm, Signer};
use support::{
    Book, DECISION, ERASED, ORIGIN, REVIEW, STRANGER, TIME, cosigner, keys, log_signer, trust,
};

#[test]
fn evidence_says_what_is_shown_and_where_it_is() {
    let book = Book::new();
    let evidence = book.evidence();
    let report = check(
        &Evidence::parse(evidence.to_json().as_bytes()).unwrap(),
        &trust(),
    )
    .unwrap();

    assert_eq!(
        (report.origin.as_str(), report.size, report.root),
        (ORIGIN, 6, book.head.root)
    );
    assert!(!report.self_asserted && report.absent.is_empty());
    let signatures: Vec<_> = report
        .signatures
        .iter()
        .map(|it| (it.algorithm, it.time, it.trusted))
        .collect();
    assert_eq!(
        signatures,
        [
            (Algorithm::Ed25519, None, true),
            (Algorithm::MlDsa44Cosignature, Some(TIME), true)
        ]
    );

    let places: Vec<_> = report
        .records
        .iter()
        .map(|record| (record.index, record.link))
        .collect();
    assert_eq!(
        places,
        [
            (DECISION, Link::Asked),
            (REVIEW, Link::Refers),
            (ERASED, Link::Unproven)
        ]
    );
    let decision = &report.records[0];
    assert_eq!(
        decision.text().unwrap(),
        "{\"decision\":\"deny\",\"id\":\"D-1\",\"input\":{\"age\":30,\"income\":1200.50,\"name\":\"Zoë \\\"Z\\\" 中\",\
         \"tags\":[\"a\",1]},\"kind\":\"decision\",\"model\":{\"name\":\"m\",\"version\":\"v1.2\"}}"
    );
    let Standing::Disclosed { shown, hidden, .. } = decision.standing else {
        panic!("{decision:?}")
    };
    assert_eq!(shown, 9);
    assert!(hidden > 0);
    assert_eq!(report.records[2].standing, Standing::Erased);
    assert_eq!(NOT_PROVEN.len(), 2);
}

#[test]
fn a_file_reads_back_as_it_was_written() {
    let evidence = Book::new().evidence();
    let file = evidence.to_json();
    let read = Evidence::parse(file.as_bytes()).unwrap();
    assert_eq!(read, evidence);
    assert_eq!(read.to_json(), file);
    assert!(
        file.ends_with("}\n")
            && file.starts_with("{\n  \"format\": \"causebook-evidence/v1\",\n  \"origin\": ")
    );
    for hidden in ["s-77", "0.31", "opening"] {
        assert!(!file.contains(hidden), "{hidden} is in the file");
    }
}

#[test]
fn every_record_can_be_shown_in_any_part_or_erased() {
    let book = Book::new();
    for index in 0..book.head.size {
        for pointers in [&[][..], &[""], &["/model"], &["/input/age", "/recorded"]] {
            let evidence = book.build(vec![book.record(index, pointers)]).unwrap();
            assert!(check(&evidence, &trust()).is_ok());
        }
        assert!(check(&book.build(vec![book.erased(index)]).unwrap(), &trust()).is_ok());
    }
}

#[test]
fn a_record_with_erased_facts_still_proves_the_others() {
    let book = Book::new();
    let erase: Vec<Pointer> = vec!["/input/name".parse().unwrap(), "/subject".parse().unwrap()];
    let redacted = book.stored[DECISION as usize]
        .clone()
        .erase_facts(&erase)
        .unwrap();
    let shown = redacted
        .disclosure(&causebook_record::Selection::All)
        .unwrap();
    let record =
        causebook_evidence::EvidenceRecord::disclosed(DECISION, shown, book.proof(DECISION));
    let report = check(&book.build(vec![record]).unwrap(), &trust()).unwrap();
    let text = report.records[0].text().unwrap();
    assert!(
        text.contains("1200.50") && !text.contains("Zo") && !text.contains("s-77"),
        "{text}"
    );
    let Standing::Disclosed { hidden, .. } = report.records[0].standing else {
        panic!("erased")
    };
    assert_eq!(hidden, 2);
}

#[test]
fn a_link_is_seen_from_both_ends() {
    let book = Book::new();
    let (review, decision) = (
        book.record(REVIEW, &["/refers_to"]),
        book.record(DECISION, &[]),
    );
    let report = check(&book.build(vec![review, decision]).unwrap(), &trust()).unwrap();
    assert_eq!(report.records[1].link, Link::Referred);
}

#[test]
fn what_does_not_hold_is_not_made() {
    let book = Book::new();
    let build = |records| book.build(records).unwrap_err();
    let decision = || book.record(DECISION, &[""]);
    assert_eq!(build(vec![]), EvidenceError::NoRecord);
    assert_eq!(
        build(vec![decision(), decision()]),
        EvidenceError::RepeatedRecord {
            place: 1,
            index: DECISION
        }
    );
    assert_eq!(
        build(vec![decision(), book.record(STRANGER, &[""])]),
        EvidenceError::NotLinked {
            place: 1,
            index: STRANGER
        }
    );
    // A link that is not shown is not proved.
    assert_eq!(
        build(vec![decision(), book.record(REVIEW, &["/review"])]),
        EvidenceError::NotLinked {
            place: 1,
            index: REVIEW
        }
    );
    let stranger = causebook_tlog::Ed25519Signer::from_seed(ORIGIN, &[9; 32])
        .unwrap()
        .verifier();
    assert_eq!(
        Evidence::build(
            vec![keys().remove(0), stranger.vkey()],
            book.note(),
            vec![decision()]
        ),
        Err(EvidenceError::KeyWithoutSignature {
            name: ORIGIN.to_owned()
        })
    );
}

#[test]
fn trust_is_the_checkers_and_not_the_files() {
    let book = Book::new();
    let evidence = book.evidence();
    let (log, cosigner) = (log_signer().verifier(), cosigner().verifier());
    let keys = |keys: &[&causebook_tlog::Verifier]| {
        Trust::Keys(keys.iter().map(|key| key.vkey()).collect())
    };

    let named = check(&evidence, &Trust::Named).unwrap();
    assert!(named.self_asserted);
    let report = check(&evidence, &keys(&[&log])).unwrap();
    assert!(!report.self_asserted);
    assert_eq!(
        report
            .signatures
            .iter()
            .map(|it| it.trusted)
            .collect::<Vec<_>>(),
        [true, false]
    );

    let untrusted = Err(EvidenceError::Untrusted {
        origin: ORIGIN.to_owned(),
    });
    let impostor = causebook_tlog::Ed25519Signer::from_seed(ORIGIN, &[9; 32])
        .unwrap()
        .verifier();
    let other_log = causebook_tlog::Ed25519Signer::from_seed("causebook.example/other", &[1; 32])
        .unwrap()
        .verifier();
    assert_eq!(check(&evidence, &keys(&[])), untrusted);
    assert_eq!(check(&evidence, &keys(&[&cosigner])), untrusted);
    assert_eq!(check(&evidence, &keys(&[&impostor])), untrusted);
    assert_eq!(check(&evidence, &keys(&[&other_log])), untrusted);
    assert!(matches!(
        check(&evidence, &Trust::Keys(vec!["k".to_owned()])),
        Err(EvidenceError::Key { .. })
    ));

    let report = check(&evidence, &keys(&[&log, &other_log])).unwrap();
    assert_eq!(report.absent, ["causebook.example/other"]);
}

#[test]
fn a_key_of_another_log_does_not_vouch_for_this_one() {
    // A checkpoint of this origin, signed by a key that the checker trusts for another log.
    let book = Book::new();
    let other =
        causebook_tlog::Ed25519Signer::from_seed("causebook.example/other", &[7; 32]).unwrap();
    let note = causebook_tlog::sign_checkpoint(&book.head, &[&other], TIME).unwrap();
    let key = other.verifier().vkey();
    let evidence = Evidence {
        origin: ORIGIN.to_owned(),
        keys: vec![key.clone()],
        checkpoint: note,
        records: vec![book.record(DECISION, &[])],
    };
    let untrusted = Err(EvidenceError::Untrusted {
        origin: ORIGIN.to_owned(),
    });
    assert_eq!(check(&evidence, &Trust::Keys(vec![key])), untrusted);
    assert_eq!(check(&evidence, &Trust::Named), untrusted);
}
