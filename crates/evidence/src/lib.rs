//! Evidence files: one record of a ledger, disclosed as far as its keeper chose, with the proof that it is in the log.
//!
//! An evidence file is checked offline, with nothing but the file and a key that the checker has from elsewhere: each
//! disclosed fact leads by its salt to a commitment, the commitments to the record's digest, the digest by an inclusion
//! proof to the root of the log, and the root is signed. Records that are linked to the first (a review of it, the
//! decision it corrects) stand in the same file under the same signature.
//!
//! No I/O and no clock: the bytes come from the caller, and so does the trust.
//!
//! # Example
//!
//! ```
//! use causebook_evidence::{Evidence, EvidenceRecord, Link, Trust, check};
//! use causebook_record::{Draft, OpeningKey, Pointer, Recorded, Selection, Stored};
//! use causebook_tlog::{Checkpoint, Ed25519Signer, Signer, hash_leaf, root, sign_checkpoint};
//!
//! // A ledger of one record, in miniature.
//! let draft = Draft::parse(br#"{"id": "D-1", "model": "m", "input": {"age": 30}, "decision": "deny"}"#)?;
//! let recorded = Recorded { at: "2026-01-02T03:04:05Z".parse()?, by: "me".into(), via: "sdk".into() };
//! let sealed = draft.complete("D-1", &recorded)?.seal(OpeningKey([7; 16]));
//! let signer = Ed25519Signer::from_seed("example.com/book", &[1; 32])?;
//! let leaf = hash_leaf(&sealed.digest.0);
//! let head = Checkpoint { origin: "example.com/book".into(), size: 1, root: root(&[leaf]) };
//! let note = sign_checkpoint(&head, &[&signer], 0)?;
//!
//! // The keeper shows the decision and nothing of the input.
//! let stored = Stored::Whole { text: sealed.text, key: sealed.key };
//! let shown = stored.disclosure(&Selection::Only(vec!["/decision".parse::<Pointer>()?]))?;
//! let record = EvidenceRecord::disclosed(0, shown, Vec::new());
//! let evidence = Evidence::build(vec![signer.verifier().vkey()], note, vec![record])?;
//! let file = evidence.to_json();
//!
//! // The checker has the file and the key.
//! let trust = Trust::Keys(vec![signer.verifier().vkey()]);
//! let report = check(&Evidence::parse(file.as_bytes())?, &trust)?;
//! let text = report.records[0].text().ok_or("the record is erased")?;
//! assert_eq!(text, r#"{"decision":"deny","id":"D-1","kind":"decision"}"#);
//! assert_eq!(report.records[0].link, Link::Asked);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod error;
mod file;
mod json;

pub use check::{CheckedRecord, Link, NOT_PROVEN, Report, Signature, Standing, Trust, check};
pub use error::EvidenceError;
pub use file::{Content, Evidence, EvidenceRecord, FILE_BYTES_MAX, FORMAT, KEYS_MAX, RECORDS_MAX};
