//! Records are found by id, prefix, subject, reference, trace and position, in the table and before it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use causebook_ledger::sim::MemoryTable;
use causebook_ledger::{Disk, Ledger, LedgerError, Options, Reader, RealDisk, SystemClock, create};
use causebook_record::Draft;
use common::{Media, append, fill, ids, verify};

fn ledger_across_the_seam() -> (Media, Ledger) {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 20);
    ledger.flush().unwrap();
    for number in 20..30 {
        append(&ledger, &format!("d{number}"), number).unwrap();
    }
    (media, ledger)
}

#[test]
fn by_id_prefix_subject_trace_and_reference() {
    let (media, ledger) = ledger_across_the_seam();
    let outcome = br#"{"kind":"outcome","refers_to":"d3","outcome":{"repaid":true}}"#;
    let outcome = ledger
        .append(Draft::parse(outcome).unwrap(), "tester", "test")
        .unwrap();
    append(&ledger, "long-identifier-1", 1).unwrap();
    append(&ledger, "long-identifier-2", 1).unwrap();
    for reader in [ledger.reader(), media.reader()] {
        assert_eq!(reader.find("d7").unwrap().index, 7);
        assert_eq!(reader.find("d25").unwrap().index, 25);
        assert_eq!(reader.find("long-identifier-2").unwrap().index, 32);
        assert!(
            matches!(reader.find("long-id"), Err(LedgerError::Ambiguous { candidates, .. }) if candidates.len() == 2)
        );
        assert!(matches!(
            reader.find("d99"),
            Err(LedgerError::PrefixTooShort { .. })
        ));
        assert!(matches!(
            reader.find("nothing"),
            Err(LedgerError::NotFound { .. })
        ));
        let expected: Vec<u64> = (0..30).filter(|number| number % 7 == 2).collect();
        assert_eq!(reader.by_subject("applicant-2").unwrap(), expected);
        assert_eq!(
            reader.by_trace("trace-0").unwrap(),
            (0..30).step_by(3).collect::<Vec<_>>()
        );
        assert_eq!(reader.referring_to("d3").unwrap(), vec![outcome.index]);
        assert!(reader.by_subject("nobody").unwrap().is_empty());
    }
}

#[test]
fn a_scan_has_no_gap_and_no_double_at_the_seam() {
    let (_, ledger) = ledger_across_the_seam();
    assert_eq!(ids(&ledger.reader()).len(), 30);
    let mut seen = Vec::new();
    ledger
        .reader()
        .scan(15..25, &mut |row| {
            seen.push(row.index);
            if row.index == 22 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(seen, (15..=22).collect::<Vec<_>>());
}

#[test]
fn scans_beside_a_writer_and_a_flusher_see_every_record_once() {
    let media = Media::new();
    let ledger = media
        .open_with(Options {
            flush_bytes: 3_000,
            ..common::options()
        })
        .unwrap();
    let writer = {
        let ledger = ledger.clone();
        std::thread::spawn(move || fill(&ledger, 400))
    };
    while !writer.is_finished() {
        let (before, live) = (ledger.reader().size(), ids(&ledger.reader()));
        assert!(live.len() as u64 >= before);
        // A reader with nothing in common with the writer but the disk.
        assert!(ids(&media.reader()).len() as u64 >= before);
    }
    writer.join().unwrap();
    assert_eq!(ids(&ledger.reader()).len(), 400);
}

#[test]
fn a_tail_is_woken_by_the_next_record() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let reader = ledger.reader();
    let waiter = std::thread::spawn(move || reader.wait_for_more(0, Duration::from_secs(20)));
    append(&ledger, "first", 1).unwrap();
    assert_eq!(waiter.join().unwrap(), 1);
}

#[test]
fn attachments_are_stored_once_and_checked_when_read() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let blob = ledger.put_blob(&mut &b"a model"[..]).unwrap();
    assert_eq!(blob.size, 7);
    assert_eq!(ledger.put_blob(&mut &b"a model"[..]).unwrap(), blob);
    let reader = ledger.reader();
    assert_eq!(reader.blob(&blob.digest).unwrap(), b"a model");
    assert!(matches!(
        reader.blob("sha256:../../key"),
        Err(LedgerError::NotFound { .. })
    ));
    let name = media
        .disk
        .files()
        .into_iter()
        .find(|name| name.starts_with("blobs/"))
        .unwrap();
    media.disk.tamper(&name, |bytes| bytes[0] = b'A').unwrap();
    assert!(matches!(
        reader.blob(&blob.digest),
        Err(LedgerError::Foreign { .. })
    ));
}

#[test]
fn a_real_folder_works_as_the_simulated_one() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&folder.path().join("ledger")));
    create(
        disk.as_ref(),
        &SystemClock::new(),
        "main",
        "example.com/main",
    )
    .unwrap();
    assert!(matches!(
        create(
            disk.as_ref(),
            &SystemClock::new(),
            "main",
            "example.com/main"
        ),
        Err(LedgerError::Exists)
    ));
    let table = Arc::new(MemoryTable::new());
    let open = || {
        Ledger::open(
            Arc::clone(&disk),
            Arc::new(SystemClock::new()),
            || Ok(table.clone()),
            Options::default(),
        )
    };
    let ledger = open().unwrap();
    assert!(matches!(open(), Err(LedgerError::Locked { .. })));
    fill(&ledger, 300);
    ledger.flush().unwrap();
    append(&ledger, "one-more", 1).unwrap();
    ledger.close().unwrap();
    let mode = std::fs::metadata(folder.path().join("ledger/key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let reader = Reader::open(Arc::clone(&disk), table.clone()).unwrap();
    assert_eq!(reader.size(), 301);
    assert!(verify(&reader).is_intact());
}

#[test]
fn a_folder_that_is_no_ledger_or_a_newer_one_or_without_its_key_is_left_alone() {
    let media = Media::new();
    fill(&media.open().unwrap(), 2);
    media
        .disk
        .tamper("ledger.json", |bytes| {
            *bytes = String::from_utf8(bytes.clone())
                .unwrap()
                .replace("\"format\": 1", "\"format\": 2")
                .into_bytes();
        })
        .unwrap();
    assert!(matches!(
        media.open(),
        Err(LedgerError::NewerFormat {
            found: 2,
            supported: 1
        })
    ));
    media
        .disk
        .tamper("ledger.json", |bytes| *bytes = b"{\"format\": 1}".to_vec())
        .unwrap();
    assert!(matches!(media.open(), Err(LedgerError::Foreign { .. })));
    media.disk.remove("ledger.json").unwrap();
    assert!(matches!(media.open(), Err(LedgerError::NoLedger)));

    let (media, other) = (Media::new(), Media::new());
    media.disk.remove("key").unwrap();
    assert!(matches!(media.open(), Err(LedgerError::Key { .. })));
    media
        .disk
        .write("key", &other.disk.read("key").unwrap())
        .unwrap();
    assert!(matches!(media.open(), Err(LedgerError::Key { .. })));
}
