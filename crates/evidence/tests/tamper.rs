//! Evidence that was changed: every kind of change is found and named, and no byte of a file can change its meaning.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::sync::LazyLock;

use causebook_evidence::{
    Content, Evidence, EvidenceError, EvidenceRecord, FILE_BYTES_MAX, Trust, check,
};
use causebook_record::{Commitment, Digest, Disclosure, OpeningKey, Salt, Stored};
use causebook_tlog::{Checkpoint, Hash, hash_leaf, root, sign_checkpoint};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Book, DECISION, REVIEW, STRANGER, TIME, cosigner, keys, log_signer, trust};

static EVIDENCE: LazyLock<Evidence> = LazyLock::new(|| Book::new().evidence());

#[test]
fn a_changed_fact_is_found() {
    let not_in_log = |change: fn(&mut Disclosure)| {
        let error = check_changed(|evidence| change(disclosure(evidence, 0)));
        assert!(
            matches!(
                error,
                EvidenceError::NotInLog {
                    place: 0,
                    index: DECISION,
                    ..
                }
            ),
            "{error}"
        );
    };
    not_in_log(|it| it.facts[0].text = "\"approve\"".to_owned());
    not_in_log(|it| it.facts[0].path = "/decisiom".to_owned());
    not_in_log(|it| it.facts[0].salt = Salt([9; 16]));
    not_in_log(|it| {
        // The salts of two facts for each other.
        let first = it.facts[0].salt;
        it.facts[0].salt = it.facts[1].salt;
        it.facts[1].salt = first;
    });
    not_in_log(|it| {
        // A hidden commitment for another.
        let mut values: Vec<Commitment> = it.hidden.values().copied().collect();
        values.swap(0, 1);
        for (slot, value) in it.hidden.values_mut().zip(values) {
            *slot = value;
        }
    });
    not_in_log(|it| {
        // A fact hidden behind another commitment than its own.
        let fact = it.facts.remove(1);
        it.hidden.insert(fact.i, Commitment([1; 32]));
    });
    not_in_log(|it| {
        // One more hidden fact at the end.
        it.hidden.insert(it.count, Commitment([1; 32]));
        it.count += 1;
    });
}

#[test]
fn facts_that_do_not_cover_the_record_once_each_are_refused() {
    let refused = |problem: &str, change: fn(&mut Disclosure)| {
        let error = check_changed(|evidence| change(disclosure(evidence, 0)));
        assert!(
            matches!(error, EvidenceError::Record { place: 0, .. }),
            "{error}"
        );
        assert!(error.to_string().contains(problem), "{error}");
    };
    refused("neither shown nor hidden", |it| drop(it.facts.remove(1)));
    refused("neither shown nor hidden", |it| {
        it.hidden.pop_first();
    });
    refused("neither shown nor hidden", |it| it.count += 1);
    refused("counted", |it| it.count -= 1);
    refused("ascend", |it| it.facts.swap(0, 1));
    refused("ascend", |it| it.facts.insert(1, it.facts[0].clone()));
    refused("ascend", |it| it.facts[1].path = "/a".to_owned());
    refused("both shown and hidden", |it| {
        it.hidden.insert(it.facts[0].i, Commitment([1; 32]));
    });
    refused("0 facts", |it| it.count = 0);
    refused("facts", |it| it.count = u32::MAX);
}

