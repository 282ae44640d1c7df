//! The bytes of every format, made from fixed inputs, are what they were: their hashes are in `conformance.toml`, each
//! with what it means if it changes. A change that is meant is written there by running this with
//! `UPDATE_CONFORMANCE=1`, and belongs into the changelog.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use support::{ledger, log, record, table};

/// A format: its name, what follows if its bytes change, and how they are made.
type Format = (&'static str, &'static str, fn() -> Vec<u8>);

const FORMATS: [Format; 36] = [
    (
        "canonical-text",
        "Every digest changes: no record sealed before can be recomputed.",
        record::canonical,
    ),
    (
        "draft-text",
        "A record sent again is no longer known as the same.",
        record::draft,
    ),
    (
        "record-text",
        "New records are stored otherwise; readers of old ones must know both.",
        record::complete,
    ),
    (
        "record-content",
        "Idempotency: a record sent again conflicts with itself.",
        record::content,
    ),
    (
        "facts",
        "Every digest changes, and with it every proof.",
        record::facts,
    ),
    (
        "salts",
        "Disclosures and evidence made before no longer hold.",
        record::salts,
    ),
    (
        "commitments",
        "Disclosures and evidence made before no longer hold.",
        record::commitments,
    ),
    ("digest", "Every leaf of every log changes.", record::digest),
    (
        "disclosure",
        "What is shown, and under which salts, changes.",
        record::disclosure,
    ),
    (
        "redaction",
        "Records with erased facts can no longer be read.",
        record::redaction,
    ),
    (
        "erased-text",
        "What remains of records with erased facts changes; their digests no longer hold.",
        record::erased_text,
    ),
    (
        "leaf-and-node-hashes",
        "Every root and every proof changes.",
        log::hashes,
    ),
    ("proofs", "Proofs made before no longer hold.", log::proofs),
    (
        "tile-paths",
        "Public readers of the log no longer find its tiles.",
        log::tile_paths,
    ),
    (
        "tile",
        "Public readers of the log can no longer read its tiles.",
        log::tile,
    ),
    (
        "entry-bundle",
        "Public readers of the log can no longer read its entries.",
        log::bundle,
    ),
    (
        "verifier-keys",
        "Keys that users hold are no longer known.",
        log::verifier_keys,
    ),
    (
        "checkpoint",
        "No checkpoint signed before verifies, and no holder of a head can compare.",
        log::checkpoint,
    ),
    (
        "note-ed25519",
        "Checkpoints no longer verify with public tools.",
        log::note,
    ),
    (
        "cosignature-ed25519",
        "Cosignatures of witnesses no longer verify.",
        log::cosigned,
    ),
    (
        "cosignature-ml-dsa-44",
        "The second signature of every checkpoint no longer verifies.",
        log::cosigned_ml_dsa,
    ),
    (
        "proof-file",
        "Proof files given out no longer verify.",
        log::proof_file,
    ),
    (
        "policy",
        "Policies that users hold are read otherwise.",
        log::policy,
    ),
    (
        "witness-request",
        "Witnesses no longer understand the log.",
        log::witness_request,
    ),
    (
        "evidence-file",
        "Evidence given out is no longer what is written; old files must still verify.",
        ledger::evidence,
    ),
    (
        "ledger-json",
        "Folders made before are not known as ledgers.",
        ledger::identity,
    ),
    (
        "key-file",
        "Ledgers made before can no longer be signed for.",
        ledger::key_file,
    ),
    (
        "remembered-head",
        "Heads that users remember are lost, and with them the protection against rollback.",
        ledger::remembered_head,
    ),
    (
        "write-ahead-segment",
        "Records that were acknowledged and not flushed cannot be read: data loss on upgrade.",
        ledger::segment,
    ),
    (
        "index-run",
        "The index of every ledger is made anew at the next opening.",
        ledger::index_run,
    ),
    (
        "blob-path",
        "Attachments stored before are not found.",
        ledger::blob_path,
    ),
    (
        "folder",
        "Files lie elsewhere: nothing written before is found.",
        ledger::folder,
    ),
    (
        "delta-protocol-and-metadata",
        "Other engines see another table, or refuse it.",
        table::metadata,
    ),
    (
        "delta-actions",
        "Other engines, or recovery, no longer understand the commits of the table.",
        table::actions,
    ),
    (
        "parquet-schema",
        "Queries of users name columns and types that are no longer there.",
        table::schema,
    ),
    (
        "parquet-encodings",
        "Size and speed change, and readers without these encodings are shut out.",
        table::encodings,
    ),
];

#[test]
fn no_format_has_drifted() {
    let now: BTreeMap<&str, String> = FORMATS
        .iter()
        .map(|(name, _, make)| (*name, hash(&make())))
        .collect();
    assert_eq!(now.len(), FORMATS.len(), "a name is there twice");
    if std::env::var_os("UPDATE_CONFORMANCE").is_some() {
        std::fs::write(path(), print(&now)).unwrap();
        return;
    }
    let text = std::fs::read_to_string(path()).expect("conformance.toml is missing");
    let kept: BTreeMap<String, String> = toml::from_str(&text).unwrap();
    let mut drifted = String::new();
    for (name, meaning, _) in FORMATS {
        if kept.get(name) != Some(&now[name]) {
            writeln!(drifted, "{name}: {meaning}").unwrap();
        }
    }
    assert!(
        drifted.is_empty(),
        "these formats are not what they were:\n{drifted}"
    );
    assert_eq!(
        text,
        print(&now),
        "conformance.toml has more than the formats"
    );
}

#[test]
fn the_bytes_are_the_same_each_time() {
    for (name, _, make) in FORMATS {
        assert_eq!(make(), make(), "{name} depends on more than its input");
    }
}

fn print(hashes: &BTreeMap<&str, String>) -> String {
    let mut text = String::from(
        "# SHA-256 of the bytes of every format, made from fixed inputs by tests/conformance_formats.rs. Above each: what it\n\
         # means if it changes. Written by UPDATE_CONFORMANCE=1.\n",
    );
    for (name, meaning, _) in FORMATS {
        write!(text, "\n# {meaning}\n{name} = \"{}\"\n", hashes[name]).unwrap();
    }
    text
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance.toml")
}
