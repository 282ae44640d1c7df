//! The text and byte formats, good and bad: what is read is printed again the same, and what would not be is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::fmt::Write as _;

use causebook_tlog::{
    AddCheckpoint, Algorithm, Checkpoint, Ed25519Cosigner, Ed25519Signer, Hash, MlDsaCosigner,
    Note, NoteSignature, Policy, SIGNATURES_MAX, Signer, TIME_MAX, TilePath, TileReader, TlogError,
    TlogProof, Verdict, Verifier, WitnessedLog, empty_root, entry_bundle, hash_leaf,
    judge_add_checkpoint, open_checkpoint, parse_decimal, parse_entry_bundle,
    parse_signature_lines, root, sign_checkpoint, tile_bytes,
};
use proptest::prelude::*;
use support::{leaf, leaves, naive_consistency, naive_inclusion};

const ORIGIN: &str = "example.com/log";
const TIME: u64 = 1_760_000_000;

#[test]
fn decimals_have_one_spelling() {
    for good in [0, 1, 9, 10, 1_000_000, u64::MAX] {
        assert_eq!(parse_decimal(&good.to_string()), Some(good));
    }
    for bad in [
        "",
        " ",
        "00",
        "01",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x10",
        "1_000",
        "١",
        "18446744073709551616",
        "9 ",
    ] {
        assert_eq!(parse_decimal(bad), None, "{bad:?}");
    }
}

#[test]
fn verifier_keys_have_one_spelling() {
    let keys = [
        log_signer().verifier(),
        witness(1).verifier(),
        mldsa().verifier(),
    ];
    for key in &keys {
        assert_eq!(Verifier::parse(&key.vkey()).unwrap(), *key);
    }
    let kinds = [
        Algorithm::Ed25519,
        Algorithm::Ed25519Cosignature,
        Algorithm::MlDsa44Cosignature,
    ];
    assert_eq!(keys.each_ref().map(Verifier::algorithm), kinds);

    let vkey = keys[0].vkey();
    let (name, rest) = vkey.split_once('+').unwrap();
    let (id, key) = rest.split_once('+').unwrap();
    let other_id = if id.starts_with('0') {
        id.replacen('0', "1", 1)
    } else {
        id.replacen(&id[..1], "0", 1)
    };
    for bad in [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("+{id}+{key}"),
        format!("{name} +{id}+{key}"),
        format!("{name}2+{id}+{key}"),
        format!("{name}+{other_id}+{key}"),
        format!("{name}+{}+{key}", id.to_uppercase() + "A"),
        format!("{name}+{}+{key}", &id[1..]),
        format!("{name}+{id}+"),
        format!("{name}+{id}+{}", &key[..key.len() - 4]),
        format!("{name}+{id}+{key}AAAA"),
        format!("{name}+{id}+{key}\n"),
        format!("{name}+{id}+{}", "A".repeat(1 << 20)),
    ] {
        assert!(Verifier::parse(&bad).is_err(), "{bad:.100}");
    }
}

#[test]
fn a_weak_ed25519_key_is_refused() {
    // The neutral element: one signature under it fits every message.
    let neutral = [&[1_u8, 1], [0; 31].as_slice()].concat();
    assert_eq!(
        Verifier::parse(&vkey_text("example.com/weak", &neutral)),
        Err(TlogError::VerifierKey {
            problem: "the public key is weak"
        })
    );
}

#[test]
fn keys_with_unfit_names_are_refused() {
    for name in [
        "",
        "a b",
        "a+b",
        "a\nb",
        "a\tb",
        "a\u{a0}b",
        "a\u{2003}b",
        "a\u{7}b",
    ] {
        assert!(
            Ed25519Signer::from_seed(name, &[1; 32]).is_err(),
            "{name:?}"
        );
        assert!(
            MlDsaCosigner::from_seed(name, &[1; 32]).is_err(),
            "{name:?}"
        );
    }
    assert!(Ed25519Signer::from_seed(&"n".repeat(300), &[1; 32]).is_ok());
    assert!(MlDsaCosigner::from_seed(&"n".repeat(255), &[1; 32]).is_ok());
    assert!(MlDsaCosigner::from_seed(&"n".repeat(256), &[1; 32]).is_err());
}

#[test]
fn secret_keys_do_not_print() {
    let seed = [0xab; 32];
    let shown = [
        format!("{:?}", Ed25519Signer::from_seed(ORIGIN, &seed).unwrap()),
        format!("{:?}", Ed25519Cosigner::from_seed(ORIGIN, &seed).unwrap()),
        format!("{:?}", MlDsaCosigner::from_seed(ORIGIN, &seed).unwrap()),
    ];
    for text in shown {
        assert!(
            !text.to_lowercase().contains("abab") && !text.contains("171, 171"),
            "{text}"
        );
        assert!(text.contains(ORIGIN));
    }
}

