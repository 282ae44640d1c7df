//! Nothing but tests: the formats of the product, held against what they were.
//!
//! `tests/conformance_formats.rs` makes the bytes of every format from fixed inputs and compares their hashes with
//! `conformance.toml`: a format cannot drift unnoticed. `tests/conformance_fixture.rs` opens a ledger that an earlier
//! version wrote, finds in it what was put there, and goes on writing.
