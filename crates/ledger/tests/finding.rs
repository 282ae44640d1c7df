//! Records are found by id, prefix, subject, reference, trace and position, in the table and before it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use causebook_ledger::sim::MemoryTable;
use causebook_ledger::{
    BLOB_PIECE_BYTES, Disk, Ledger, LedgerError, Options, Reader, RealDisk, SystemClock, create,
};
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

/// What an attachment of many pieces gives, and how it ended.
fn pieces(reader: &Reader, digest: &str) -> (Vec<u8>, Result<(), LedgerError>) {
    let mut content = reader.open_blob(digest).unwrap();
    let mut given = Vec::new();
    loop {
        match content.next_piece() {
            Ok(Some(piece)) => {
                assert!(piece.len() <= BLOB_PIECE_BYTES);
                given.extend(piece);
            }
            Ok(None) => return (given, Ok(())),
            Err(error) => {
                assert!(content.next_piece().is_err(), "an error is not the end");
                return (given, Err(error));
            }
        }
    }
}

#[test]
fn an_attachment_is_given_in_pieces_and_never_whole_if_it_has_changed() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let reader = ledger.reader();
    for size in [
        0,
        1,
        BLOB_PIECE_BYTES - 1,
        BLOB_PIECE_BYTES,
        BLOB_PIECE_BYTES + 1,
        2 * BLOB_PIECE_BYTES,
    ] {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let blob = ledger.put_blob(&mut bytes.as_slice()).unwrap();
        assert_eq!(reader.open_blob(&blob.digest).unwrap().size(), size as u64);
        let (given, ended) = pieces(&reader, &blob.digest);
        assert!(given == bytes && ended.is_ok(), "{size}");
        let mut content = reader.open_blob(&blob.digest).unwrap();
        content.check().unwrap();
        let first = content.next_piece().unwrap().unwrap_or_default();
        assert!(bytes.starts_with(&first) && first.len() == size.min(BLOB_PIECE_BYTES));

        let name = blob.digest.replace("sha256:", "blobs/sha256/");
        let name = format!("{}/{}", &name[..15], &name[15..]);
        let changes: [fn(&mut Vec<u8>); 4] = [
            |bytes| bytes.push(0),
            |bytes| bytes.truncate(bytes.len() - 1),
            |bytes| bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1),
            |bytes| bytes.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1),
        ];
        // What is empty can only grow.
        for change in changes.iter().take(if size == 0 { 1 } else { 4 }) {
            media.disk.tamper(&name, change).unwrap();
            let changed = media.disk.len(&name).unwrap().unwrap_or_default();
            let (given, ended) = pieces(&reader, &blob.digest);
            assert!(matches!(ended, Err(LedgerError::Foreign { .. })), "{size}");
            let given = given.len() as u64;
            assert!(
                given < changed.max(1),
                "{size}: {given} of {changed} were given"
            );
            media
                .disk
                .tamper(&name, |old| old.clone_from(&bytes))
                .unwrap();
        }
    }
}

#[test]
fn an_attachment_that_is_cut_while_it_is_read_does_not_end_well() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let bytes = vec![7; 3 * BLOB_PIECE_BYTES];
    let blob = ledger.put_blob(&mut bytes.as_slice()).unwrap();
    let mut content = ledger.reader().open_blob(&blob.digest).unwrap();
    content.next_piece().unwrap();
    let files = media.disk.files();
    let name = files
        .iter()
        .find(|name| name.starts_with("blobs/"))
        .unwrap();
    media
        .disk
        .tamper(name, |bytes| bytes.truncate(BLOB_PIECE_BYTES + 1))
        .unwrap();
    assert!(matches!(
        content.next_piece(),
        Err(LedgerError::Disk { .. })
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

/// A forked process has the lock's file and none of the threads: to it the ledger is as here, forgotten.
#[test]
fn who_lets_go_of_a_ledger_that_is_not_theirs_keeps_nobody_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    create(disk.as_ref(), &SystemClock::new(), "main", "example.com/m").unwrap();
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
    fill(&ledger, 10);
    let hold = ledger.hold();
    std::mem::forget(ledger);
    assert!(matches!(open(), Err(LedgerError::Locked { .. })));
    assert!(hold.let_go());
    let successor = open().unwrap();
    assert_eq!(successor.reader().size(), 10);
    assert!(hold.let_go(), "again does no harm");
    assert!(matches!(open(), Err(LedgerError::Locked { .. })));
    successor.close().unwrap();
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