#[test]
fn notes_that_print_differently_are_refused() {
    let good = signed_head(7);
    assert_eq!(Note::parse(&good).unwrap().to_string(), good);
    let line = good.lines().last().unwrap();
    let text = Checkpoint::parse(Note::parse(&good).unwrap().text())
        .unwrap()
        .text();
    for bad in [
        String::new(),
        "\n".to_owned(),
        "\n\n".to_owned(),
        text.clone(),
        format!("{text}\n"),
        format!("{text}{line}\n"),
        format!("{text}\n{line}"),
        format!("{text}\n{line}\n\n"),
        format!("{text}\n{line}\n "),
        format!("{text}\n{line}\r\n"),
        format!("{text}\t\n\n{line}\n"),
        format!("{text}\n {line}\n"),
        format!("{text}\n{}\n", line.replace('\u{2014}', "-")),
        format!("{text}\n{}\n", line.replace("\u{2014} ", "\u{2014}")),
        format!("{text}\n{}\n", line.replace(' ', "  ")),
        format!("{text}\n{line} \n"),
        format!("{text}\n{}\n", line.replace(ORIGIN, "a+b")),
        format!("{text}\n{}\n", line.replace(ORIGIN, "a\u{a0}b")),
        format!("{text}\n{}\n", line.trim_end_matches('=')),
        format!("{text}\n\u{2014} {ORIGIN} AAAAAA==\n"),
        format!("{text}\n\u{2014} {ORIGIN} AAAA\n"),
        format!("{text}\n\u{2014} {ORIGIN} \n"),
        format!("{text}\n\u{2014} {ORIGIN} {}\n", "A".repeat(1 << 16)),
    ] {
        assert!(Note::parse(&bad).is_err(), "{bad:.300}");
    }
    assert!(Note::parse(&"a".repeat(2 << 20)).is_err());
}

#[test]
fn a_note_may_hold_empty_lines_and_the_last_one_separates() {
    for text in [
        "\n",
        "a\n\nb\n",
        "a\n\n",
        "\n\na\n",
        "\u{2014} not a signature\n\nb\n",
    ] {
        let note = Note::new(text.to_owned(), vec![log_signer().sign(text, 0).unwrap()]).unwrap();
        let read = Note::parse(&note.to_string()).unwrap();
        assert_eq!((read.text(), &read), (text, &note));
        assert!(read.verify(&[log_signer().verifier()]).is_ok());
    }
    for text in ["", "a", "a\r\n", "a\u{1}\n"] {
        assert!(Note::new(text.to_owned(), vec![log_signer().sign("x\n", 0).unwrap()]).is_err());
    }
}

#[test]
fn up_to_64_signatures_are_read_and_no_more() {
    let text = head(7).text();
    let signatures = |count: u8| {
        (0..count)
            .map(|i| witness(i).sign(&text, TIME).unwrap())
            .collect::<Vec<_>>()
    };
    for count in [1, 16, 63] {
        let note = Note::new(
            text.clone(),
            [
                signatures(count),
                vec![log_signer().sign(&text, 0).unwrap()],
            ]
            .concat(),
        );
        let note = Note::parse(&note.unwrap().to_string()).unwrap();
        assert_eq!(note.verify(&[log_signer().verifier()]).unwrap().len(), 1);
        let all: Vec<Verifier> = (0..count).map(|i| witness(i).verifier()).collect();
        assert_eq!(note.verify(&all).unwrap().len(), usize::from(count));
    }
    assert_eq!(SIGNATURES_MAX, 64);
    assert!(Note::new(text.clone(), signatures(65)).is_err());
    assert!(Note::new(text, Vec::new()).is_err());
}

#[test]
fn unknown_signatures_are_ignored_and_false_ones_are_not() {
    let text = head(7).text();
    let (log, other) = (
        log_signer(),
        Ed25519Signer::from_seed(ORIGIN, &[99; 32]).unwrap(),
    );
    let right = log.sign(&text, 0).unwrap();
    let stranger = other.sign(&text, 0).unwrap();
    let note = Note::new(text.clone(), vec![stranger.clone(), right.clone()]).unwrap();
    assert_eq!(note.verify(&[log.verifier()]).unwrap().len(), 1);
    assert_eq!(
        note.verify(&[witness(1).verifier()]),
        Err(TlogError::NoKnownSignature { given: 2 })
    );

    // The right name and id over a false signature spoils the whole note, wherever it stands.
    let id = log.verifier().key_id();
    let forged = NoteSignature::new(ORIGIN, id, stranger.bytes().to_vec()).unwrap();
    let bad = Err(TlogError::BadSignature {
        name: ORIGIN.to_owned(),
        key_id: id,
    });
    for signatures in [
        vec![forged.clone()],
        vec![right.clone(), forged.clone()],
        vec![forged, right],
    ] {
        assert_eq!(
            Note::new(text.clone(), signatures)
                .unwrap()
                .verify(&[log.verifier()]),
            bad
        );
    }
}

