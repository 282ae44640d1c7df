//! Transparency log: RFC 6962 trees, C2SP tiles, signed notes, checkpoints, cosignatures and proofs. No I/O.
