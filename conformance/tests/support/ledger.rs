//! What a ledger writes beside its table: a real one, on a simulated disk, with a clock that stands still and the seed
//! of its index fixed. Where it draws random numbers (keys, opening keys), what depends on them is blanked out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use causebook_evidence::{Evidence, EvidenceRecord};
use causebook_ledger::sim::{MemoryTable, SimClock, SimDisk};
use causebook_ledger::{
    Clock, Disk, HeadMemory, Identity, Ledger, Options, SignedCheckpoint, TableSink, create,
};
use causebook_record::{Draft, Selection};
use causebook_tlog::{Signer, hash_leaf, inclusion_proof, root, sign_checkpoint};

use super::log::{ORIGIN, TIME, head_over, log_signer};
use super::record;

const SEED: [u8; 16] = [5; 16];
const WAIT_MAX: Duration = Duration::from_secs(60);
const RECORDS: [&str; 3] = [
    r#"{"id":"D-1","model":"m","output":1,"subject":"s","context":{"trace_id":"t"}}"#,
    r#"{"id":"D-2","model":"m","output":2,"subject":"s"}"#,
    r#"{"id":"O-1","kind":"outcome","refers_to":"D-1","outcome":{"repaid":true}}"#,
];

fn clock() -> Arc<dyn Clock> {
    Arc::new(SimClock::new(
        "2026-01-02T03:04:05.678901Z".parse().unwrap(),
    ))
}

fn created() -> (SimDisk, Identity) {
    let disk = SimDisk::new();
    let identity = create(&disk, clock().as_ref(), "main", ORIGIN).unwrap();
    disk.write("index/seed", &SEED).unwrap();
    (disk, identity)
}

/// The files of a ledger with three records in one commit group, an attachment, and all flushed if `flushed`.
fn written(flushed: bool) -> BTreeMap<String, Vec<u8>> {
    let (disk, _) = created();
    let table = MemoryTable::new();
    let options = Options {
        segment_bytes: 8 << 10,
        checkpoint_interval: Duration::from_millis(1),
        flush_bytes: u64::MAX,
        flush_age: Duration::MAX,
        flush_on_close_bytes: u64::MAX,
        ..Options::default()
    };
    let open_table = || Ok(Arc::new(table) as Arc<dyn TableSink>);
    let ledger = Ledger::open(Arc::new(disk.clone()), clock(), open_table, options).unwrap();
    let drafts = RECORDS.map(|draft| Draft::parse(draft.as_bytes()).unwrap());
    for receipt in ledger.append_batch(drafts.to_vec(), "loans", "http") {
        receipt.unwrap();
    }
    ledger.wait_checkpoint(3, WAIT_MAX).unwrap();
    ledger.put_blob(&mut &b"an attachment"[..]).unwrap();
    if flushed {
        ledger.flush().unwrap();
    }
    ledger.close().unwrap();
    let read = |path: String| {
        let bytes = disk.read(&path).unwrap();
        (path, bytes)
    };
    disk.files().into_iter().map(read).collect()
}

fn named(files: &BTreeMap<String, Vec<u8>>, ending: &str) -> Vec<u8> {
    let mut fitting = files.iter().filter(|(path, _)| path.ends_with(ending));
    let (path, bytes) = fitting
        .next()
        .unwrap_or_else(|| panic!("no file ends in {ending}"));
    assert!(
        fitting.next().is_none(),
        "more than {path} ends in {ending}"
    );
    [path.as_bytes(), b"\n", bytes].concat()
}

/// The file with the keys, which are random, replaced by their places.
pub(crate) fn identity() -> Vec<u8> {
    let (disk, identity) = created();
    let mut text = String::from_utf8(disk.read("ledger.json").unwrap()).unwrap();
    for (place, key) in identity.keys.iter().enumerate() {
        assert!(key.starts_with(ORIGIN));
        text = text.replace(key, &format!("key {place}"));
    }
    text.into_bytes()
}