#[test]
fn a_signature_is_not_taken_for_one_of_another_type() {
    // One Ed25519 key used as log key and as cosigner: different ids, and different messages.
    let seed = [5; 32];
    let log = Ed25519Signer::from_seed(ORIGIN, &seed).unwrap();
    let cosigner = Ed25519Cosigner::from_seed(ORIGIN, &seed).unwrap();
    assert_ne!(log.verifier().key_id(), cosigner.verifier().key_id());
    let text = head(7).text();
    let cosignature = cosigner.sign(&text, TIME).unwrap();
    let bare = NoteSignature::new(
        ORIGIN,
        log.verifier().key_id(),
        cosignature.bytes()[8..].to_vec(),
    )
    .unwrap();
    assert!(log.verifier().verify(&text, &bare).is_err());
    assert!(log.verifier().verify(&text, &cosignature).is_err());
}

#[test]
fn checkpoints_have_one_spelling() {
    let good = head(7);
    assert_eq!(Checkpoint::parse(&good.text()).unwrap(), good);
    let hash = good.root.to_string();
    for bad in [
        String::new(),
        format!("{ORIGIN}\n"),
        format!("{ORIGIN}\n7\n"),
        format!("{ORIGIN}\n7\n{hash}"),
        format!("\n7\n{hash}\n"),
        format!("{ORIGIN}\n\n{hash}\n"),
        format!("{ORIGIN}\n07\n{hash}\n"),
        format!("{ORIGIN}\n+7\n{hash}\n"),
        format!("{ORIGIN}\n-7\n{hash}\n"),
        format!("{ORIGIN}\n 7\n{hash}\n"),
        format!("{ORIGIN}\n7.0\n{hash}\n"),
        format!("{ORIGIN}\n18446744073709551616\n{hash}\n"),
        format!("{ORIGIN}\n7\n\n"),
        format!("{ORIGIN}\n7\n{}\n", &hash[4..]),
        format!("{ORIGIN}\n7\n{}\n", hash.trim_end_matches('=')),
        format!("{ORIGIN}\n7\n{hash}AAAA\n"),
        format!("{ORIGIN}\n7\n{hash} \n"),
        format!("{ORIGIN}\r\n7\r\n{hash}\r\n"),
        format!("{ORIGIN}\n7\n{hash}\n\n"),
        format!("{ORIGIN}\n7\n{hash}\nx"),
        format!("{ORIGIN}\n7\n{hash}\nx\n\ny\n"),
        format!("{ORIGIN}\n7\n{hash}\nx\ty\n"),
    ] {
        assert!(Checkpoint::parse_with_extensions(&bad).is_err(), "{bad:?}");
        assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
    }
    let extended = format!("{}extra line\nanother\n", good.text());
    assert_eq!(
        Checkpoint::parse_with_extensions(&extended).unwrap(),
        (good, "extra line\nanother\n")
    );
    assert!(Checkpoint::parse(&extended).is_err());
}

#[test]
fn a_checkpoint_is_signed_and_cosigned_and_opened() {
    let (log, ed25519, mldsa) = (log_signer(), witness(1), mldsa());
    let note = sign_checkpoint(&head(7), &[&log, &ed25519, &mldsa], TIME).unwrap();
    let verifiers = [mldsa.verifier(), ed25519.verifier(), log.verifier()];
    let (opened, signatures) = open_checkpoint(&note, &verifiers).unwrap();
    assert_eq!(opened, head(7));
    let facts: Vec<_> = signatures
        .iter()
        .map(|signature| (signature.algorithm, signature.time))
        .collect();
    let expected = [
        (Algorithm::Ed25519, None),
        (Algorithm::Ed25519Cosignature, Some(TIME)),
        (Algorithm::MlDsa44Cosignature, Some(TIME)),
    ];
    assert_eq!(facts, expected);
    // Signing again gives the same bytes: nothing random is in them.
    assert_eq!(
        sign_checkpoint(&head(7), &[&log, &ed25519, &mldsa], TIME).unwrap(),
        note
    );

    let lengths: Vec<usize> = Note::parse(&note)
        .unwrap()
        .signatures()
        .iter()
        .map(|signature| signature.bytes().len() + 4)
        .collect();
    assert_eq!(lengths, [68, 76, 2432]);

    for origin in ["", "a\nb", "a\rb"] {
        let bad = Checkpoint {
            origin: origin.to_owned(),
            ..head(7)
        };
        assert!(sign_checkpoint(&bad, &[&log], TIME).is_err());
    }
    assert!(sign_checkpoint(&head(7), &[], TIME).is_err());
    assert!(sign_checkpoint(&head(7), &[&mldsa], TIME_MAX + 1).is_err());
    assert!(sign_checkpoint(&head(7), &[&ed25519], TIME_MAX + 1).is_err());
    let long = Checkpoint {
        origin: "o".repeat(256),
        ..head(7)
    };
    assert!(sign_checkpoint(&long, &[&log, &ed25519], TIME).is_ok());
    assert!(sign_checkpoint(&long, &[&mldsa], TIME).is_err());
}

