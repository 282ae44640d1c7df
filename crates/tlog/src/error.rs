//! The one error type of the crate, with the facts a caller needs to act or to tell a human.

use crate::tree::Hash;

/// Why a proof, a tile, a note or another text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlogError {
    /// A hash was not 44 characters of canonical base64.
    #[error("not a hash: expected 32 bytes as 44 characters of standard base64")]
    HashText,
    /// A base64 field was not canonical standard base64.
    #[error("not standard base64 with padding")]
    Base64,
    /// A field was longer than its limit.
    #[error("{what} is longer than its limit of {limit} bytes")]
    TooLong {
        /// What was too long.
        what: &'static str,
        /// Limit, in bytes.
        limit: usize,
    },

    /// A frontier's hashes did not fit its size.
    #[error("a tree of {size} leaves has a frontier of {needed} hashes, not {given}")]
    FrontierLength {
        /// Leaves in the tree.
        size: u64,
        /// Hashes such a frontier has.
        needed: usize,
        /// Hashes given.
        given: usize,
    },
    /// A tree larger than this crate appends to.
    #[error("a tree of {size} leaves is beyond the supported 2^63 - 1")]
    TreeTooLarge {
        /// Leaves claimed.
        size: u64,
    },
    /// A leaf index outside the tree or subtree.
    #[error("leaf {index} is not among the leaves {start}..{end}")]
    IndexBeyondTree {
        /// Index asked for.
        index: u64,
        /// First leaf of the (sub)tree.
        start: u64,
        /// One past its last leaf.
        end: u64,
    },
    /// A range that is no subtree of any tree.
    #[error("leaves {start}..{end} form no subtree")]
    NotASubtree {
        /// First leaf.
        start: u64,
        /// One past the last leaf.
        end: u64,
    },
    /// An old size larger than the new one.
    #[error("a tree of {new} leaves cannot contain one of {old}")]
    SizesReversed {
        /// Size that should be the smaller.
        old: u64,
        /// Size that should be the larger.
        new: u64,
    },
    /// Consistency with the empty tree, which every tree has and nothing proves.
    #[error("consistency with an empty tree needs no proof and proves nothing")]
    EmptyOldTree,
    /// A proof with too few or too many hashes for its sizes.
    #[error("a proof of {given} hashes does not fit these tree sizes")]
    ProofLength {
        /// Hashes in the proof.
        given: usize,
    },
    /// A proof that leads to another root.
    #[error("the proof leads to root {computed}, not to {expected}")]
    RootMismatch {
        /// Root that the proof leads to.
        computed: Hash,
        /// Root expected.
        expected: Hash,
    },
    /// A subtree hash that the source of hashes does not have.
    #[error("the hash of the subtree at level {level}, index {index} is not at hand")]
    NodeMissing {
        /// Level of the subtree, 0 for leaves.
        level: u8,
        /// Index within the level.
        index: u64,
    },

    /// A tile path that is not in its one canonical form.
    #[error("not a tile path: {path:?}")]
    TilePath {
        /// Path given, cut to 80 characters.
        path: String,
    },
    /// A tile level above 63.
    #[error("tile level {level} is above 63")]
    TileLevel {
        /// Level given.
        level: u8,
    },
    /// A tile width of 0 or above 256.
    #[error("tile width {width} is not in 1..=256")]
    TileWidth {
        /// Width given.
        width: u16,
    },
    /// A tile or bundle of another length than its path says.
    #[error("{path} is {given} bytes long, not {expected}")]
    TileLength {
        /// Path of the tile.
        path: String,
        /// Bytes expected.
        expected: usize,
        /// Bytes given.
        given: usize,
    },
    /// A tile whose hashes do not lead to the hash above it, or an entry that does not hash to its leaf.
    #[error("{path} does not lead to the signed root")]
    TileMismatch {
        /// Path of the tile or bundle.
        path: String,
    },
    /// An entry too long for an entry bundle.
    #[error("an entry of {given} bytes does not fit an entry bundle, which holds up to 65535 each")]
    EntryTooLong {
        /// Bytes in the entry.
        given: usize,
    },
    /// An entry bundle cut short, or with bytes after its last entry.
    #[error("not an entry bundle of {expected} entries: it ends wrongly after {read}")]
    EntryBundle {
        /// Entries expected.
        expected: u16,
        /// Entries read.
        read: u16,
    },

    /// A key name that is empty, or has a space, a plus sign or a control character.
    #[error(
        "not a key name: {name:?} (must not be empty, nor hold spaces, plus signs or control characters)"
    )]
    KeyName {
        /// Name given, cut to 80 characters.
        name: String,
    },
    /// A verifier key that is malformed.
    #[error("not a verifier key: {problem}")]
    VerifierKey {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A verifier key of a signature type that this crate does not verify.
    #[error("signature type {number:#04x} is not supported (0x01, 0x04 and 0x06 are)")]
    SignatureType {
        /// Type byte of the key.
        number: u8,
    },
    /// Two verifiers with one name and key id.
    #[error("two different keys are both named {name} with id {key_id:08x}")]
    AmbiguousKey {
        /// Name of both keys.
        name: String,
        /// Key id of both keys.
        key_id: u32,
    },
    /// A note that is malformed.
    #[error("not a signed note: {problem}")]
    Note {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A signature by a known key that does not verify.
    #[error("the signature by {name} (key id {key_id:08x}) does not verify")]
    BadSignature {
        /// Name of the key.
        name: String,
        /// Id of the key.
        key_id: u32,
    },
    /// A note without a signature by any known key.
    #[error("no signature by a known key among {given}")]
    NoKnownSignature {
        /// Signatures in the note.
        given: usize,
    },
    /// A checkpoint body that is malformed.
    #[error("not a checkpoint: {problem}")]
    Checkpoint {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A statement that a cosignature cannot carry.
    #[error("not a statement to cosign: {problem}")]
    Cosignature {
        /// What is wrong with it.
        problem: &'static str,
    },

    /// A `.tlog-proof` file that is malformed.
    #[error("not a tlog proof: line {line}: {problem}")]
    TlogProof {
        /// Line of the fault, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A policy file that is malformed.
    #[error("not a tlog policy: line {line}: {problem}")]
    Policy {
        /// Line of the fault, from 1; one past the last for what is missing.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A checkpoint that none of a policy's logs signed under its own origin.
    #[error("checkpoint of {origin} is not signed by a log of the policy with that name")]
    UnknownLog {
        /// Origin of the checkpoint.
        origin: String,
    },
    /// A checkpoint without enough cosignatures for the policy.
    #[error("the cosignatures of {cosigned} known witnesses do not make the policy's quorum")]
    QuorumMissed {
        /// Known witnesses that cosigned.
        cosigned: usize,
    },
    /// The body of a witness request that is malformed.
    #[error("not an add-checkpoint request: {problem}")]
    WitnessRequest {
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// At most 80 characters of hostile text, for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
