//! Signed notes: their text, their signature lines, and what a verifier makes of those.

use causebook_tlog::{
    Checkpoint, Ed25519Cosigner, Ed25519Signer, Note, NoteSignature, SIGNATURES_MAX, Signer as _,
    TlogError, Verifier, open_checkpoint,
};
use proptest::prelude::*;

use crate::log::{ORIGIN, TIME, head, log_signer, signed_head, witness};

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
}
