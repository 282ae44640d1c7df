//! Public vectors of others, read where they lie: Merkle proofs of transparency-dev/merkle, a log made by Tessera,
//! the signed-note examples, a recorded witness conversation and the ML-DSA-44 messages of C2SP/CCTV.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causebook_tlog::{
    AddCheckpoint, Ed25519Cosigner, Frontier, Hash, MlDsaCosigner, Note, Signer, TileKind,
    TilePath, TileReader, TlogError, Verdict, Verifier, WitnessedLog, entry_bundle, entry_bundles,
    hash_leaf, hash_tiles, judge_add_checkpoint, open_checkpoint, parse_entry_bundle, tile_bytes,
    verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use serde_json::Value;
use sha2::Digest as _;
use support::{json, vectors};

#[test]
fn inclusion_proofs_are_judged_as_published() {
    run_merkle_cases("inclusion", 98, |case| {
        let (leaf, root, proof) = (case.leaf()?, case.hash("root"), case.proof());
        verify_inclusion(
            case.number("leafIdx"),
            case.number("treeSize"),
            &leaf,
            &proof,
            &root,
        )
    });
}

#[test]
fn consistency_proofs_are_judged_as_published() {
    run_merkle_cases("consistency", 98, |case| {
        let (old, new, proof) = (case.hash("root1"), case.hash("root2"), case.proof());
        verify_consistency(
            case.number("size1"),
            case.number("size2"),
            &old,
            &new,
            &proof,
        )
    });
}

#[test]
fn subtree_inclusion_proofs_are_judged_as_published() {
    run_merkle_cases("subtreeinclusion", 204, |case| {
        let (leaf, root, proof) = (case.leaf()?, case.hash("root"), case.proof());
        let (start, end) = (case.number("start"), case.number("end"));
        verify_subtree_inclusion(case.number("leafIdx"), start, end, &leaf, &proof, &root)
    });
}

#[test]
fn subtree_consistency_proofs_are_judged_as_published() {
    run_merkle_cases("subtreeconsistency", 118, |case| {
        let (subtree, root, proof) = (case.hash("root1"), case.hash("root2"), case.proof());
        let (start, end, size) = (
            case.number("start"),
            case.number("end"),
            case.number("size"),
        );
        verify_subtree_consistency(start, end, size, &subtree, &root, &proof)
    });
}

#[test]
fn a_log_of_each_size_has_the_bytes_that_tessera_wrote() {
    let Some(folder) = vectors("tessera log", 16) else {
        return;
    };
    let folder = folder.join("tessera-log");
    let key = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    let verifier = Verifier::parse(key).unwrap();
    assert_eq!(verifier.vkey(), key);
    let bundle = fs::read(folder.join("tile/entries/000.p/15")).unwrap();
    let entries = parse_entry_bundle(&bundle, 15).unwrap();

    let (mut leaves, mut frontier, mut files) = (Vec::new(), Frontier::new(), 0);
    for size in 0..=15_u64 {
        let note = fs::read_to_string(folder.join(format!("checkpoint.{size}"))).unwrap();
        let (head, signatures) = open_checkpoint(&note, std::slice::from_ref(&verifier)).unwrap();
        assert_eq!(Note::parse(&note).unwrap().to_string(), note);
        assert_eq!(
            (head.size, head.root),
            (size, frontier.root()),
            "checkpoint.{size}"
        );
        assert_eq!((signatures.len(), &signatures[0].name), (1, &head.origin));

        let ours: Vec<TilePath> = hash_tiles(size).chain(entry_bundles(0, size)).collect();
        for path in &ours {
            let width = usize::from(path.width());
            let bytes = match path.kind() {
                TileKind::Hashes(0) => tile_bytes(&leaves[..width]),
                TileKind::Hashes(level) => panic!("{size} leaves have no tile of level {level}"),
                TileKind::Entries => entry_bundle(entries[..width].iter().copied()).unwrap(),
            };
            assert!(
                fs::read(folder.join(path.to_string())).unwrap() == bytes,
                "{path}"
            );
            files += 1;
        }

        let mut reader = TileReader::open(size, &head.root, |path: &TilePath| {
            Ok::<_, TlogError>(fs::read(folder.join(path.to_string())).unwrap())
        })
        .unwrap();
        for index in 0..size {
            let proof = reader.inclusion_proof(index).unwrap();
            verify_inclusion(index, size, &leaves[index as usize], &proof, &head.root).unwrap();
        }
        if let Some(entry) = entries.get(size as usize) {
            leaves.push(hash_leaf(entry));
            frontier.push(hash_leaf(entry));
        }
    }
    assert_eq!(files, 30);
    println!("tessera log: 16 checkpoints, {files} tiles and bundles equal");
}

