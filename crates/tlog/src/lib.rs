//! Transparency logs in the formats of [C2SP](https://c2sp.org), without I/O.
//!
//! A transparency log is a Merkle tree that only grows, with a signed statement of its size and root. This crate holds
//! the whole of it that is arithmetic and text: the tree of RFC 6962 with its proofs, `tlog-tiles`, `signed-note`,
//! `tlog-checkpoint`, `tlog-cosignature`, `tlog-proof`, `tlog-policy` and the bodies of `tlog-witness`.
//! It opens no file and no socket, reads no clock and draws no random number: those are the caller's.
//!
//! Every parser refuses what it would not print the same way again, and bounds what it reads before it allocates.
//!
//! # Example
//!
//! A log of three entries, its signed checkpoint, and a proof that the second entry is in it.
//!
//! ```
//! use causebook_tlog::{
//!     Checkpoint, Ed25519Signer, Frontier, Signer, TlogError, hash_leaf, inclusion_proof, open_checkpoint,
//!     sign_checkpoint, verify_inclusion,
//! };
//! use std::collections::HashMap;
//!
//! # fn main() -> Result<(), TlogError> {
//! let mut nodes = HashMap::new();
//! let mut frontier = Frontier::new();
//! for entry in ["first", "second", "third"] {
//!     frontier.push_with(hash_leaf(entry.as_bytes()), |level, index, hash| {
//!         nodes.insert((level, index), hash);
//!     });
//! }
//!
//! // Randomness is the caller's: a real seed comes from the operating system.
//! let signer = Ed25519Signer::from_seed("example.com/log", &[7; 32])?;
//! let head = Checkpoint { origin: "example.com/log".into(), size: frontier.size(), root: frontier.root() };
//! let note = sign_checkpoint(&head, &[&signer], 1_700_000_000)?;
//!
//! // Elsewhere, with nothing but the note, the proof and the key:
//! let (seen, signatures) = open_checkpoint(&note, &[signer.verifier()])?;
//! assert_eq!(signatures.len(), 1);
//! let proof = inclusion_proof(1, seen.size, &mut |level, index| {
//!     nodes.get(&(level, index)).copied().ok_or(TlogError::NodeMissing { level, index })
//! })?;
//! verify_inclusion(1, seen.size, &hash_leaf(b"second"), &proof, &seen.root)?;
//! # Ok(())
//! # }
//! ```

mod checkpoint;
mod cosignature;
mod error;
mod note;
mod policy;
mod proof;
mod signer;
mod text;
mod tile;
mod tile_reader;
mod tlog_proof;
mod tree;
mod verifier;
mod witness;

pub use checkpoint::{Checkpoint, open_checkpoint, sign_checkpoint};
pub use cosignature::{CosignedMessage, TIME_MAX, ed25519_cosigned_message};
pub use error::TlogError;
pub use note::{
    NOTE_BYTES_MAX, Note, NoteSignature, SIGNATURES_MAX, VerifiedSignature, parse_signature_lines,
};
pub use policy::{POLICY_BYTES_MAX, POLICY_NAMES_MAX, Policy, PolicyLog, PolicyWitness};
pub use proof::{
    PROOF_HASHES_MAX, consistency_proof, inclusion_proof, subtree_consistency_proof,
    subtree_inclusion_proof, subtree_root, verify_consistency, verify_inclusion,
    verify_subtree_consistency, verify_subtree_inclusion,
};
pub use signer::{Ed25519Cosigner, Ed25519Signer, MlDsaCosigner, Signer};
pub use text::parse_decimal;
pub use tile::{
    ENTRY_BYTES_MAX, TILE_HEIGHT, TILE_WIDTH, TileKind, TilePath, entry_bundle, entry_bundles,
    hash_tiles, new_tiles, parse_entry_bundle, parse_tile, tile_bytes,
};
pub use tile_reader::TileReader;
pub use tlog_proof::{TlogProof, VerifiedProof};
pub use tree::{Frontier, HASH_BYTES, Hash, SIZE_MAX, empty_root, hash_leaf, hash_node, root};
pub use verifier::{Algorithm, Verifier};
pub use witness::{AddCheckpoint, REQUEST_BYTES_MAX, Verdict, WitnessedLog, judge_add_checkpoint};
