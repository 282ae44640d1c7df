//! The log: hashes, proofs, tiles, signed texts.

use std::fmt::Write as _;

use causebook_tlog::{
    AddCheckpoint, Checkpoint, Ed25519Cosigner, Ed25519Signer, Frontier, Hash, MlDsaCosigner, Note,
    Policy, Signer, TilePath, TlogError, TlogProof, consistency_proof, entry_bundle, entry_bundles,
    hash_leaf, hash_node, hash_tiles, inclusion_proof, root, sign_checkpoint, tile_bytes,
};

pub(crate) const ORIGIN: &str = "conformance.example/log";
pub(crate) const TIME: u64 = 1_760_000_000;
const SIZE: u64 = 300;

fn leaves() -> Vec<Hash> {
    (0..SIZE)
        .map(|index| hash_leaf(&index.to_be_bytes()))
        .collect()
}

#[expect(clippy::unnecessary_wraps, reason = "how proofs ask for hashes")]
fn node(level: u8, index: u64) -> Result<Hash, TlogError> {
    let (start, length) = ((index as usize) << level, 1_usize << level);
    Ok(root(&leaves()[start..start + length]))
}

fn head(size: u64) -> Checkpoint {
    head_over(&leaves()[..size as usize])
}

/// The head of a log with these leaves.
pub(crate) fn head_over(leaves: &[Hash]) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: leaves.len() as u64,
        root: root(leaves),
    }
}

pub(crate) fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap()
}

fn witness() -> Ed25519Cosigner {
    Ed25519Cosigner::from_seed("witness.example/w", &[2; 32]).unwrap()
}

fn ml_dsa() -> MlDsaCosigner {
    MlDsaCosigner::from_seed("conformance.example/log/ml-dsa-44", &[3; 32]).unwrap()
}

pub(crate) fn hashes() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut frontier = Frontier::new();
    for leaf in leaves() {
        frontier.push(leaf);
        bytes.extend_from_slice(&leaf.0);
        bytes.extend_from_slice(&frontier.root().0);
    }
    bytes.extend_from_slice(&hash_node(&leaves()[0], &leaves()[1]).0);
    bytes.extend_from_slice(&causebook_tlog::empty_root().0);
    bytes
}

pub(crate) fn proofs() -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in [0, 1, 127, 255, 256, 299] {
        bytes.extend(tile_bytes(
            &inclusion_proof(index, SIZE, &mut node).unwrap(),
        ));
        bytes.extend(tile_bytes(
            &consistency_proof(index + 1, SIZE, &mut node).unwrap(),
        ));
    }
    bytes
}

pub(crate) fn tile_paths() -> Vec<u8> {
    let large = [
        TilePath::hashes(5, 1_234_067, 8).unwrap(),
        TilePath::entries(u64::MAX, 256).unwrap(),
    ];
    let all = hash_tiles(SIZE)
        .chain(entry_bundles(0, SIZE))
        .chain(hash_tiles(70_000))
        .chain(large);
    all.fold(String::new(), |text, path| format!("{text}{path}\n"))
        .into_bytes()
}

pub(crate) fn tile() -> Vec<u8> {
    tile_bytes(&leaves()[..256])
}

pub(crate) fn bundle() -> Vec<u8> {
    entry_bundle([&b"one"[..], b"", &[7; 300]]).unwrap()
}

pub(crate) fn verifier_keys() -> Vec<u8> {
    let keys = [
        log_signer().verifier(),
        witness().verifier(),
        ml_dsa().verifier(),
    ];
    keys.map(|key| key.vkey()).join("\n").into_bytes()
}

pub(crate) fn checkpoint() -> Vec<u8> {
    [head(0), head(1), head(SIZE)]
        .map(|head| head.text())
        .join("\n")
        .into_bytes()
}

fn signed(signer: &dyn Signer) -> Vec<u8> {
    sign_checkpoint(&head(SIZE), &[signer], TIME)
        .unwrap()
        .into_bytes()
}

pub(crate) fn note() -> Vec<u8> {
    signed(&log_signer())
}

pub(crate) fn cosigned() -> Vec<u8> {
    signed(&witness())
}

pub(crate) fn cosigned_ml_dsa() -> Vec<u8> {
    signed(&ml_dsa())
}

fn signed_head() -> Note {
    let note = sign_checkpoint(&head(SIZE), &[&log_signer(), &witness()], TIME).unwrap();
    Note::parse(&note).unwrap()
}

pub(crate) fn proof_file() -> Vec<u8> {
    let file = TlogProof {
        extra: Some(b"extra".to_vec()),
        index: 255,
        proof: inclusion_proof(255, SIZE, &mut node).unwrap(),
        checkpoint: signed_head(),
    };
    file.to_string().into_bytes()
}

/// Policies have no printed form: what is kept is what one was read as, and how it judges.
pub(crate) fn policy() -> Vec<u8> {
    let (log, one, other) = (
        log_signer().verifier().vkey(),
        witness().verifier().vkey(),
        ml_dsa().verifier().vkey(),
    );
    let start =
        format!("# policy\nlog {log} https://log.example\nwitness w {one}\nwitness m {other}\n");
    let mut read = String::new();
    for end in [
        "quorum none\n",
        "quorum w\n",
        "group g any w m\nquorum g\n",
        "group g all w m\nquorum g\n",
    ] {
        let policy = Policy::parse((start.clone() + end).as_bytes()).unwrap();
        for log in policy.logs() {
            writeln!(read, "{} {:?}", log.verifier.vkey(), log.url).unwrap();
        }
        for witness in policy.witnesses() {
            writeln!(
                read,
                "{:?} {} {:?}",
                witness.name,
                witness.verifier.vkey(),
                witness.url
            )
            .unwrap();
        }
        writeln!(read, "{}", policy.check(&signed_head()).is_ok()).unwrap();
    }
    read.into_bytes()
}

pub(crate) fn witness_request() -> Vec<u8> {
    let request = AddCheckpoint {
        old_size: 7,
        proof: consistency_proof(7, SIZE, &mut node).unwrap(),
        checkpoint: signed_head(),
    };
    request.to_string().into_bytes()
}