#[test]
fn cosignatures_stand_on_checkpoints_only() {
    assert!(witness(1).sign("just a note\n", TIME).is_err());
    assert!(mldsa().sign("just a note\n", TIME).is_err());
    let line = witness(1).sign(&head(7).text(), TIME).unwrap();
    assert!(
        witness(1)
            .verifier()
            .verify("just a note\n", &line)
            .is_err()
    );
}

#[test]
fn an_mldsa_cosignature_is_bound_to_every_part_of_its_statement() {
    let (cosigner, text) = (mldsa(), head(7).text());
    let line = cosigner.sign(&text, TIME).unwrap();
    let verifier = cosigner.verifier();
    assert_eq!(verifier.verify(&text, &line).unwrap(), Some(TIME));
    assert_eq!(
        verifier
            .verify(&text, &cosigner.sign(&text, 0).unwrap())
            .unwrap(),
        None
    );
    let other_root = Hash(*hash_leaf(b"x").as_bytes());
    for other in [
        Checkpoint {
            origin: "example.com/other".to_owned(),
            ..head(7)
        },
        Checkpoint { size: 8, ..head(7) },
        Checkpoint {
            root: other_root,
            ..head(7)
        },
    ] {
        assert!(verifier.verify(&other.text(), &line).is_err());
    }
    let mut other_time = line.bytes().to_vec();
    other_time[7] ^= 1;
    let mut above = line.bytes().to_vec();
    above[0] = 0x80;
    let long = [line.bytes(), &[0]].concat();
    for bytes in [
        other_time,
        above,
        long,
        line.bytes()[..2427].to_vec(),
        line.bytes()[..8].to_vec(),
    ] {
        let changed = NoteSignature::new(verifier.name(), verifier.key_id(), bytes).unwrap();
        assert!(verifier.verify(&text, &changed).is_err());
    }
    // The same key under another name is another cosigner.
    let renamed = MlDsaCosigner::from_seed("example.com/renamed", &[3; 32])
        .unwrap()
        .verifier();
    let moved =
        NoteSignature::new(renamed.name(), renamed.key_id(), line.bytes().to_vec()).unwrap();
    assert!(renamed.verify(&text, &moved).is_err());
    // Extension lines are not covered, and say so by verifying alike.
    assert!(verifier.verify(&format!("{text}unsigned\n"), &line).is_ok());
    assert!(
        witness(1)
            .verifier()
            .verify(
                &format!("{text}unsigned\n"),
                &witness(1).sign(&text, TIME).unwrap()
            )
            .is_err()
    );
}

#[test]
fn subtrees_are_cosigned_without_a_time() {
    let (cosigner, all) = (mldsa(), leaves(13));
    let subtree = root(&all[8..13]);
    let line = cosigner.sign_subtree(ORIGIN, 8, 13, subtree).unwrap();
    let verifier = cosigner.verifier();
    verifier
        .verify_subtree(ORIGIN, 8, 13, subtree, &line)
        .unwrap();
    assert!(
        verifier
            .verify_subtree(ORIGIN, 8, 12, subtree, &line)
            .is_err()
    );
    assert!(
        verifier
            .verify_subtree("example.com/other", 8, 13, subtree, &line)
            .is_err()
    );
    assert!(
        witness(1)
            .verifier()
            .verify_subtree(ORIGIN, 8, 13, subtree, &line)
            .is_err()
    );
    assert!(cosigner.sign_subtree(ORIGIN, 1, 3, subtree).is_err());
    assert!(cosigner.sign_subtree(ORIGIN, 4, 4, subtree).is_err());
    assert!(cosigner.sign_subtree("", 8, 13, subtree).is_err());
}

