//! The table keeps rows as they were given: appending, finding, scanning, reopening, reading beside a writer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harness;

use std::ops::ControlFlow;

use causebook_lake::DeltaTable;
use causebook_ledger::{Scan, TableError, TableSink as _};
use causebook_record::{Pointer, Stored};
use harness::{data_files, decision, decisions, everything, row, rows, scan, start};
use jiff::SignedDuration;

#[test]
fn rows_come_back_as_they_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    assert_eq!(table.covered(), 0);
    assert_eq!(rows(&table), []);
    let given = decisions(0..3000);
    table.append(&given[..1]).unwrap();
    table.append(&given[1..2500]).unwrap();
    table.append(&given[2500..]).unwrap();
    assert_eq!(table.covered(), 3000);
    assert_eq!(rows(&table), given);
    for index in [0, 1, 2, 511, 512, 513, 2499, 2500, 2999] {
        assert_eq!(
            table.get(index).unwrap().as_ref(),
            Some(&given[index as usize])
        );
    }
    assert_eq!(table.get(3000).unwrap(), None);

    drop(table);
    let reopened = DeltaTable::open_or_create(folder.path()).unwrap();
    assert_eq!(reopened.covered(), 3000);
    assert_eq!(rows(&reopened), given);
}

#[test]
fn every_kind_and_state_of_record_comes_back() {
    let drafts = [
        r#"{"model":"m","input":{"a":1.50,"b":-0,"c":1e400,"d":9007199254740993},"output":[true,null]}"#,
        r#"{"kind":"outcome","refers_to":"x","outcome":{"repaid":false}}"#,
        r#"{"kind":"review","refers_to":"x","review":{"action":"override","who":"n","role":"officer","reason":"ü\u0000\ud83d\ude00"}}"#,
        r#"{"kind":"erasure","refers_to":"x","erasure":{"reason":"asked"}}"#,
        r#"{"kind":"gap","gap":{"from":1}}"#,
        r#"{"id":"0.50","model":"m","score":0.50,"time":"2024-06-01T12:00:00.123456789+02:00","output":{}}"#,
        r#"{"model":"m","time":"2024-06-01 12:00:00","score":-0.0,"output":{"":{"":""}},"context":{},"data":[]}"#,
        r#"{"model":"m","output":1,"context":{"trace_id":"t"},"actor":"svc","automation":"human","attachments":[]}"#,
        r#"{"model":"m","output":1,"source":{"name":"s","run":"r","seq":9007199254740991,"more":{}},"actor":{"id":1}}"#,
    ];
    let mut given: Vec<_> = (0..)
        .zip(drafts)
        .map(|(index, draft)| row(index, draft, start()))
        .collect();
    let pointer: Pointer = "/input/a".parse().unwrap();
    let whole = decision(9).record;
    let age: Pointer = "/input/age".parse().unwrap();
    let trace: Pointer = "/context/trace_id".parse().unwrap();
    let redacted = whole
        .erase_facts(&[age, trace, "/time".parse().unwrap()])
        .unwrap();
    given.push(causebook_ledger::Row {
        index: 9,
        record: redacted,
    });
    given.push(causebook_ledger::Row {
        index: 10,
        record: given[0].record.clone().erase_facts(&[pointer]).unwrap(),
    });
    given.push(causebook_ledger::Row {
        index: 11,
        record: decision(11).record.erase(),
    });
    given.push(causebook_ledger::Row {
        index: 12,
        record: Stored::Erased { id: None },
    });

    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    table.append(&given).unwrap();
    assert_eq!(rows(&table), given);
    for expected in &given {
        assert_eq!(table.get(expected.index).unwrap().as_ref(), Some(expected));
    }
}

#[test]
fn rows_that_do_not_continue_the_table_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    table.append(&decisions(0..5)).unwrap();
    let refused = |rows: &[_]| {
        matches!(
            table.append(rows),
            Err(TableError::OutOfOrder { covered: 5, .. })
        )
    };
    assert!(refused(&decisions(4..6)));
    assert!(refused(&decisions(6..7)));
    assert!(refused(&[decision(5), decision(7)]));
    table.append(&[]).unwrap();
    table.append(&decisions(5..6)).unwrap();
    assert_eq!(table.covered(), 6);
}

