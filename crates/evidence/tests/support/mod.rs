//! A ledger in miniature: six records sealed and logged, one of them erased since, under a checkpoint with two
//! signatures.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part")]

use std::collections::HashMap;

use causebook_evidence::{Evidence, EvidenceError, EvidenceRecord, Trust};
use causebook_record::{Disclosure, Draft, OpeningKey, Pointer, Recorded, Selection, Stored};
use causebook_tlog::{
    Checkpoint, Ed25519Signer, Frontier, Hash, MlDsaCosigner, Signer, TlogError, hash_leaf,
    inclusion_proof, sign_checkpoint,
};

pub const ORIGIN: &str = "causebook.example/loans";
pub const TIME: u64 = 1_760_000_000;

/// Index of the decision that the evidence is about, of what is linked to it, and of one that is not.
pub const DECISION: u64 = 1;
pub const REVIEW: u64 = 3;
pub const STRANGER: u64 = 4;
pub const ERASED: u64 = 5;

const RECORDS: [&str; 6] = [
    r#"{"id":"D-0","model":"m","input":{"age":41},"decision":"approve"}"#,
    r#"{"id":"D-1","model":{"name":"m","version":"v1.2"},"subject":"s-77","input":{"age":30,"income":1200.50,"name":"Zo\u00eb \"Z\" \u4e2d","tags":["a",1]},"output":{"p":0.31},"decision":"deny","score":0.31,"parameters":{}}"#,
    r#"{"id":"D-2","model":"m","input":{"age":55},"decision":"approve"}"#,
    r#"{"id":"R-1","kind":"review","refers_to":"D-1","review":{"action":"override","who":"ann","role":"officer","reason":"income was misread"}}"#,
    r#"{"id":"R-2","kind":"review","refers_to":"D-2","review":{"action":"confirm","who":"ann","role":"officer","reason":"fine"}}"#,
    r#"{"id":"D-3","model":"m","input":{"age":23},"decision":"deny"}"#,
];

pub struct Book {
    pub stored: Vec<Stored>,
    pub leaves: Vec<Hash>,
    nodes: HashMap<(u8, u64), Hash>,
    pub head: Checkpoint,
}

impl Book {
    pub fn new() -> Book {
        let (mut stored, mut leaves, mut nodes) = (Vec::new(), Vec::new(), HashMap::new());
        let mut frontier = Frontier::new();
        for (json, key) in RECORDS.iter().zip(1..) {
            let recorded = Recorded {
                at: "2026-01-02T03:04:05Z".parse().unwrap(),
                by: "loans".to_owned(),
                via: "sdk".to_owned(),
            };
            let record = Draft::parse(json.as_bytes())
                .unwrap()
                .complete("unused", &recorded)
                .unwrap();
            let sealed = record.seal(OpeningKey([key; 16]));
            let leaf = hash_leaf(&sealed.digest.0);
            frontier.push_with(leaf, |level, index, hash| {
                nodes.insert((level, index), hash);
            });
            leaves.push(leaf);
            stored.push(Stored::Whole {
                text: sealed.text,
                key: sealed.key,
            });
        }
        let head = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: frontier.size(),
            root: frontier.root(),
        };
        Book {
            stored,
            leaves,
            nodes,
            head,
        }
    }

    pub fn note(&self) -> String {
        sign_checkpoint(&self.head, &[&log_signer(), &cosigner()], TIME).unwrap()
    }

    pub fn proof(&self, index: u64) -> Vec<Hash> {
        inclusion_proof(index, self.head.size, &mut |level, index| {
            self.nodes
                .get(&(level, index))
                .copied()
                .ok_or(TlogError::NodeMissing { level, index })
        })
        .unwrap()
    }

    pub fn disclosure(&self, index: u64, pointers: &[&str]) -> Disclosure {
        let pointers: Vec<Pointer> = pointers
            .iter()
            .map(|pointer| pointer.parse().unwrap())
            .collect();
        self.stored[index as usize]
            .disclosure(&Selection::Only(pointers))
            .unwrap()
    }

    /// A record of which these facts are shown; all with `""`.
    pub fn record(&self, index: u64, pointers: &[&str]) -> EvidenceRecord {
        EvidenceRecord::disclosed(index, self.disclosure(index, pointers), self.proof(index))
    }

    pub fn erased(&self, index: u64) -> EvidenceRecord {
        let digest = self.stored[index as usize].digest().unwrap().unwrap();
        EvidenceRecord::erased(index, digest, self.proof(index))
    }

    pub fn build(&self, records: Vec<EvidenceRecord>) -> Result<Evidence, EvidenceError> {
        Evidence::build(keys(), self.note(), records)
    }

    /// The decision in part, its review in full, and a record that is erased.
    pub fn evidence(&self) -> Evidence {
        let decision = self.record(DECISION, &["/decision", "/input", "/model"]);
        self.build(vec![
            decision,
            self.record(REVIEW, &[""]),
            self.erased(ERASED),
        ])
        .unwrap()
    }
}

pub fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap()
}

pub fn cosigner() -> MlDsaCosigner {
    MlDsaCosigner::from_seed("causebook.example/loans/mldsa", &[2; 32]).unwrap()
}

pub fn keys() -> Vec<String> {
    vec![log_signer().verifier().vkey(), cosigner().verifier().vkey()]
}

pub fn trust() -> Trust {
    Trust::Keys(keys())
}
