//! The vectors in `docs/vectors/tlog`, made by an independent reference in Python (`docs/vectors/make_tlog.py`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use causebook_tlog::{
    Checkpoint, CosignedMessage, Ed25519Cosigner, Ed25519Signer, Hash, MlDsaCosigner, Note,
    NoteSignature, Policy, Signer, TileKind, TilePath, TlogProof, Verifier, consistency_proof,
    entry_bundle, entry_bundles, hash_leaf, hash_node, hash_tiles, inclusion_proof,
    open_checkpoint, parse_entry_bundle, root, sign_checkpoint, subtree_consistency_proof,
    subtree_inclusion_proof, tile_bytes, verify_consistency, verify_inclusion,
    verify_subtree_consistency, verify_subtree_inclusion,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::{Nodes, json};

#[test]
fn the_reference_still_makes_these_vectors() {
    let script = folder().parent().unwrap().join("make_tlog.py");
    match Command::new("python3").arg(&script).arg("--check").output() {
        Ok(run) => assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        ),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3: {error}");
            let notice =
                format!("!!! reference vectors: 1 CHECK NOT RUN, no python3 ({error}) !!!\n");
            std::io::stderr().write_all(notice.as_bytes()).unwrap();
        }
    }
}

#[test]
fn hashes_and_roots_are_those_of_the_reference() {
    let file = json(&folder().join("tree.json"));
    let log = Log::new();
    for case in list(&file, "leaves") {
        assert_eq!(hash_leaf(&hex(&case["data"])), hash(&case["hash"]));
    }
    for case in list(&file, "nodes") {
        assert_eq!(
            hash_node(&hash(&case["left"]), &hash(&case["right"])),
            hash(&case["hash"])
        );
    }
    for case in list(&file, "roots") {
        assert_eq!(
            log.root(number(case, "size")),
            hash(&case["root"]),
            "{case}"
        );
    }
    println!(
        "tree: {} leaves, {} roots",
        list(&file, "leaves").len(),
        list(&file, "roots").len()
    );
}

#[test]
fn proofs_are_those_of_the_reference_and_verify() {
    let file = json(&folder().join("proofs.json"));
    let log = Log::new();
    for case in list(&file, "inclusion") {
        let (index, size, proof) = (
            number(case, "index"),
            number(case, "size"),
            hashes(&case["proof"]),
        );
        assert_eq!(
            inclusion_proof(index, size, &mut |l, i| log.nodes.get(l, i)).unwrap(),
            proof,
            "{case}"
        );
        verify_inclusion(
            index,
            size,
            &log.leaves[index as usize],
            &proof,
            &log.root(size),
        )
        .unwrap();
    }
    for case in list(&file, "consistency") {
        let (old, new, proof) = (
            number(case, "old"),
            number(case, "new"),
            hashes(&case["proof"]),
        );
        assert_eq!(
            consistency_proof(old, new, &mut |l, i| log.nodes.get(l, i)).unwrap(),
            proof,
            "{case}"
        );
        verify_consistency(old, new, &log.root(old), &log.root(new), &proof).unwrap();
    }
    for case in list(&file, "subtree_inclusion") {
        let (index, start, end) = (
            number(case, "index"),
            number(case, "start"),
            number(case, "end"),
        );
        let (root, proof) = (hash(&case["root"]), hashes(&case["proof"]));
        let ours =
            subtree_inclusion_proof(index, start, end, &mut |l, i| log.nodes.get(l, i)).unwrap();
        assert_eq!(ours, proof, "{case}");
        verify_subtree_inclusion(
            index,
            start,
            end,
            &log.leaves[index as usize],
            &proof,
            &root,
        )
        .unwrap();
    }
    for case in list(&file, "subtree_consistency") {
        let (start, end, size) = (
            number(case, "start"),
            number(case, "end"),
            number(case, "size"),
        );
        let (subtree, proof) = (hash(&case["root"]), hashes(&case["proof"]));
        let ours =
            subtree_consistency_proof(start, end, size, &mut |l, i| log.nodes.get(l, i)).unwrap();
        assert_eq!(ours, proof, "{case}");
        verify_subtree_consistency(start, end, size, &subtree, &log.root(size), &proof).unwrap();
    }
    let kinds = [
        "inclusion",
        "consistency",
        "subtree_inclusion",
        "subtree_consistency",
    ];
    println!(
        "proofs: {}",
        kinds
            .iter()
            .map(|kind| list(&file, kind).len())
            .sum::<usize>()
    );
}

#[test]
fn tile_paths_are_those_of_the_reference() {
    let file = json(&folder().join("tiles.json"));
    for case in list(&file, "paths") {
        let (index, width) = (number(case, "index"), number(case, "width") as u16);
        let path = match case["level"].as_u64() {
            Some(level) => TilePath::hashes(level as u8, index, width).unwrap(),
            None => TilePath::entries(index, width).unwrap(),
        };
        let text = case["path"].as_str().unwrap();
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse::<TilePath>().unwrap(), path);
    }
    for case in list(&file, "bad_paths") {
        let path = case.as_str().unwrap();
        assert!(path.parse::<TilePath>().is_err(), "{path:?} was read");
    }
    println!(
        "tile paths: {} good, {} bad",
        list(&file, "paths").len(),
        list(&file, "bad_paths").len()
    );
}

