//! Policies: what is one, and which cosigners are enough for it.

use std::fmt::Write as _;

use causebook_tlog::{
    Ed25519Cosigner, Ed25519Signer, Note, Policy, Signer as _, TlogError, hash_leaf,
};

use crate::log::{TIME, head, log_signer, witness};

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