#[test]
fn proof_files_have_one_spelling() {
    let good = proof_file(3, 7, Some(b"opaque".to_vec())).to_string();
    assert_eq!(TlogProof::parse(&good).unwrap().to_string(), good);
    let (head, note) = good.split_once("\n\n").unwrap();
    let hash = head.lines().last().unwrap();
    for bad in [
        String::new(),
        head.to_owned(),
        format!("{head}\n"),
        format!("{head}\n\n"),
        format!("{head}\n{note}"),
        format!("{head}\n\n\n{note}"),
        format!("{head}\n\n{note}\n"),
        good.replace("@v1", "@v2"),
        good.replace("c2sp.org", " c2sp.org"),
        good.replace("extra b3BhcXVl", "extra b3BhcXVl\nextra b3BhcXVl"),
        good.replace("extra b3BhcXVl", "extra "),
        good.replace("extra b3BhcXVl", "extra"),
        good.replace("extra b3BhcXVl", "extra b3BhcXV"),
        good.replace("extra b3BhcXVl", "Extra b3BhcXVl"),
        good.replace("index 3", "index 03"),
        good.replace("index 3", "index +3"),
        good.replace("index 3", "index  3"),
        good.replace("index 3", "index 3 "),
        good.replace("index 3", "index 18446744073709551616"),
        good.replace("index 3", "Index 3"),
        good.replace("index 3\n", ""),
        good.replace(hash, &hash[1..]),
        good.replace(hash, &format!("{hash} ")),
        good.replace(hash, &format!("{hash}\r")),
        good.replace(hash, &vec![hash; 70].join("\n")),
        good.replace(
            "extra b3BhcXVl",
            &format!("extra {}", "AAAA".repeat(1 << 16)),
        ),
    ] {
        assert!(TlogProof::parse(&bad).is_err(), "{bad:.400}");
    }
}

#[test]
fn a_proof_file_verifies_under_its_policy_and_no_other() {
    let policy = |lines: &str| {
        Policy::parse(format!("log {}\n{lines}", log_signer().verifier()).as_bytes()).unwrap()
    };
    let w1 = format!("witness w1 {}\n", witness(1).verifier());
    let proof = proof_file(3, 7, None);
    assert_eq!(
        proof
            .verify(&leaf(3), &policy("quorum none\n"))
            .unwrap()
            .checkpoint,
        head(7)
    );
    assert_eq!(
        proof
            .verify(&leaf(3), &policy(&format!("{w1}quorum w1\n")))
            .unwrap()
            .signatures
            .len(),
        2
    );
    assert!(
        proof
            .verify(&leaf(3), &Policy::of_log(log_signer().verifier()))
            .is_ok()
    );

    let w2 = format!("witness w2 {}\nquorum w2\n", witness(2).verifier());
    assert_eq!(
        proof.verify(&leaf(3), &policy(&w2)),
        Err(TlogError::QuorumMissed { cosigned: 0 })
    );
    assert!(proof.verify(&leaf(4), &policy("quorum none\n")).is_err());
    let renamed = Ed25519Signer::from_seed("example.com/renamed", &[1; 32]).unwrap();
    assert!(
        proof
            .verify(&leaf(3), &Policy::of_log(renamed.verifier()))
            .is_err()
    );
    // A witness's signature does not make a log's.
    let only_witness = Policy::of_log(witness(1).verifier());
    assert_eq!(
        proof.verify(&leaf(3), &only_witness),
        Err(TlogError::UnknownLog {
            origin: ORIGIN.to_owned()
        })
    );
}

#[test]
fn policies_ask_for_the_quorum_that_they_spell() {
    let mut lines = format!(
        "# a comment\n\n \t log\t{} https://example.com/log \n",
        log_signer().verifier()
    );
    for i in 1..=6 {
        writeln!(
            lines,
            "witness w{i} {} https://w{i}.example",
            witness(i).verifier()
        )
        .unwrap();
    }
    lines += "group a 2 w1 w2 w3\ngroup b any w4 w5 w6\ngroup both all a b\nquorum both\n";
    let policy = Policy::parse(lines.as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().count()), (1, 6));
    assert_eq!(
        policy.logs()[0].url.as_deref(),
        Some(b"https://example.com/log".as_slice())
    );
    for (cosigners, enough) in [
        (vec![], false),
        (vec![1, 2], false),
        (vec![1, 4], false),
        (vec![4, 5, 6], false),
        (vec![1, 3, 6], true),
        (vec![1, 2, 3, 4, 5, 6], true),
        (vec![7, 8, 9], false),
    ] {
        let text = head(7).text();
        let mut signatures = vec![log_signer().sign(&text, 0).unwrap()];
        signatures.extend(
            cosigners
                .iter()
                .map(|i| witness(*i).sign(&text, TIME).unwrap()),
        );
        let accepted = policy.check(&Note::new(text, signatures).unwrap());
        assert_eq!(accepted.is_ok(), enough, "{cosigners:?}: {accepted:?}");
    }
}