#[test]
fn tiles_and_bundles_are_those_of_the_reference() {
    let file = json(&folder().join("tiles.json"));
    let log = Log::new();
    for case in list(&file, "logs") {
        let size = number(case, "size");
        let ours: Vec<_> = hash_tiles(size)
            .map(|path| file_facts(&path, &log.tile(&path)))
            .collect();
        assert_eq!(
            ours,
            list(case, "hashes")
                .iter()
                .map(recorded_facts)
                .collect::<Vec<_>>(),
            "size {size}"
        );
        let ours: Vec<_> = entry_bundles(0, size)
            .map(|path| file_facts(&path, &log.tile(&path)))
            .collect();
        assert_eq!(
            ours,
            list(case, "entries")
                .iter()
                .map(recorded_facts)
                .collect::<Vec<_>>(),
            "size {size}"
        );
    }
    for case in list(&file, "large") {
        let size = number(case, "size");
        let partial: Vec<String> = hash_tiles(size)
            .filter(TilePath::is_partial)
            .map(|path| path.to_string())
            .collect();
        let expected: Vec<&str> = list(case, "partial")
            .iter()
            .map(|path| path.as_str().unwrap())
            .collect();
        assert_eq!(
            (hash_tiles(size).count() as u64, partial),
            (
                number(case, "count"),
                expected.into_iter().map(String::from).collect()
            )
        );
    }
    for case in list(&file, "bundles") {
        let entries: Vec<Vec<u8>> = list(case, "entries")
            .iter()
            .map(|entry| {
                entry["zeros"]
                    .as_u64()
                    .map_or_else(|| hex(entry), |zeros| vec![0; zeros as usize])
            })
            .collect();
        let bundle = entry_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(sha256(&bundle), case["sha256"]);
        assert_eq!(
            parse_entry_bundle(&bundle, entries.len() as u16).unwrap(),
            entries
        );
    }
}

#[test]
fn notes_checkpoints_and_cosignatures_are_those_of_the_reference() {
    let file = json(&folder().join("notes.json"));
    let log = Log::new();
    for case in list(&file, "ed25519") {
        let key = ed25519_dalek::SigningKey::from_bytes(&hex(&case["seed"]).try_into().unwrap());
        let signature = ed25519_dalek::Signer::sign(&key, &hex(&case["message"]));
        assert_eq!(
            key.verifying_key().to_bytes().to_vec(),
            hex(&case["public"])
        );
        assert_eq!(signature.to_bytes().to_vec(), hex(&case["signature"]));
    }
    let signer = Ed25519Signer::from_seed(text(&file["log"], "name"), &seed(&file["log"])).unwrap();
    let witness =
        Ed25519Cosigner::from_seed(text(&file["witness"], "name"), &seed(&file["witness"]))
            .unwrap();
    let mldsa_name = text(&file, "mldsa_name");
    assert_eq!(signer.verifier().vkey(), text(&file["log"], "vkey"));
    assert_eq!(witness.verifier().vkey(), text(&file["witness"], "vkey"));

    for case in list(&file, "notes") {
        let signature = signer.sign(text(case, "text"), 0).unwrap();
        let note = Note::new(text(case, "text").to_owned(), vec![signature]).unwrap();
        assert_eq!(note.to_string(), text(case, "note"));
        assert_eq!(Note::parse(text(case, "note")).unwrap(), note);
        assert!(note.verify(&[signer.verifier()]).is_ok());
    }
    for case in list(&file, "checkpoints") {
        let (size, time) = (number(case, "size"), number(case, "cosign_time"));
        let head = Checkpoint {
            origin: signer.verifier().name().to_owned(),
            size,
            root: log.root(size),
        };
        assert_eq!(head.text(), text(case, "text"));
        assert_eq!(
            sign_checkpoint(&head, &[&signer, &witness], time).unwrap(),
            text(case, "note")
        );
        let (opened, signatures) =
            open_checkpoint(text(case, "note"), &[witness.verifier(), signer.verifier()]).unwrap();
        assert_eq!(opened, head);
        assert_eq!(
            signatures
                .iter()
                .map(|signature| signature.time)
                .collect::<Vec<_>>(),
            [None, Some(time)]
        );

        let (origin, root) = (head.origin.as_str(), head.root);
        let message = CosignedMessage {
            cosigner: mldsa_name,
            time,
            origin,
            start: 0,
            end: size,
            root,
        };
        assert_eq!(message.encode().unwrap(), hex(&case["mldsa_message"]));
    }
    for case in list(&file, "mldsa_subtrees") {
        let (start, end) = (number(case, "start"), number(case, "end"));
        let (origin, root) = (
            text(&file["log"], "name"),
            root(&log.leaves[start as usize..end as usize]),
        );
        let message = CosignedMessage {
            cosigner: mldsa_name,
            time: 0,
            origin,
            start,
            end,
            root,
        };
        assert_eq!(message.encode().unwrap(), hex(&case["message"]));
    }

    // What is signed is that message and nothing else: checked with the bare algorithm.
    let cosigner = MlDsaCosigner::from_seed(mldsa_name, &[3; 32]).unwrap();
    let key = ml_dsa::SigningKey::<ml_dsa::MlDsa44>::from_seed(&[3; 32].into());
    for case in list(&file, "checkpoints") {
        let line = cosigner
            .sign(text(case, "text"), number(case, "cosign_time"))
            .unwrap();
        let (time, bytes) = line.bytes().split_at(8);
        assert_eq!(
            (time, bytes.len()),
            (number(case, "cosign_time").to_be_bytes().as_slice(), 2420)
        );
        let signature = ml_dsa::Signature::<ml_dsa::MlDsa44>::try_from(bytes).unwrap();
        let public = ml_dsa::Keypair::verifying_key(&key);
        assert!(
            ml_dsa::Verifier::verify(&public, &hex(&case["mldsa_message"]), &signature).is_ok()
        );
    }
    println!(
        "checkpoints: {}, subtrees: {}",
        list(&file, "checkpoints").len(),
        list(&file, "mldsa_subtrees").len()
    );
}

