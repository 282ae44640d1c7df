//! Cosignatures: on checkpoints alone, and on every part of what they state.

use causebook_tlog::{
    Checkpoint, Hash, MlDsaCosigner, NoteSignature, Signer as _, hash_leaf, root,
};

use crate::log::{ORIGIN, TIME, head, mldsa, witness};
use crate::support::leaves;

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