/// The file with the seeds, which are random, blanked out after their length was checked.
pub(crate) fn key_file() -> Vec<u8> {
    let (disk, _) = created();
    let text = String::from_utf8(disk.read("key").unwrap()).unwrap();
    let blank = |line: &str| match line.split_once(' ') {
        Some((name, seed)) => {
            assert!(
                seed.len() == 44 && seed.ends_with('='),
                "32 bytes in base64"
            );
            format!("{name} seed\n")
        }
        None => format!("{line}\n"),
    };
    assert!(text.ends_with('\n'));
    text.lines().map(blank).collect::<String>().into_bytes()
}

pub(crate) fn remembered_head() -> Vec<u8> {
    let disk = SimDisk::new();
    let checkpoint = head_over(&[hash_leaf(b"leaf")]);
    let note = sign_checkpoint(&checkpoint, &[&log_signer()], TIME).unwrap();
    let identity = Identity {
        format: 1,
        name: "main".to_owned(),
        origin: ORIGIN.to_owned(),
        created: clock().now(),
        keys: vec![log_signer().verifier().vkey()],
    };
    let head = SignedCheckpoint {
        note,
        checkpoint,
        time: None,
    };
    HeadMemory::new(&disk)
        .remember(&identity, Some(&head))
        .unwrap();
    let path = disk.files().pop().unwrap();
    [path.as_bytes(), b"\n", &disk.read(&path).unwrap()].concat()
}

/// Read by the tables of `docs/storage.md`: what is random in a frame (digest, opening key) and its checksum are blanked
/// out. That the checksum is right is seen by the ledger that is opened on a segment of an earlier version.
pub(crate) fn segment() -> Vec<u8> {
    let mut bytes = named(&written(false), ".seg");
    let path_bytes = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut at = path_bytes + 128;
    for _ in RECORDS {
        let length: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        bytes[at + 4..at + 8].fill(0);
        bytes[at + 24..at + 72].fill(0);
        at = path_bytes
            + (at - path_bytes + 24 + u32::from_le_bytes(length) as usize).next_multiple_of(8);
    }
    assert!(bytes[at..].iter().all(|byte| *byte == 0));
    bytes
}

/// Header, filter and pages.
pub(crate) fn index_run() -> Vec<u8> {
    named(&written(true), ".run")
}

pub(crate) fn blob_path() -> Vec<u8> {
    let files = written(false);
    let mut paths = files.keys().filter(|path| path.starts_with("blobs/"));
    paths.next().unwrap().clone().into_bytes()
}

/// The names of all files, of a ledger that was flushed and of one that was not.
pub(crate) fn folder() -> Vec<u8> {
    let names = |files: BTreeMap<String, Vec<u8>>| files.into_keys().collect::<Vec<_>>().join("\n");
    format!("{}\n\n{}\n", names(written(false)), names(written(true))).into_bytes()
}

/// Two linked records in part, and one that is erased.
pub(crate) fn evidence() -> Vec<u8> {
    let (stored, sealed) = (record::stored(), record::sealed());
    let leaves: Vec<_> = sealed.iter().map(|s| hash_leaf(&s.digest.0)).collect();
    let head = head_over(&leaves);
    let note = sign_checkpoint(&head, &[&log_signer()], TIME).unwrap();
    let proof = |index: usize| {
        let node = &mut |level, at: u64| {
            let (start, length) = ((at as usize) << level, 1_usize << level);
            Ok::<_, causebook_tlog::TlogError>(root(&leaves[start..start + length]))
        };
        inclusion_proof(index as u64, head.size, node).unwrap()
    };
    let shown = |index: usize, show: &Selection| {
        EvidenceRecord::disclosed(
            index as u64,
            stored[index].disclosure(show).unwrap(),
            proof(index),
        )
    };
    let records = vec![
        shown(1, &Selection::Only(vec!["/input".parse().unwrap()])),
        shown(2, &Selection::All),
        EvidenceRecord::erased(0, sealed[0].digest, proof(0)),
    ];
    let keys = vec![log_signer().verifier().vkey()];
    Evidence::build(keys, note, records)
        .unwrap()
        .to_json()
        .into_bytes()
}
