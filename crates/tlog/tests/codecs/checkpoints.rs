//! Checkpoints: their text, signed and opened.

use causebook_tlog::{
    Algorithm, Checkpoint, Note, Signer as _, TIME_MAX, open_checkpoint, parse_decimal,
    sign_checkpoint,
};

use crate::log::{ORIGIN, TIME, head, log_signer, mldsa, witness};

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
