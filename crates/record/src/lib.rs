//! The record format: validation, canonical text, facts, salted commitments, disclosure and erasure. No I/O.
