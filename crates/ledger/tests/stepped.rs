//! What the simulation found, each as small as it can be told: the engine moved by hand, with one thing in the middle of
//! another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use causebook_ledger::sim::{
    DiskHook, Fault, Operation, OperationKind, SimClock, SimDisk, Step, SteppedLedger, Ticket,
};
use causebook_ledger::{
    AppendError, Depth, Disk, Erasure, LedgerError, Options, Reader, VerifyRequest, create,
};
use common::{Media, decision, options, verify};

fn open(media: &Media, options: Options) -> Arc<SteppedLedger> {
    let opened = SteppedLedger::open(
        Arc::new(media.disk.clone()),
        Arc::new(SimClock::new("2026-06-01T00:00:00Z".parse().unwrap())),
        Arc::new(media.table.reopened()),
        options,
    );
    Arc::new(opened.unwrap())
}

fn submit(ledger: &SteppedLedger, id: &str, amount: u64) -> Ticket {
    ledger.submit(vec![decision(id, amount)], "tester", "test", false)
}

fn append(ledger: &SteppedLedger, id: &str, amount: u64) {
    let ticket = submit(ledger, id, amount);
    assert_eq!(ledger.step_sequencer(1), Step::Done);
    assert!(ticket.poll().unwrap()[0].is_ok());
}

fn append_together(ledger: &SteppedLedger, numbers: Range<u64>) {
    let drafts = numbers.map(|number| decision(&format!("d{number}"), number));
    ledger.submit(drafts.collect(), "tester", "test", false);
    assert_eq!(ledger.step_sequencer(1), Step::Done);
}

fn publish(ledger: &SteppedLedger) {
    let size = ledger.reader().size();
    while ledger
        .reader()
        .checkpoint()
        .map(|signed| signed.checkpoint.size)
        != Some(size)
    {
        ledger.step_publisher();
    }
}

/// Does something when an operation of one kind on a path that begins so comes next, once.
struct Once<F> {
    kind: OperationKind,
    path: &'static str,
    act: Mutex<Option<F>>,
}

impl<F: FnOnce() -> io::Result<()> + Send> DiskHook for Once<F> {
    fn before(&self, operation: &Operation<'_>) -> io::Result<()> {
        if operation.kind != self.kind || !operation.path.starts_with(self.path) {
            return Ok(());
        }
        let act = self.act.lock().unwrap().take();
        act.map_or(Ok(()), |act| act())
    }
}

fn once(
    media: &Media,
    kind: OperationKind,
    path: &'static str,
    act: impl FnOnce() -> io::Result<()> + Send + 'static,
) {
    let act = Mutex::new(Some(act));
    media
        .disk
        .set_hook(Some(Arc::new(Once { kind, path, act })));
}

#[test]
fn a_conflict_with_a_record_that_was_not_made_durable_is_a_failure() {
    let media = Media::new();
    let ledger = open(&media, options());
    let (first, second) = (submit(&ledger, "d0", 1), submit(&ledger, "d0", 2));
    media
        .disk
        .set_fault(Some(Fault::From(media.disk.operations())));
    ledger.step_sequencer(2);
    for ticket in [first, second] {
        let answer = ticket.poll().unwrap().remove(0);
        assert!(
            matches!(answer, Err(AppendError::Failed { .. })),
            "{answer:?}"
        );
    }
}

#[test]
fn what_is_erased_leaves_the_write_ahead_log_though_others_append() {
    let media = Media::new();
    let table = media.table.copy_to(&media.disk);
    let media = Media { table, ..media };
    let ledger = open(&media, options());
    append(&ledger, "person", 987_654_321);
    let other = Arc::clone(&ledger);
    once(&media, OperationKind::TableCommit, "table", move || {
        append(&other, "meanwhile", 2);
        Ok(())
    });
    let report = ledger
        .erase("person", &Erasure::Payload, "asked for", "officer")
        .unwrap();
    media.disk.set_hook(None);
    assert_eq!(
        ledger
            .reader()
            .find_exact("meanwhile")
            .unwrap()
            .unwrap()
            .index,
        2
    );
    let logs: Vec<String> = report
        .found_in_files
        .into_iter()
        .filter(|file| holds(&media, file, b"987654321"))
        .collect();
    assert_eq!(logs, Vec::<String>::new());
    for file in media.disk.files() {
        assert!(!holds(&media, &file, b"987654321"), "{file}");
    }
}