#[test]
fn a_record_sealed_from_text_that_is_not_canonical_is_refused() {
    // An operator may log anything; what does not read as a record is not reported as one.
    let book = Book::new();
    let mut shown = book.disclosure(DECISION, &[""]);
    shown.facts[0].text = "\"deny\",\"decision\":\"approve\"".to_owned();
    let digest = shown.digest().unwrap();
    let leaf = hash_leaf(&digest.0);
    let head = Checkpoint {
        size: 1,
        root: root(&[leaf]),
        ..book.head.clone()
    };
    let note = sign_checkpoint(&head, &[&log_signer(), &cosigner()], TIME).unwrap();
    let record = EvidenceRecord::disclosed(0, shown, Vec::new());
    let error = Evidence::build(keys(), note, vec![record]).unwrap_err();
    assert!(
        matches!(error, EvidenceError::Record { place: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_record_elsewhere_or_with_another_proof_is_found() {
    let not_in_log = |change: fn(&mut EvidenceRecord)| {
        let error = check_changed(|evidence| change(&mut evidence.records[0]));
        assert!(
            matches!(error, EvidenceError::NotInLog { place: 0, .. }),
            "{error}"
        );
    };
    not_in_log(|it| it.index = 0);
    not_in_log(|it| it.index = 2);
    not_in_log(|it| it.index = u64::MAX);
    not_in_log(|it| it.inclusion.clear());
    not_in_log(|it| {
        it.inclusion.pop();
    });
    not_in_log(|it| it.inclusion.reverse());
    not_in_log(|it| it.inclusion.push(Hash([0; 32])));
    not_in_log(|it| it.inclusion[0].0[31] ^= 1);
    not_in_log(|it| it.content = Content::Erased(Digest([0; 32])));
    let error = check_changed(|evidence| {
        let Content::Erased(digest) = &mut evidence.records[2].content else {
            panic!("not erased")
        };
        digest.0[0] ^= 1;
    });
    assert!(
        matches!(error, EvidenceError::NotInLog { place: 2, .. }),
        "{error}"
    );
    let error = check_changed(|evidence| {
        let (left, right) = evidence.records.split_at_mut(1);
        std::mem::swap(&mut left[0].content, &mut right[0].content);
    });
    assert!(
        matches!(error, EvidenceError::NotInLog { place: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_changed_checkpoint_is_found() {
    let changed = |from: &str, to: &str| {
        check_changed(|evidence| {
            assert!(evidence.checkpoint.contains(from));
            evidence.checkpoint = evidence.checkpoint.replacen(from, to, 1);
        })
    };
    for (from, to) in [
        ("\n6\n", "\n7\n"),
        ("loans\n", "loanz\n"),
        ("=\n\n", "=\nextended\n\n"),
    ] {
        let error = changed(from, to);
        assert!(matches!(error, EvidenceError::Checkpoint(_)), "{error}");
    }
    // Another root, signed by nobody; and a checkpoint of the same log at another size, honestly signed.
    let error = check_changed(|evidence| {
        let root = root(&Book::new().leaves[..5]);
        evidence.checkpoint =
            evidence
                .checkpoint
                .replacen(&Book::new().head.root.to_string(), &root.to_string(), 1);
    });
    assert!(matches!(error, EvidenceError::Checkpoint(_)), "{error}");
    let error = check_changed(|evidence| {
        let book = Book::new();
        let older = Checkpoint {
            size: 5,
            root: root(&book.leaves[..5]),
            ..book.head
        };
        evidence.checkpoint = sign_checkpoint(&older, &[&log_signer(), &cosigner()], TIME).unwrap();
    });
    assert!(
        matches!(error, EvidenceError::NotInLog { place: 0, .. }),
        "{error}"
    );

    let error = check_changed(|evidence| evidence.origin.push('x'));
    assert!(matches!(error, EvidenceError::Origin { .. }), "{error}");
    let error = check_changed(|evidence| evidence.checkpoint.clear());
    assert!(matches!(error, EvidenceError::Checkpoint(_)), "{error}");
}

#[test]
fn a_signature_taken_away_or_a_key_exchanged_is_found() {
    let error = check_changed(|evidence| {
        let lines: Vec<&str> = evidence.checkpoint.lines().collect();
        evidence.checkpoint = lines[..5].join("\n") + "\n";
    });
    assert!(
        matches!(error, EvidenceError::KeyWithoutSignature { .. }),
        "{error}"
    );
    let impostor = causebook_tlog::Ed25519Signer::from_seed(support::ORIGIN, &[9; 32]).unwrap();
    let impostor_key = causebook_tlog::Signer::verifier(&impostor).vkey();
    let error = check_changed(|evidence| evidence.keys[0].clone_from(&impostor_key));
    assert!(
        matches!(error, EvidenceError::KeyWithoutSignature { .. }),
        "{error}"
    );
    let error = check_changed(|evidence| evidence.keys[0] = "no key".to_owned());
    assert!(matches!(error, EvidenceError::Key { .. }), "{error}");

    // A whole ledger of one's own under the same name holds together, and is still nobody's word but its maker's.
    let book = Book::new();
    let note = sign_checkpoint(&book.head, &[&impostor], TIME).unwrap();
    let forged =
        Evidence::build(vec![impostor_key], note, vec![book.record(DECISION, &[""])]).unwrap();
    assert!(check(&forged, &Trust::Named).unwrap().self_asserted);
    assert_eq!(
        check(&forged, &trust()),
        Err(EvidenceError::Untrusted {
            origin: support::ORIGIN.to_owned()
        })
    );
}

#[test]
fn a_forged_link_is_found() {
    let book = Book::new();
    let error = check_changed(|evidence| evidence.records[1] = book.record(STRANGER, &[""]));
    assert_eq!(
        error,
        EvidenceError::NotLinked {
            place: 1,
            index: STRANGER
        }
    );
    let error = check_changed(|evidence| {
        evidence.records[1] = book.record(STRANGER, &[""]);
        let shown = disclosure(evidence, 1);
        let fact = shown
            .facts
            .iter_mut()
            .find(|fact| fact.path == "/refers_to")
            .unwrap();
        fact.text = "\"D-1\"".to_owned();
    });
    assert!(
        matches!(error, EvidenceError::NotInLog { place: 1, .. }),
        "{error}"
    );
    let error = check_changed(|evidence| evidence.records[1] = book.record(REVIEW, &["/review"]));
    assert_eq!(
        error,
        EvidenceError::NotLinked {
            place: 1,
            index: REVIEW
        }
    );
    let error = check_changed(|evidence| evidence.records[2] = evidence.records[1].clone());
    assert_eq!(
        error,
        EvidenceError::RepeatedRecord {
            place: 2,
            index: REVIEW
        }
    );
}

#[test]
fn a_fact_under_a_key_of_another_record_is_found() {
    let other = Stored::Whole {
        text: Book::new().stored[DECISION as usize]
            .text()
            .unwrap()
            .to_owned(),
        key: OpeningKey([99; 16]),
    };
    let error = check_changed(|evidence| {
        let shown = other.disclosure(&causebook_record::Selection::All).unwrap();
        evidence.records[0].content = Content::Disclosed(shown);
    });
    assert!(
        matches!(error, EvidenceError::NotInLog { place: 0, .. }),
        "{error}"
    );
}

#[test]
fn files_of_another_shape_are_refused() {
    let good: Value = serde_json::from_str(&EVIDENCE.to_json()).unwrap();
    let read = |value: &Value| Evidence::parse(value.to_string().as_bytes());
    assert_eq!(read(&good).unwrap(), *EVIDENCE);
    let mut refused = 0;
    let mut refuse = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        assert!(read(&bad).is_err(), "{pointer} = {value}");
        refused += 1;
    };
    refuse("/format", json!("causebook-evidence/v2"));
    for pointer in [
        "",
        "/format",
        "/origin",
        "/keys",
        "/keys/0",
        "/checkpoint",
        "/records",
        "/records/0",
        "/records/0/index",
    ] {
        refuse(pointer, Value::Null);
        refuse(pointer, json!({}));
    }
    refuse("/records", json!([]));
    refuse("/records", json!(vec![good["records"][0].clone(); 1025]));
    refuse("/keys", json!(vec!["k"; 65]));
    for value in [
        json!(-1),
        json!(1.0),
        json!("1"),
        json!(4_294_967_296_u64),
        Value::Null,
    ] {
        refuse("/records/0/count", value.clone());
        refuse("/records/0/facts/0/i", value.clone());
        refuse("/records/0/hidden/0/i", value);
    }
    refuse(
        "/records/0/index",
        serde_json::from_str("18446744073709551616").unwrap(),
    );
    for value in [
        json!(""),
        json!("AAAA"),
        json!("AAAAAAAAAAAAAAAAAAAAAA"),
        json!("AAAAAAAAAAAAAAAAAAAAAB=="),
        json!([0]),
        Value::Null,
    ] {
        refuse("/records/0/facts/0/salt", value.clone());
        refuse("/records/0/hidden/0/commitment", value.clone());
        refuse("/records/0/inclusion/0", value.clone());
        refuse("/records/2/digest", value);
    }
    refuse("/records/2/erased", json!(false));
    refuse("/records/0/inclusion", json!(vec!["AAAA"; 66]));
    refuse(
        "/records/0/facts",
        json!(vec![good["records"][0]["facts"][0].clone(); 4097]),
    );
    refuse(
        "/records/0/hidden",
        json!(vec![good["records"][0]["hidden"][0].clone(); 2]),
    );

    for (pointer, member) in [
        ("", "extra"),
        ("/records/0", "extra"),
        ("/records/0", "erased"),
        ("/records/0", "digest"),
        ("/records/0/facts/0", "extra"),
        ("/records/0/hidden/0", "salt"),
        ("/records/2", "count"),
        ("/records/2", "facts"),
    ] {
        let mut bad = good.clone();
        bad.pointer_mut(pointer).unwrap()[member] = json!(1);
        assert!(read(&bad).is_err(), "{pointer}/{member} added");
        refused += 1;
    }
    for pointer in [
        "",
        "/records/0",
        "/records/2",
        "/records/0/facts/0",
        "/records/0/hidden/0",
    ] {
        let members: Vec<String> = good
            .pointer(pointer)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for member in members {
            let mut bad = good.clone();
            bad.pointer_mut(pointer)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(&member);
            assert!(read(&bad).is_err(), "{pointer}/{member} removed");
            refused += 1;
        }
    }
    println!("shapes refused: {refused}");
}

#[test]
fn files_that_are_not_plain_json_are_refused() {
    let good = EVIDENCE.to_json();
    for bad in [
        String::new(),
        format!("\u{feff}{good}"),
        format!("{good}x"),
        format!("{good}{good}"),
        good.replacen("\"origin\"", "\"format\"", 1),
        good.replacen("{\n", "{\"keys\": [],\n", 1),
        good.replacen("\"index\": 1,", "\"index\": 1, \"index\": 1,", 1),
        good.replacen("\"index\": 1", "\"index\": 01", 1),
        good.replacen("\"index\": 1", "\"index\": 1e0", 1),
        good.replacen("\"index\": 1", "\"index\": -0", 1),
        good.replace('"', "'"),
        format!("[{good}]"),
        "[".repeat(100_000),
    ] {
        assert!(Evidence::parse(bad.as_bytes()).is_err(), "{bad:.200}");
    }
    assert!(Evidence::parse(b"\xff").is_err());
    let long = vec![b' '; FILE_BYTES_MAX + 1];
    assert!(matches!(
        Evidence::parse(&long),
        Err(EvidenceError::TooMany { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_can_change_without_being_found(at: prop::sample::Index, byte: u8) {
        let mut file = EVIDENCE.to_json().into_bytes();
        let at = at.index(file.len());
        file[at] = byte;
        prop_assert!(is_harmless(&file), "byte {} to {}", at, byte);
    }

    #[test]
    fn no_byte_can_go_without_being_found(at: prop::sample::Index) {
        let mut file = EVIDENCE.to_json().into_bytes();
        file.remove(at.index(file.len()));
        prop_assert!(is_harmless(&file));
    }

    #[test]
    fn no_byte_can_come_without_being_found(at: prop::sample::Index, byte in prop::sample::select(b" \n\"\\,:[]{}0123456789aA+/=".to_vec())) {
        let mut file = EVIDENCE.to_json().into_bytes();
        file.insert(at.index(file.len()), byte);
        prop_assert!(is_harmless(&file));
    }
}

/// Whether a changed file is refused, or fails its check, or says exactly what it said.
fn is_harmless(file: &[u8]) -> bool {
    Evidence::parse(file).map_or(true, |read| {
        read == *EVIDENCE || check(&read, &trust()).is_err()
    })
}

/// The fault found in the good evidence after a change, which is the same when the change went through a file.
fn check_changed(change: impl FnOnce(&mut Evidence)) -> EvidenceError {
    let mut evidence = EVIDENCE.clone();
    change(&mut evidence);
    let error = check(&evidence, &trust()).unwrap_err();
    let read = Evidence::parse(evidence.to_json().as_bytes());
    assert_eq!(
        read.and_then(|read| check(&read, &trust())).unwrap_err(),
        error
    );
    error
}

fn disclosure(evidence: &mut Evidence, place: usize) -> &mut Disclosure {
    match &mut evidence.records[place].content {
        Content::Disclosed(disclosure) => disclosure,
        Content::Erased(_) => panic!("records[{place}] is erased"),
    }
}
