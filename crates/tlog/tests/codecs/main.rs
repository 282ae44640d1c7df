//! The text and byte formats, good and bad: what is read is printed again the same, and what would not be is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod checkpoints;
mod cosignatures;
mod keys;
mod log;
mod notes;
mod policies;
mod proof_files;
#[path = "../support/mod.rs"]
mod support;
mod tiles;
mod witnesses;

use causebook_tlog::{
    AddCheckpoint, Checkpoint, Note, Policy, TilePath, TlogProof, Verifier, parse_entry_bundle,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_prints_the_same(text in "[ \n\ta-z0-9+/=.x\u{2014}]{0,80}") {
        if let Ok(path) = text.parse::<TilePath>() {
            prop_assert_eq!(path.to_string(), text.clone());
        }
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text.clone());
        }
        if let Ok(head) = Checkpoint::parse(&text) {
            prop_assert_eq!(head.text(), text.clone());
        }
        if let Ok(key) = Verifier::parse(&text) {
            prop_assert_eq!(key.vkey(), text);
        }
    }

    #[test]
    fn hostile_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Policy::parse(&bytes);
        let _ = AddCheckpoint::parse(&bytes);
        let _ = parse_entry_bundle(&bytes, 3);
        let text = String::from_utf8_lossy(&bytes);
        let _ = (Note::parse(&text), TlogProof::parse(&text), Verifier::parse(&text));
    }
}