#[test]
fn cosignatures_made_in_go_verify() {
    let file = json(&folder().join("mldsa_go.json"));
    let verifier = Verifier::parse(text(&file, "vkey")).unwrap();
    let (head, signatures) =
        open_checkpoint(text(&file, "note"), std::slice::from_ref(&verifier)).unwrap();
    assert_eq!((head.origin.as_str(), head.size), ("example.com/log", 13));
    assert!(signatures[0].time.is_some_and(|time| time > 1_700_000_000));

    let subtree = &file["subtree"];
    let line = NoteSignature::parse(text(subtree, "signature")).unwrap();
    let (start, end, root) = (
        number(subtree, "start"),
        number(subtree, "end"),
        hash(&subtree["root"]),
    );
    verifier
        .verify_subtree(text(subtree, "origin"), start, end, root, &line)
        .unwrap();
    assert!(
        verifier
            .verify_subtree(text(subtree, "origin"), start, end - 1, root, &line)
            .is_err()
    );
}

#[test]
fn proof_files_are_those_of_the_reference_and_verify() {
    let file = json(&folder().join("proof_files.json"));
    let policy = Policy::parse(text(&file, "policy").as_bytes()).unwrap();
    let log = Log::new();
    for case in list(&file, "proofs") {
        let proof = TlogProof::parse(text(case, "file")).unwrap();
        assert_eq!(proof.to_string(), text(case, "file"));
        assert_eq!(proof.index, number(case, "index"));
        assert_eq!(proof.extra.clone().unwrap_or_default(), hex(&case["extra"]));
        let verified = proof.verify(&hash(&case["leaf"]), &policy).unwrap();
        assert_eq!(verified.signatures.len(), 2);
        let (index, size) = (proof.index, verified.checkpoint.size);
        assert_eq!(
            inclusion_proof(index, size, &mut |l, i| log.nodes.get(l, i)).unwrap(),
            proof.proof
        );
        assert!(proof.verify(&hash_leaf(b"another"), &policy).is_err());
    }
    println!("proof files: {}", list(&file, "proofs").len());
}

/// The example log of the reference: 300 entries of 32 bytes.
struct Log {
    entries: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
    nodes: Nodes,
}

impl Log {
    fn new() -> Log {
        let entries: Vec<Vec<u8>> = (0..300)
            .map(|i| Sha256::digest(format!("entry {i}")).to_vec())
            .collect();
        let leaves: Vec<Hash> = entries.iter().map(|entry| hash_leaf(entry)).collect();
        Log {
            nodes: Nodes::of(&leaves),
            entries,
            leaves,
        }
    }

    fn root(&self, size: u64) -> Hash {
        root(&self.leaves[..size as usize])
    }

    fn tile(&self, path: &TilePath) -> Vec<u8> {
        let first = path.index() * 256;
        let range = first..first + u64::from(path.width());
        match path.kind() {
            TileKind::Hashes(level) => tile_bytes(
                &range
                    .map(|index| self.nodes.get(level * 8, index).unwrap())
                    .collect::<Vec<_>>(),
            ),
            TileKind::Entries => {
                entry_bundle(range.map(|index| self.entries[index as usize].as_slice())).unwrap()
            }
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors/tlog")
}

fn file_facts(path: &TilePath, bytes: &[u8]) -> (String, String, u64) {
    (path.to_string(), sha256(bytes), bytes.len() as u64)
}

fn recorded_facts(case: &Value) -> (String, String, u64) {
    (
        text(case, "path").to_owned(),
        text(case, "sha256").to_owned(),
        number(case, "bytes"),
    )
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:?}", Hash(Sha256::digest(bytes).into()))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap()
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn seed(value: &Value) -> [u8; 32] {
    hex(&value["seed"]).try_into().unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn hash(value: &Value) -> Hash {
    value.as_str().unwrap().parse().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}