#[test]
fn policies_that_are_not_plain_are_refused() {
    let log = log_signer().verifier().vkey();
    let (w1, w2) = (witness(1).verifier().vkey(), witness(2).verifier().vkey());
    let known = format!("witness w1 {w1}\nwitness w2 {w2}\n");
    let same_key = Ed25519Cosigner::from_seed("example.com/renamed", &[101; 32])
        .unwrap()
        .verifier();
    assert_eq!(same_key.public_key(), witness(1).verifier().public_key());
    for (bad, line) in [
        (String::new(), 1),
        (format!("log {log}\n"), 2),
        ("quorum none".to_owned(), 1),
        ("quorum none\r\n".to_owned(), 1),
        ("quorum none\nquorum none\n".to_owned(), 2),
        ("quorum\n".to_owned(), 1),
        ("quorum w1\n".to_owned(), 1),
        (format!("quorum w1\n{known}"), 1),
        ("Quorum none\n".to_owned(), 1),
        ("log\nquorum none\n".to_owned(), 1),
        ("log not-a-key\nquorum none\n".to_owned(), 1),
        (format!("log {log} url more\nquorum none\n"), 1),
        (format!("log {log}\nlog {log}\nquorum none\n"), 2),
        (format!("witness w1 {log}\nquorum none\n"), 1),
        (format!("witness none {w1}\nquorum none\n"), 1),
        (
            format!("witness w1 {w1}\nwitness w1 {w2}\nquorum none\n"),
            2,
        ),
        (
            format!("witness w1 {w1}\nwitness w3 {w1}\nquorum none\n"),
            2,
        ),
        (
            format!("witness w1 {w1}\nwitness w3 {same_key}\nquorum none\n"),
            2,
        ),
        (format!("{known}group g any\nquorum g\n"), 3),
        (format!("{known}group g 0 w1\nquorum g\n"), 3),
        (format!("{known}group g 3 w1 w2\nquorum g\n"), 3),
        (format!("{known}group g 01 w1\nquorum g\n"), 3),
        (format!("{known}group g most w1\nquorum g\n"), 3),
        (format!("{known}group g any w1 w1\nquorum g\n"), 3),
        (format!("{known}group g any none\nquorum g\n"), 3),
        (format!("{known}group g any g\nquorum g\n"), 3),
        (format!("{known}group none any w1\nquorum none\n"), 3),
        (format!("{known}group w1 any w2\nquorum w1\n"), 3),
        (
            format!("{known}group g any w1\ngroup h any w1\nquorum h\n"),
            4,
        ),
    ] {
        match Policy::parse(bad.as_bytes()) {
            Err(TlogError::Policy { line: found, .. }) => assert_eq!(found, line, "{bad}"),
            other => panic!("{bad} gave {other:?}"),
        }
    }
    assert!(Policy::parse(b"\xff\nquorum none\n").is_err());
    assert!(Policy::parse(b"# \xff\nquorum none\n").is_ok());
    assert!(Policy::parse(b"quorum none\x7f\n").is_err());
    assert!(Policy::parse(&vec![b'\n'; 2 << 20]).is_err());
}

#[test]
fn a_policy_holds_32_logs_and_witnesses_and_groups_and_more_up_to_its_limit() {
    let policy = |count: usize| {
        let mut lines = String::new();
        for i in 0..count {
            let seed: [u8; 32] = *hash_leaf(&i.to_be_bytes()).as_bytes();
            writeln!(
                lines,
                "log {}",
                Ed25519Signer::from_seed("l", &seed).unwrap().verifier()
            )
            .unwrap();
            writeln!(
                lines,
                "witness w{i} {}",
                Ed25519Cosigner::from_seed("w", &seed).unwrap().verifier()
            )
            .unwrap();
            writeln!(lines, "group g{i} all w{i}").unwrap();
        }
        Policy::parse((lines + "quorum none\n").as_bytes())
    };
    assert!(policy(32).is_ok());
    assert!(policy(128).is_ok());
    assert!(policy(129).is_err());
}

