//! Proof files: their text, and what they prove under a policy.

use causebook_tlog::{
    Ed25519Signer, Note, Policy, Signer as _, TlogError, TlogProof, sign_checkpoint,
};
use proptest::prelude::*;

use crate::log::{ORIGIN, TIME, head, log_signer, note_of, witness};
use crate::support::{leaf, leaves, naive_inclusion};

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
