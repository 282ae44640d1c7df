//! The record format, version 1: validation, canonical text, facts, salted commitments, disclosure
//! and erasure.
//!
//! Bytes enter through [`Draft::parse`], which refuses what is not a record and makes its canonical
//! text once. The ledger completes the draft to a [`Record`], and [`Record::seal`] binds every fact
//! of it into one [`Digest`]. From then on nothing is serialised again: what is stored is what was
//! hashed. A [`Stored`] record can show some facts and keep others back ([`Disclosure`]), or lose
//! some for good ([`Redaction`]), and its digest stays the same.
//!
//! The crate does no I/O, reads no clock and draws no random numbers: keys and times are passed in.
//! The normative text of the format, for implementers in any language, is `docs/format.md`; its
//! test vectors are in `docs/vectors/record`.
//!
//! ```
//! use causebook_record::{Draft, OpeningKey, Pointer, Recorded, Selection, Stored};
//!
//! let draft = Draft::parse(br#"{"model_version": "v1.2", "input": {"age": 30}, "output": "approved"}"#)?;
//! let recorded = Recorded {
//!     at: "2024-06-01T12:00:00Z".parse().unwrap(),
//!     by: "loans-api".to_owned(),
//!     via: "http".to_owned(),
//! };
//! let sealed = draft.complete("01", &recorded)?.seal(OpeningKey([7; 16]));
//!
//! let stored = Stored::Whole { text: sealed.text, key: sealed.key };
//! let only_output = Selection::Only(vec!["/output".parse::<Pointer>()?]);
//! let disclosure = stored.disclosure(&only_output)?;
//! assert_eq!(disclosure.text()?, r#"{"id":"01","kind":"decision","output":"approved"}"#);
//! assert_eq!(disclosure.digest()?, sealed.digest);
//! # Ok::<(), causebook_record::RecordError>(())
//! ```

mod canonical;
mod disclosure;
mod draft;
mod error;
mod fact;
mod fields;
mod hash;
mod kind;
mod mask;
mod member;
mod place;
mod pointer;
mod record;
mod redaction;
mod scan;
mod seal;
mod stored;
mod text;
mod time;
mod validate;

pub use canonical::canonicalize;
pub use disclosure::{Disclosure, OpenFact, Selection};
pub use draft::Draft;
pub use error::{Position, RecordError};
pub use fact::{Fact, facts};
pub use fields::{Fields, fields, fields_of_members};
pub use kind::Kind;
pub use mask::{MASKED, Mask};
pub use member::{edits, member_names};
pub use pointer::Pointer;
pub use record::{Record, Recorded};
pub use redaction::Redaction;
pub use scan::{elements, join_members, members, value_at};
pub use seal::{Commitment, Digest, OpeningKey, Salt, Sealed, commit, digest, salt};
pub use stored::Stored;
pub use text::{string_text, string_value};

/// Most bytes of canonical text that a record may have: 1 MiB. Larger values go to attachments.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Most bytes of JSON that are read at the door: 4 MiB.
pub const INPUT_BYTES_MAX: usize = 4 << 20;
/// Most facts that a record may have.
pub const FACTS_MAX: usize = 4096;
/// Most tokens in the path of a fact. An object that sits deeper is one fact, whole.
pub const DESCENT_MAX: usize = 16;
/// Most bytes in the path of a fact: paths are hashed, and one long key must not be hashed with each
/// of the facts under it.
pub const PATH_BYTES_MAX: usize = 4096;
/// Most arrays and objects open at one time. A document that nests deeper is refused.
pub const NESTING_MAX: usize = 128;
/// Most bytes of an `id`, which has at least one.
pub const ID_BYTES_MAX: usize = 128;
/// Most bytes of a string by which records are found, other than `id`: `subject`, `decision`,
/// `refers_to`, `source.name`, `source.run`, `context.trace_id` and the strings of `model`.
pub const LABEL_BYTES_MAX: usize = 1024;
/// Integers of the format (`source.seq`, the size of an attachment) are below this: 2^53, exact in
/// every language.
pub const INTEGER_END: u64 = 1 << 53;