#[test]
fn rows_of_two_days_go_to_two_partitions_in_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    let draft = r#"{"model":"m","output":1}"#;
    let at = |hours| start() + SignedDuration::from_hours(hours);
    let given: Vec<_> = [0, 1, 20, 21, 2]
        .into_iter()
        .enumerate()
        .map(|(index, hours)| row(index as u64, draft, at(hours)))
        .collect();
    table.append(&given).unwrap();
    assert_eq!(rows(&table), given);
    let names: Vec<String> = data_files(folder.path())
        .iter()
        .map(|path| {
            path.strip_prefix(folder.path())
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(
        names,
        [
            "recorded_date=2026-03-01/part-000000000000-000000000001.v1.parquet",
            "recorded_date=2026-03-01/part-000000000004-000000000004.v1.parquet",
            "recorded_date=2026-03-02/part-000000000002-000000000003.v1.parquet",
        ]
    );
}

#[test]
fn a_scan_visits_a_range_and_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    for start in [0, 1500, 3000] {
        table.append(&decisions(start..start + 1500)).unwrap();
    }
    for indexes in [
        0..0,
        0..1,
        700..703,
        1499..1501,
        512..1024,
        4499..9000,
        5000..6000,
    ] {
        let found = scan(
            &table,
            &Scan {
                indexes: indexes.clone(),
                check_columns: false,
            },
        )
        .unwrap();
        let found: Vec<u64> = found.iter().map(|scanned| scanned.row.index).collect();
        let expected: Vec<u64> = indexes.clone().filter(|index| *index < 4500).collect();
        assert_eq!(found, expected, "{indexes:?}");
    }
    let mut visited = 0;
    table
        .scan(&everything(), &mut |_| {
            visited += 1;
            if visited == 1600 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(visited, 1600);
}

#[test]
fn ids_are_found_by_prefix_in_index_order() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    let ids = ["loan-10", "loan-1", "card-1", "loan-2", "ünï-1", "loan-11"];
    let given: Vec<_> = (0..)
        .zip(ids)
        .map(|(index, id)| {
            row(
                index,
                &format!(r#"{{"id":"{id}","model":"m","output":1}}"#),
                start(),
            )
        })
        .collect();
    table.append(&given[..3]).unwrap();
    table.append(&given[3..]).unwrap();
    let found = |prefix, limit| table.find_prefix(prefix, limit).unwrap();
    let pair = |id: &str, index| (id.to_owned(), index);
    assert_eq!(
        found("loan-1", 10),
        [pair("loan-10", 0), pair("loan-1", 1), pair("loan-11", 5)]
    );
    assert_eq!(found("loan-", 2), [pair("loan-10", 0), pair("loan-1", 1)]);
    assert_eq!(found("ünï", 9), [pair("ünï-1", 4)]);
    assert_eq!(found("nobody", 9), []);
    assert_eq!(found("", 99).len(), 6);

    table.append(&decisions(6..3000)).unwrap();
    let wanted = decision(1234).record.fields().id.unwrap();
    assert_eq!(found(&wanted[..18], 5), [(wanted.clone(), 1234)]);
}

#[test]
fn a_reader_beside_the_writer_sees_whole_commits() {
    let folder = tempfile::tempdir().unwrap();
    let writer = DeltaTable::create(folder.path()).unwrap();
    let reader = DeltaTable::open(folder.path()).unwrap();
    writer.append(&decisions(0..10)).unwrap();
    assert_eq!((reader.covered(), rows(&reader).len()), (0, 0));
    reader.refresh().unwrap();
    assert_eq!((reader.covered(), rows(&reader).len()), (10, 10));
    assert!(
        reader.append(&decisions(10..11)).is_err(),
        "a reader does not write"
    );

    for start in 1..120 {
        writer
            .append(&decisions(start * 10..start * 10 + 10))
            .unwrap();
    }
    writer.compact().unwrap();
    assert_eq!(
        rows(&reader),
        decisions(0..10),
        "the file it knew is gone; its rows are found where they are now, and no others"
    );
    reader.refresh().unwrap();
    assert_eq!((reader.covered(), rows(&reader).len()), (1200, 1200));
    let late = DeltaTable::open(folder.path()).unwrap();
    assert_eq!((late.covered(), rows(&late)), (1200, decisions(0..1200)));
}

#[test]
fn a_reader_finds_a_row_whose_file_was_merged_away() {
    let folder = tempfile::tempdir().unwrap();
    let writer = DeltaTable::create(folder.path()).unwrap();
    for index in 0..16 {
        writer.append(&decisions(index..index + 1)).unwrap();
    }
    let reader = DeltaTable::open(folder.path()).unwrap();
    writer.compact().unwrap();
    assert_eq!(reader.get(7).unwrap(), Some(decision(7)));
    assert_eq!(data_files(folder.path()).len(), 1);
}

#[test]
fn a_table_is_created_once_and_a_reader_needs_one() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        DeltaTable::open(folder.path()),
        Err(TableError::Damaged { .. })
    ));
    let inner = folder.path().join("a folder with spaces/ünï#1");
    DeltaTable::create(&inner)
        .unwrap()
        .append(&decisions(0..2))
        .unwrap();
    assert!(DeltaTable::create(&inner).is_err());
    assert_eq!(rows(&DeltaTable::open(&inner).unwrap()), decisions(0..2));
}

#[test]
fn the_log_is_checkpointed_and_does_not_grow_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    for index in 0..170 {
        table.append(&decisions(index..index + 1)).unwrap();
    }
    let log = std::fs::read_dir(folder.path().join("_delta_log"))
        .unwrap()
        .count();
    assert!(log < 110, "{log} files in the log");
    assert_eq!(DeltaTable::open(folder.path()).unwrap().covered(), 170);
}