#[test]
fn published_notes_and_keys_are_judged_as_published() {
    let Some(folder) = vectors("notes", 5) else {
        return;
    };
    let cases = json(&folder.join("notes.json"));
    let (good, good_keys, bad_keys) = (
        list(&cases, "good"),
        list(&cases, "good_vkeys"),
        list(&cases, "bad_vkeys"),
    );
    for case in good {
        let verifier = Verifier::parse(case["vkey"].as_str().unwrap()).unwrap();
        let note = Note::parse(case["note"].as_str().unwrap()).unwrap();
        assert_eq!(note.to_string(), case["note"].as_str().unwrap());
        assert_eq!(note.verify(&[verifier]).unwrap().len(), 1);
    }
    for case in good_keys {
        let verifier = Verifier::parse(case["vkey"].as_str().unwrap()).unwrap();
        assert_eq!(verifier.name(), case["name"]);
        assert_eq!(
            format!("{:08x}", verifier.key_id()),
            case["hash"].as_str().unwrap()
        );
        assert_eq!(verifier.to_string(), case["vkey"].as_str().unwrap());
    }
    for case in bad_keys {
        assert!(
            Verifier::parse(case["vkey"].as_str().unwrap()).is_err(),
            "{}",
            case["why"]
        );
    }
    println!(
        "notes: {} notes, {} good keys, {} bad keys",
        good.len(),
        good_keys.len(),
        bad_keys.len()
    );
}

