//! P1: what is acknowledged is durable, at its place, once, whatever happens to process, power or disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::thread;

use causebook_ledger::sim::{Fault, SimDisk};
use causebook_ledger::{AppendError, LedgerError, Options};
use common::{Media, append, check, decision, fill, ids, options, verify};

#[test]
fn records_come_back_after_closing_and_after_dropping() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 10);
    ledger.close().unwrap();
    let ledger = media.open().unwrap();
    append(&ledger, "d10", 10).unwrap();
    drop(ledger);
    let reader = media.reader();
    assert_eq!(
        ids(&reader),
        (0..11)
            .map(|number| format!("d{number}"))
            .collect::<Vec<_>>()
    );
    assert!(verify(&reader).is_intact());
}

#[test]
fn places_are_dense_and_unique_under_many_callers() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let threads: Vec<_> = (0..8)
        .map(|caller| {
            let ledger = ledger.clone();
            thread::spawn(move || {
                (0..50)
                    .map(|n| append(&ledger, &format!("c{caller}-{n}"), n).unwrap().index)
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut indexes: Vec<u64> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (0..400).collect::<Vec<_>>());
    ledger.close().unwrap();
    assert!(media.verify().is_intact());
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    for seed in 0..60 {
        let media = Media::new();
        let heads = SimDisk::new();
        let ledger = media.open().unwrap();
        let mut acknowledged = fill(&ledger, 5 + seed % 7);
        if seed % 3 == 0 {
            ledger.flush().unwrap();
        }
        let writer = {
            let ledger = ledger.clone();
            thread::spawn(move || {
                (0..200)
                    .map_while(|n| append(&ledger, &format!("late-{n}"), n).ok())
                    .collect::<Vec<_>>()
            })
        };
        thread::sleep(std::time::Duration::from_micros(300 * seed));
        let reached = ledger.reader().size();
        let cut = media.cut(seed);
        let late = writer.join().unwrap();
        acknowledged.extend(late.into_iter().filter(|receipt| receipt.index < reached));
        check(&cut, &acknowledged, &heads);
        check(&cut.cut(seed + 1000), &acknowledged, &heads);
    }
}

#[test]
fn every_single_failing_operation_leaves_what_was_acknowledged() {
    let run = |media: &Media| {
        let mut acknowledged = Vec::new();
        if let Ok(ledger) = media.open_with(Options {
            segment_bytes: 4 << 10,
            ..options()
        }) {
            acknowledged.extend((0..6).map_while(|n| append(&ledger, &format!("a{n}"), n).ok()));
            // Each of these may fail; what matters is what is there afterwards.
            let _ = ledger.flush();
            acknowledged.extend((0..6).map_while(|n| append(&ledger, &format!("b{n}"), n).ok()));
            let _ = ledger.close();
        }
        acknowledged
    };
    let sound = Media::new();
    let first = sound.disk.operations();
    assert_eq!(run(&sound).len(), 12);
    let last = sound.disk.operations();
    for fault in (first..last).flat_map(|n| [Fault::At(n), Fault::From(n)]) {
        let media = Media::new();
        media.disk.set_fault(Some(fault));
        let acknowledged = run(&media);
        media.disk.set_fault(None);
        check(&media.clone(), &acknowledged, &SimDisk::new());
        check(&media.cut(7), &acknowledged, &SimDisk::new());
    }
}

#[test]
fn a_full_disk_is_told_and_costs_nothing_acknowledged() {
    for room in [0, 100, 500, 2_000, 10_000, 70_000, 100_000] {
        let media = Media::new();
        let ledger = media.open().unwrap();
        let mut acknowledged = fill(&ledger, 3);
        media.disk.set_fault(Some(Fault::FullAfter(room)));
        acknowledged.extend((0..300).map_while(|n| append(&ledger, &format!("x{n}"), n).ok()));
        assert!(acknowledged.len() < 303, "the disk was to become full");
        let refused = append(&ledger, "after", 1).unwrap_err();
        assert!(matches!(refused, AppendError::Failed { .. }), "{refused}");
        drop(ledger);
        media.disk.set_fault(None);
        check(&media, &acknowledged, &SimDisk::new());
    }
}

#[test]
fn a_table_commit_that_fails_or_whose_answer_is_lost_keeps_every_record_once() {
    for lost_answer in [false, true] {
        let media = Media::new();
        let ledger = media.open().unwrap();
        let acknowledged = fill(&ledger, 20);
        if lost_answer {
            media.table.fail_acknowledgements(1);
        } else {
            media.table.fail_appends(1);
        }
        assert!(ledger.flush().is_err());
        drop(ledger);
        check(&media, &acknowledged, &SimDisk::new());
    }
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 3);
    assert!(matches!(media.open(), Err(LedgerError::Locked { .. })));
    assert_eq!(media.reader().size(), 3);
    ledger.close().unwrap();
    assert!(media.open().is_ok());
}

#[test]
fn the_log_is_trimmed_only_of_what_the_table_has() {
    let media = Media::new();
    let ledger = media
        .open_with(Options {
            segment_bytes: 4 << 10,
            ..options()
        })
        .unwrap();
    let acknowledged = fill(&ledger, 60);
    let segments = |media: &Media| {
        media
            .disk
            .files()
            .iter()
            .filter(|name| name.starts_with("wal/"))
            .count()
    };
    assert!(segments(&media) > 3);
    ledger.flush().unwrap();
    assert_eq!(segments(&media), 1);
    drop(ledger);
    check(&media, &acknowledged, &SimDisk::new());
}

#[test]
fn a_record_is_under_a_checkpoint_soon_after_its_receipt() {
    let media = Media::new();
    let ledger = media.open_with(Options::default()).unwrap();
    let receipt = append(&ledger, "one", 1).unwrap();
    let signed = ledger
        .wait_checkpoint(receipt.index + 1, std::time::Duration::from_secs(2))
        .unwrap();
    assert_eq!(signed.checkpoint.size, 1);
}

#[test]
fn an_all_or_nothing_batch_records_nothing_if_one_record_conflicts() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    fill(&ledger, 2);
    let batch = vec![
        decision("new", 9),
        decision("d1", 999),
        decision("newer", 9),
    ];
    let (culprit, error) = ledger.append_all(batch, "tester", "test").unwrap_err();
    assert_eq!(culprit, 1);
    assert!(
        matches!(error, AppendError::Conflict { index: 1, .. }),
        "{error}"
    );
    let inner = vec![decision("same", 1), decision("same", 2)];
    assert_eq!(ledger.append_all(inner, "tester", "test").unwrap_err().0, 1);
    assert_eq!(ledger.reader().size(), 2);
    let good = vec![decision("new", 9), decision("newer", 9)];
    assert_eq!(ledger.append_all(good, "tester", "test").unwrap().len(), 2);
}
