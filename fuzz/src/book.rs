//! A log in miniature: records sealed with fixed keys, their tree, and the signers of its checkpoint.

use std::sync::LazyLock;

use causebook_record::{Draft, OpeningKey, Recorded, Sealed, Stored};
use causebook_tlog::{
    Checkpoint, Ed25519Cosigner, Ed25519Signer, Hash, MlDsaCosigner, Signer, Verifier, hash_leaf,
    sign_checkpoint,
};

use crate::reference::tree;

pub const ORIGIN: &str = "fuzz.example/log";
pub const TIME: u64 = 1_760_000_000;

const RECORDS: [&str; 5] = [
    r#"{"id":"D-0","model":"m","input":{"age":41},"decision":"approve"}"#,
    r#"{"id":"D-1","model":{"name":"m","version":"v1.2"},"subject":"s-77","input":{"age":30,"income":1200.50,"tags":["a",1]},"output":{"p":0.31},"decision":"deny","score":0.31,"parameters":{}}"#,
    r#"{"id":"D-2","model":"m","input":{"age":55},"decision":"approve"}"#,
    r#"{"id":"R-1","kind":"review","refers_to":"D-1","review":{"action":"override","who":"ann","role":"officer","reason":"income"}}"#,
    r#"{"id":"D-3","model":"m","input":{"age":23},"decision":"deny"}"#,
];

pub struct Book {
    pub sealed: Vec<Sealed>,
    pub leaves: Vec<Hash>,
    pub head: Checkpoint,
    /// Signed by the log's key alone.
    pub note: String,
    /// Signed by the log's key and both cosigners.
    pub cosigned: String,
}

pub static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let sealed: Vec<Sealed> = RECORDS
        .iter()
        .zip(1..)
        .map(|(json, key)| seal(json, key))
        .collect();
    let leaves: Vec<Hash> = sealed
        .iter()
        .map(|sealed| hash_leaf(&sealed.digest.0))
        .collect();
    let head = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: leaves.len() as u64,
        root: tree::root(&leaves),
    };
    let note = sign_checkpoint(&head, &[&log_signer()], TIME).unwrap();
    let cosigned = sign_checkpoint(&head, &[&log_signer(), &cosigner(), &witness()], TIME).unwrap();
    Book {
        sealed,
        leaves,
        head,
        note,
        cosigned,
    }
});

impl Book {
    pub fn stored(&self, index: usize) -> Stored {
        let Sealed { text, key, .. } = self.sealed[index].clone();
        Stored::Whole { text, key }
    }
}

pub fn seal(json: &str, key: u8) -> Sealed {
    let record = Draft::parse(json.as_bytes())
        .unwrap()
        .complete("unused", &recorded());
    record.unwrap().seal(OpeningKey([key; 16]))
}

pub fn recorded() -> Recorded {
    Recorded {
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        by: "loans".to_owned(),
        via: "sdk".to_owned(),
    }
}

pub fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap()
}

pub fn cosigner() -> MlDsaCosigner {
    MlDsaCosigner::from_seed("fuzz.example/log/ml-dsa-44", &[2; 32]).unwrap()
}

pub fn witness() -> Ed25519Cosigner {
    Ed25519Cosigner::from_seed("witness.example/w", &[3; 32]).unwrap()
}

/// The keys of the log, of its cosigner and of a witness.
pub static VERIFIERS: LazyLock<[Verifier; 3]> = LazyLock::new(|| {
    [
        log_signer().verifier(),
        cosigner().verifier(),
        witness().verifier(),
    ]
});