/// The conversation was recorded with a witness of 2025, which answered 403 where the specification now says 404. One
/// of its signatures, false on purpose, is spelled in base64 with padding bits that are not zero: that spelling is
/// malformed here, and the same signature spelled rightly gets the recorded answer.
#[test]
fn a_recorded_witness_conversation_is_decided_the_same() {
    let Some(folder) = vectors("witness conversation", 9) else {
        return;
    };
    let recording = fs::read_to_string(folder.join("litewitness-conversation.txt")).unwrap();
    let log_key = after(&recording, "add-sigsum-log -key=");
    let origin = after(&recording, "stdout sigsum.org").replace('\'', "");
    let origin = format!("sigsum.org{origin}");
    let public_key: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&log_key[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let verifier = vkey_of(&origin, &public_key);
    let cosigner = Ed25519Cosigner::from_seed("example.com/witness", &[9; 32]).unwrap();

    let mut state = WitnessedLog::unseen(vec![verifier]);
    let mut decided = Vec::new();
    for exchange in recording
        .split("POST http://localhost:7380/add-checkpoint\n")
        .skip(1)
    {
        let (body, answer) = exchange
            .strip_prefix("```\n")
            .unwrap()
            .split_once("```\n")
            .unwrap();
        let recorded: u16 = after(answer, "HTTP ").parse().unwrap();
        let misspelled = body.contains("WVrx6gx=");
        assert_eq!(AddCheckpoint::parse(body.as_bytes()).is_err(), misspelled);
        let body = &body.replace("WVrx6gx=", "WVrx6gw=");
        let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
        assert_eq!(request.to_string(), *body);

        let verdict = judge_add_checkpoint(body.as_bytes(), |asked| {
            (asked == origin).then(|| state.clone())
        });
        let expected = if answer.contains("unknown log") {
            404
        } else {
            recorded
        };
        assert_eq!(verdict.status(), expected, "{verdict:?} for\n{body}");
        match verdict {
            Verdict::Cosign(head) => {
                let cosignature = cosigner
                    .sign(request.checkpoint.text(), 1_700_000_000)
                    .unwrap();
                let cosigned = request.checkpoint.with_signatures([cosignature]).unwrap();
                assert_eq!(
                    cosigned.verify(&[cosigner.verifier()]).unwrap()[0].time,
                    Some(1_700_000_000)
                );
                (state.size, state.root) = (head.size, head.root);
            }
            Verdict::Conflict { size } => assert!(answer.contains(&format!("\"{size}\\n\""))),
            _ => {}
        }
        decided.push(expected);
    }
    assert_eq!(decided, [200, 403, 404, 422, 422, 200, 409, 200, 409]);
    assert_eq!(state.size, 5);
    println!("witness conversation: {} exchanges", decided.len());
}

/// CCTV gives messages to be signed deterministically with an empty context and the key of the all-zero seed, chosen so
/// that together they take every path of rejection. It gives no signatures: ours must verify, repeat, and break.
#[test]
fn the_mldsa44_messages_are_signed_deterministically_and_verify() {
    let Some(folder) = vectors("ML-DSA-44", 1) else {
        return;
    };
    let file = json(&folder.join("ml-dsa/ML-DSA-44.json"));
    let messages = file.as_array().unwrap();
    let key = ml_dsa::SigningKey::<ml_dsa::MlDsa44>::from_seed(&[0; 32].into());
    let mut all = sha2::Sha256::new();
    for message in messages {
        let message = message.as_str().unwrap().as_bytes();
        let signature: ml_dsa::Signature<ml_dsa::MlDsa44> = ml_dsa::Signer::sign(&key, message);
        all.update(ml_dsa::SignatureEncoding::to_bytes(&signature));
        assert!(key.expanded_key().sign_deterministic(message, &[]).unwrap() == signature);
        assert!(
            ml_dsa::Verifier::verify(&ml_dsa::Keypair::verifying_key(&key), message, &signature)
                .is_ok()
        );
        assert!(
            ml_dsa::Verifier::verify(&ml_dsa::Keypair::verifying_key(&key), b"other", &signature)
                .is_err()
        );
    }
    // Pins the bytes. The implementation that made them also makes CCTV's accumulated hashes of 100 and of 10,000 keys
    // and signatures, d51148e1... and e7fd21f6...
    let all = format!("{:?}", Hash(all.finalize().into()));
    assert_eq!(
        all,
        "903c593e86d19f2d936b2ebb6a699eae4a8fc2bf21fef2da7c01128f777227c4"
    );
    // The same key through this crate, over a statement instead of a bare message.
    let cosigner = MlDsaCosigner::from_seed("example.com/w", &[0; 32]).unwrap();
    assert_eq!(
        cosigner.verifier().public_key(),
        ml_dsa::Keypair::verifying_key(&key).encode().to_vec()
    );
    assert!(messages.len() >= 100);
    println!("ML-DSA-44: {} messages", messages.len());
}

/// One JSON case of transparency-dev/merkle.
struct Case(Value);

impl Case {
    fn number(&self, field: &str) -> u64 {
        self.0[field].as_u64().unwrap()
    }

    fn leaf(&self) -> Result<Hash, TlogError> {
        self.0["leafHash"].as_str().unwrap_or_default().parse()
    }

    fn hash(&self, field: &str) -> Hash {
        hash_or_stand_in(&self.0[field])
    }

    fn proof(&self) -> Vec<Hash> {
        let empty = Vec::new();
        let hashes = self.0["proof"].as_array().unwrap_or(&empty);
        hashes.iter().map(hash_or_stand_in).collect()
    }
}

/// Some cases give roots of another length than a hash, which our types cannot hold: a hash of them stands in, equal and
/// unequal to others as they are.
fn hash_or_stand_in(value: &Value) -> Hash {
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap();
    <[u8; 32]>::try_from(bytes.as_slice()).map_or_else(|_| hash_leaf(&bytes), Hash)
}

fn run_merkle_cases(kind: &str, count: usize, verify: impl Fn(&Case) -> Result<(), TlogError>) {
    let Some(folder) = vectors(kind, count) else {
        return;
    };
    let files = json_files(&folder.join("merkle").join(kind));
    let mut refused = 0;
    for path in &files {
        let case = Case(json(path));
        let expected = !case.0["wantErr"].as_bool().unwrap();
        assert_eq!(verify(&case).is_ok(), expected, "{}", path.display());
        refused += usize::from(!expected);
    }
    assert_eq!(files.len(), count);
    println!("{kind}: {count} cases, {refused} of them to be refused");
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(json_files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    files
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap()
}

/// The rest of the line after the first occurrence of `marker`.
fn after<'a>(text: &'a str, marker: &str) -> &'a str {
    let start = text.find(marker).unwrap() + marker.len();
    text[start..].lines().next().unwrap().trim()
}

/// A vkey made by its definition, for a key that was only published as bytes.
fn vkey_of(name: &str, public_key: &[u8]) -> Verifier {
    let material = [&[1], public_key].concat();
    let id = sha2::Sha256::digest([name.as_bytes(), b"\n", &material].concat());
    let id = format!("{:08x}", u32::from_be_bytes(*id.first_chunk().unwrap()));
    let material = STANDARD.encode(material);
    Verifier::parse(&format!("{name}+{id}+{material}")).unwrap()
}
