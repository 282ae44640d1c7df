//! Remembered heads: what is recalled stays the same when it is remembered again.
#![no_main]

use causebook_fuzz::book::{BOOK, ORIGIN, VERIFIERS};
use causebook_fuzz::choices::Choices;
use causebook_ledger::sim::SimDisk;
use causebook_ledger::{Disk, FORMAT, HeadMemory, Identity, RememberedHead, SignedCheckpoint};
use causebook_tlog::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let good = RememberedHead {
        keys: vec![VERIFIERS[0].vkey()],
        size: BOOK.head.size,
        root: BOOK.head.root,
        note: BOOK.note.clone(),
    };
    let (path, mut file) = remember(&good);
    let mut choices = Choices::new(data);
    if choices.byte().is_multiple_of(2) {
        file = choices.rest().to_vec();
    } else {
        choices.mutate(&mut file);
    }
    let disk = SimDisk::new();
    disk.write(&path, &file).unwrap();
    let Ok(recalled) = HeadMemory::new(&disk).recall(ORIGIN) else {
        return;
    };
    let recalled = recalled.expect("the file is there");
    let (_, again) = remember(&recalled);
    disk.write(&path, &again).unwrap();
    assert_eq!(
        HeadMemory::new(&disk).recall(ORIGIN).ok().flatten(),
        Some(recalled)
    );
});

/// Path and bytes of the file that remembers a head.
fn remember(head: &RememberedHead) -> (String, Vec<u8>) {
    let disk = SimDisk::new();
    let identity = Identity {
        format: FORMAT,
        name: "main".to_owned(),
        origin: ORIGIN.to_owned(),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        keys: head.keys.clone(),
    };
    let signed = SignedCheckpoint {
        note: head.note.clone(),
        checkpoint: Checkpoint {
            origin: ORIGIN.to_owned(),
            size: head.size,
            root: head.root,
        },
        time: None,
    };
    HeadMemory::new(&disk)
        .remember(&identity, Some(&signed))
        .unwrap();
    let path = disk.files().pop().unwrap();
    let bytes = disk.read(&path).unwrap();
    (path, bytes)
}