#[test]
fn a_segment_that_could_not_be_removed_is_not_forgotten() {
    let media = Media::new();
    let table = media.table.copy_to(&media.disk);
    let media = Media { table, ..media };
    let ledger = open(&media, options());
    append(&ledger, "person", 987_654_321);
    once(&media, OperationKind::Remove, "wal/", || {
        Err(io::Error::other("a failing removal"))
    });
    let erase =
        |ledger: &SteppedLedger| ledger.erase("person", &Erasure::Payload, "asked for", "officer");
    assert!(erase(&ledger).is_err());
    media.disk.set_hook(None);
    assert!(
        erase(&ledger).is_err(),
        "which segments are there is not known any more"
    );
    drop(ledger);
    let report = erase(&open(&media, options())).unwrap();
    assert_eq!(report.found_in_files, Vec::<String>::new());
    for file in media.disk.files() {
        assert!(!holds(&media, &file, b"987654321"), "{file}");
    }
}

fn holds(media: &Media, file: &str, needle: &[u8]) -> bool {
    let bytes = media.disk.peek(file).unwrap_or_default();
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_sync_of_tiles_that_failed_stops_the_engine() {
    let media = Media::new();
    let ledger = open(&media, options());
    append(&ledger, "d0", 1);
    publish(&ledger);
    once(&media, OperationKind::Sync, "log/tile", || {
        Err(io::Error::other("a failing sync"))
    });
    assert!(ledger.flush(false).unwrap().is_err());
    assert!(
        ledger.flush(false).unwrap().is_err(),
        "it is not tried again"
    );
    assert!(ledger.poison().is_some());
    let late = submit(&ledger, "late", 2);
    ledger.step_sequencer(1);
    assert!(late.poll().unwrap()[0].is_err());
}

#[test]
fn digests_of_erased_records_survive_torn_bundles() {
    let media = Media::new();
    let two_rows = Options {
        flush_rows_max: 2,
        ..options()
    };
    let ledger = open(&media, two_rows);
    append_together(&ledger, 0..4);
    ledger
        .erase("d0", &Erasure::Payload, "asked for", "officer")
        .unwrap();
    append_together(&ledger, 4..9);
    publish(&ledger);
    // The table now ends within what is published.
    assert_eq!(ledger.step_flusher(true), Step::Done);
    append_together(&ledger, 9..11);
    publish(&ledger);
    let size = ledger.reader().size();
    drop(ledger);
    // A power cut has torn the tiles that no flush had synced.
    for kind in ["0", "entries"] {
        let torn = format!("log/tile/{kind}/000.p/{size}");
        media.disk.tamper(&torn, Vec::clear).unwrap();
    }
    let table = media.table.reopened();
    drop(table);
    let media = Media {
        disk: media.disk.after_kill(),
        ..media
    };
    let ledger = open(&media, options());
    assert!(verify(&ledger.reader()).is_intact());
}

#[test]
fn a_tile_that_the_disk_fails_to_give_is_no_finding() {
    let media = Media::new();
    let ledger = open(&media, options());
    append_together(&ledger, 0..5);
    publish(&ledger);
    for path in ["log/tile/0/", "log/tile/entries/"] {
        once(&media, OperationKind::Read, path, || {
            Err(io::Error::other("a failing read"))
        });
        let request = VerifyRequest {
            depth: Depth::Full,
            remembered: None,
            threads: 1,
        };
        let outcome = ledger.reader().verify(&request, &mut |_, _| {});
        assert!(
            matches!(outcome, Err(LedgerError::Disk { .. })),
            "{path}: {outcome:?}"
        );
        assert!(verify(&ledger.reader()).is_intact());
    }
}

/// The disk as it is when `path` is about to be synced for the first time, its process killed there.
fn killed_before_sync_of(
    disk: &SimDisk,
    path: &'static str,
    work: impl FnOnce(&SimDisk),
) -> SimDisk {
    let killed = Arc::new(Mutex::new(None));
    let (found, dying) = (Arc::clone(&killed), disk.clone());
    let act = move || {
        *found.lock().unwrap() = Some(dying.after_kill());
        Ok(())
    };
    disk.set_hook(Some(Arc::new(Once {
        kind: OperationKind::SyncDir,
        path,
        act: Mutex::new(Some(act)),
    })));
    work(disk);
    disk.set_hook(None);
    killed.lock().unwrap().take().expect("it was synced")
}

#[test]
fn a_checkpoint_that_a_killed_process_left_is_durable_before_it_is_built_on() {
    let media = Media::new();
    let disk = killed_before_sync_of(&media.disk, "log", |_| {
        let ledger = open(&media, options());
        append(&ledger, "d0", 1);
        publish(&ledger);
    });
    let media = Media { disk, ..media };
    let ledger = open(&media, options());
    ledger.flush(false).unwrap().unwrap();
    for seed in 0..40 {
        let reopened = open(&media.cut(seed), options());
        assert!(verify(&reopened.reader()).is_intact());
    }
}

/// Takes the disk as it is whenever its folder is about to be synced: the last one counts.
struct Watch {
    disk: SimDisk,
    last: Mutex<Option<SimDisk>>,
}

impl DiskHook for Watch {
    fn before(&self, operation: &Operation<'_>) -> io::Result<()> {
        if operation.kind == OperationKind::SyncDir && operation.path.is_empty() {
            *self.last.lock().unwrap() = Some(self.disk.after_kill());
        }
        Ok(())
    }
}

#[test]
fn a_ledger_whose_creation_was_killed_is_durable_before_it_is_written_to() {
    let disk = SimDisk::new();
    let watch = Arc::new(Watch {
        disk: disk.clone(),
        last: Mutex::default(),
    });
    disk.set_hook(Some(Arc::<Watch>::clone(&watch)));
    let clock = SimClock::new("2026-06-01T00:00:00Z".parse().unwrap());
    create(&disk, &clock, "main", "example.com/main").unwrap();
    let killed = watch.last.lock().unwrap().take().unwrap();
    disk.set_hook(None);
    let media = Media {
        disk: killed,
        ..Media::new()
    };
    let ledger = open(&media, options());
    append(&ledger, "d0", 1);
    for seed in 0..40 {
        let reopened = open(&media.cut(seed), options());
        assert_eq!(reopened.reader().size(), 1);
    }
}

#[test]
fn a_removed_segment_that_comes_back_without_the_next_one_is_no_damage() {
    let media = Media::new();
    let small = Options {
        segment_bytes: 256,
        ..options()
    };
    let ledger = open(&media, small.clone());
    for number in 0..6 {
        append(&ledger, &format!("d{number}"), number);
    }
    publish(&ledger);
    let segments = |media: &Media| {
        let files = media.disk.files();
        files
            .into_iter()
            .filter(|name| name.starts_with("wal/"))
            .collect::<Vec<_>>()
    };
    let before: Vec<_> = segments(&media)
        .into_iter()
        .map(|name| (media.disk.peek(&name).unwrap(), name))
        .collect();
    ledger.flush(false).unwrap().unwrap();
    append(&ledger, "d6", 6);
    drop(ledger);
    let kept = segments(&media);
    let (bytes, first) = before.first().unwrap();
    assert!(before.len() > 3 && !kept.contains(first));
    media
        .disk
        .create(first, false)
        .unwrap()
        .write_at(0, bytes)
        .unwrap();
    let media = Media {
        disk: media.disk.after_kill(),
        ..media
    };
    let ledger = open(&media, small);
    assert_eq!(ledger.reader().size(), 7);
    assert!(verify(&ledger.reader()).is_intact());
}

#[test]
fn a_reader_sees_what_leaves_the_log_for_the_table_while_it_looks() {
    let media = Media::new();
    let ledger = open(&media, options());
    append(&ledger, "d0", 1);
    once(&media, OperationKind::List, "wal", move || {
        publish(&ledger);
        ledger.flush(true).unwrap().unwrap();
        Ok(())
    });
    let disk = Arc::new(media.disk.clone());
    let reader = Reader::open(disk, Arc::new(media.table.reopened())).unwrap();
    assert_eq!(reader.size(), 1);
    assert!(verify(&reader).is_intact());
}