#[test]
fn requests_to_a_witness_have_one_spelling() {
    let good = request(3, 7).to_string();
    assert_eq!(
        AddCheckpoint::parse(good.as_bytes()).unwrap().to_string(),
        good
    );
    let hash = good.lines().nth(1).unwrap();
    for bad in [
        String::new(),
        "old 0\n".to_owned(),
        "old 0\n\n".to_owned(),
        good.replace("old 3", "old 03"),
        good.replace("old 3", "old +3"),
        good.replace("old 3", "old  3"),
        good.replace("old 3", "old 3 "),
        good.replace("old 3", "Old 3"),
        good.replace("old 3", "old 18446744073709551616"),
        good.replace("old 3\n", ""),
        good.replace(hash, &hash[1..]),
        good.replace(hash, &format!("{hash}\r")),
        good.replace(hash, &vec![hash; 64].join("\n")),
        good.replacen("\n\n", "\n", 1),
        good.replacen("\n\n", "\n\n\n", 1),
        format!("{good}\n"),
    ] {
        assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad:.300}");
        assert_eq!(judge(bad.as_bytes(), 3).status(), 400);
    }
    assert_eq!(judge(b"old 0\n\n\xff", 3).status(), 400);
    assert_eq!(judge(&vec![b'a'; 3 << 20], 3).status(), 400);
    let answer = format!("{}\n{}\n", line(), line());
    assert_eq!(parse_signature_lines(&answer).unwrap().len(), 2);
    for bad in ["", "\n", answer.trim_end(), "text\n"] {
        assert!(parse_signature_lines(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_witness_answers_as_the_specification_says() {
    // (recorded size, request, expected status)
    let zero = |root| {
        let head = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: 0,
            root,
        };
        AddCheckpoint {
            old_size: 0,
            proof: Vec::new(),
            checkpoint: note_of(&head),
        }
    };
    let with = |old_size, proof, size| AddCheckpoint {
        old_size,
        proof,
        checkpoint: note_of(&head(size)),
    };
    let fork = Checkpoint {
        root: hash_leaf(b"fork"),
        ..head(7)
    };
    let cases = [
        (0, with(0, vec![], 7), 200),
        (3, request(3, 7), 200),
        (7, with(7, vec![], 7), 200),
        (0, zero(empty_root()), 200),
        (3, with(8, vec![], 7), 400),
        (3, request(4, 7), 409),
        (3, with(0, vec![], 7), 409),
        (0, request(3, 7), 409),
        (7, zero(empty_root()), 409),
        (0, zero(hash_leaf(b"x")), 422),
        (0, with(0, vec![leaf(0)], 7), 422),
        (3, with(3, vec![], 7), 422),
        (3, with(3, vec![leaf(0)], 7), 422),
        (7, with(7, vec![leaf(0)], 7), 422),
        (
            7,
            AddCheckpoint {
                old_size: 7,
                proof: vec![],
                checkpoint: note_of(&fork),
            },
            422,
        ),
    ];
    for (recorded, request, status) in &cases {
        let verdict = judge(request.to_string().as_bytes(), *recorded);
        assert_eq!(
            verdict.status(),
            *status,
            "{verdict:?} for {recorded} and\n{request}"
        );
        if let Verdict::Conflict { size } = verdict {
            assert_eq!(size, *recorded);
        }
    }
    // The order of the checks: an unknown log before a bad signature, before a bad size, before a conflict.
    let mut wrong = with(9, vec![leaf(0)], 7);
    let text = wrong.checkpoint.text().to_owned();
    let forged = NoteSignature::new(ORIGIN, log_signer().verifier().key_id(), vec![1; 64]).unwrap();
    wrong.checkpoint = Note::new(text.clone(), vec![forged]).unwrap();
    assert_eq!(
        judge_add_checkpoint(wrong.to_string().as_bytes(), |_| None).status(),
        404
    );
    assert_eq!(judge(wrong.to_string().as_bytes(), 3).status(), 403);
    wrong.checkpoint =
        Note::new(text, vec![witness(1).sign(&head(7).text(), TIME).unwrap()]).unwrap();
    assert_eq!(judge(wrong.to_string().as_bytes(), 3).status(), 403);
    println!("witness: {} requests decided", cases.len());
}

#[test]
fn entry_bundles_hold_exactly_their_entries() {
    let long = vec![7; 65_536];
    let entries: [&[u8]; 3] = [b"one", b"", &long[1..]];
    let bundle = entry_bundle(entries).unwrap();
    assert_eq!(parse_entry_bundle(&bundle, 3).unwrap(), entries);
    assert_eq!(&bundle[..7], b"\0\x03one\0\0");
    for count in [0, 2, 4, u16::MAX] {
        assert!(parse_entry_bundle(&bundle, count).is_err());
    }
    for cut in [1, 4, 6, bundle.len() - 1] {
        assert!(parse_entry_bundle(&bundle[..cut], 3).is_err());
    }
    assert_eq!(
        entry_bundle([long.as_slice()]),
        Err(TlogError::EntryTooLong { given: 65_536 })
    );
    assert!(parse_entry_bundle(b"", 0).unwrap().is_empty());
}

#[test]
fn a_full_tile_may_stand_in_for_a_partial_one() {
    let all = leaves(256);
    let fetch = |path: &TilePath| {
        let full = path.full();
        Ok::<_, TlogError>(match full.to_string().as_str() {
            "tile/0/000" => tile_bytes(&all),
            "tile/entries/000" => {
                let entries: Vec<String> = (0..256).map(|i| format!("leaf {i}")).collect();
                entry_bundle(entries.iter().map(String::as_bytes))?
            }
            other => panic!("{other} asked for"),
        })
    };
    let mut reader = TileReader::open(200, &root(&all[..200]), fetch).unwrap();
    assert_eq!(
        reader.inclusion_proof(199).unwrap(),
        naive_inclusion(199, &all[..200])
    );
    assert_eq!(reader.entries(0).unwrap().len(), 200);
    assert!(reader.entries(1).is_err() && reader.entries(u64::MAX).is_err());
    assert_eq!(
        reader.node(8, 0),
        Err(TlogError::NodeMissing { level: 8, index: 0 })
    );
    assert!(reader.node(255, 0).is_err() && reader.node(0, 200).is_err());
    assert!(TileReader::open(200, &root(&all), fetch).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tile_paths_print_and_read_alike(level in 0_u8..64, index: u64, shift in 0_u32..64, width in 1_u16..=256) {
        for path in [TilePath::hashes(level, index >> shift, width).unwrap(), TilePath::entries(index >> shift, width).unwrap()] {
            prop_assert_eq!(path.to_string().parse::<TilePath>().unwrap(), path);
        }
    }

    #[test]
    fn what_is_read_prints_the_same(text in "[ \n\ta-z0-9+/=.x\u{2014}]{0,80}") {
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text.clone());
        }
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text.clone());
        }
        if let Ok(head) = Checkpoint::parse(&text) {
            prop_assert_eq!(head.text(), text.clone());
        }
        if let Ok(key) = Verifier::parse(&text) {
            prop_assert_eq!(key.vkey(), text);
        }
    }

    #[test]
    fn no_byte_of_a_signed_note_can_change(at: prop::sample::Index, bit in 0_u32..8) {
        let note = signed_head(7);
        let mut bytes = note.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let changed = String::from_utf8(bytes).ok();
        let opened = changed.map(|note| open_checkpoint(&note, &[log_signer().verifier()]));
        prop_assert!(!matches!(opened, Some(Ok(_))), "byte {}", at);
    }

    #[test]
    fn no_byte_of_a_proof_file_can_change(at: prop::sample::Index, bit in 0_u32..8) {
        let policy = Policy::of_log(log_signer().verifier());
        let head = head(7);
        let proof = TlogProof { extra: None, index: 3, proof: naive_inclusion(3, &leaves(7)), checkpoint: note_of(&head) };
        prop_assert!(proof.verify(&leaf(3), &policy).is_ok());
        let mut bytes = proof.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let changed = String::from_utf8(bytes).ok().and_then(|file| TlogProof::parse(&file).ok());
        prop_assert!(changed.is_none_or(|proof| proof.verify(&leaf(3), &policy).is_err()), "byte {}", at);
    }

    #[test]
    fn hostile_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Policy::parse(&bytes);
        let _ = AddCheckpoint::parse(&bytes);
        let _ = parse_entry_bundle(&bytes, 3);
        let text = String::from_utf8_lossy(&bytes);
        let _ = (Note::parse(&text), TlogProof::parse(&text), Verifier::parse(&text));
    }
}

fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap()
}

fn witness(number: u8) -> Ed25519Cosigner {
    Ed25519Cosigner::from_seed(&format!("w{number}.example"), &[100 + number; 32]).unwrap()
}

fn mldsa() -> MlDsaCosigner {
    MlDsaCosigner::from_seed("example.com/log/mldsa", &[3; 32]).unwrap()
}

fn head(size: u64) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: root(&leaves(size as usize)),
    }
}

fn note_of(head: &Checkpoint) -> Note {
    Note::parse(&sign_checkpoint(head, &[&log_signer()], TIME).unwrap()).unwrap()
}

fn signed_head(size: u64) -> String {
    note_of(&head(size)).to_string()
}

fn line() -> NoteSignature {
    witness(2).sign(&head(7).text(), TIME).unwrap()
}

/// A proof with the signatures of the log and of witness 1.
fn proof_file(index: u64, size: u64, extra: Option<Vec<u8>>) -> TlogProof {
    let note = sign_checkpoint(&head(size), &[&log_signer(), &witness(1)], TIME).unwrap();
    let proof = naive_inclusion(index as usize, &leaves(size as usize));
    TlogProof {
        extra,
        index,
        proof,
        checkpoint: Note::parse(&note).unwrap(),
    }
}

/// An honest request to advance a witness.
fn request(old_size: u64, size: u64) -> AddCheckpoint {
    let proof = naive_consistency(0, old_size as usize, &leaves(size as usize), true);
    AddCheckpoint {
        old_size,
        proof,
        checkpoint: note_of(&head(size)),
    }
}

/// The verdict of a witness that cosigned the log at `recorded` leaves.
fn judge(body: &[u8], recorded: u64) -> Verdict {
    judge_add_checkpoint(body, |origin| {
        (origin == ORIGIN).then(|| WitnessedLog {
            verifiers: vec![log_signer().verifier()],
            size: recorded,
            root: head(recorded).root,
        })
    })
}

/// A vkey made by its definition.
fn vkey_text(name: &str, material: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let id = sha2::Sha256::digest([name.as_bytes(), b"\n", material].concat());
    let id = format!("{:08x}", u32::from_be_bytes(*id.first_chunk().unwrap()));
    format!(
        "{name}+{id}+{}",
        base64::engine::general_purpose::STANDARD.encode(material)
    )
}
