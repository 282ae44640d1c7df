//! The log of the examples: its signers, and its heads over the leaves of the support module.

use causebook_tlog::{
    Checkpoint, Ed25519Cosigner, Ed25519Signer, MlDsaCosigner, Note, NoteSignature, Signer as _,
    root, sign_checkpoint,
};

use crate::support::leaves;

pub(crate) const ORIGIN: &str = "example.com/log";
pub(crate) const TIME: u64 = 1_760_000_000;

pub(crate) fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap()
}

pub(crate) fn witness(number: u8) -> Ed25519Cosigner {
    Ed25519Cosigner::from_seed(&format!("w{number}.example"), &[100 + number; 32]).unwrap()
}

pub(crate) fn mldsa() -> MlDsaCosigner {
    MlDsaCosigner::from_seed("example.com/log/mldsa", &[3; 32]).unwrap()
}

pub(crate) fn head(size: u64) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: root(&leaves(size as usize)),
    }
}

pub(crate) fn note_of(head: &Checkpoint) -> Note {
    Note::parse(&sign_checkpoint(head, &[&log_signer()], TIME).unwrap()).unwrap()
}

pub(crate) fn signed_head(size: u64) -> String {
    note_of(&head(size)).to_string()
}

pub(crate) fn line() -> NoteSignature {
    witness(2).sign(&head(7).text(), TIME).unwrap()
}
