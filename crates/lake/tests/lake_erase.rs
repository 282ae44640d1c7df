//! Erased values are nowhere in the table's folder, and the log never held them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harness;

use std::path::PathBuf;

use causebook_lake::DeltaTable;
use causebook_ledger::{Row, TableError, TableSink as _};
use harness::{data_files, decisions, files, holds, row, rows, start};

const NONE: [PathBuf; 0] = [];

fn canary(index: u64) -> Row {
    let text = format!(
        r#"{{"id":"r{index}","model":"m","subject":"canary-subject","decision":"canary-decision","refers_to":"canary-ref","input":{{"name":"canary-input","age":30}},"output":"canary-output","context":{{"trace_id":"canary-trace"}},"explanation":{{"x":"canary-why"}}}}"#
    );
    row(index, &text, start())
}

#[test]
fn the_log_never_holds_payload() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    for index in 0..60 {
        table.append(&[canary(index)]).unwrap();
    }
    let log = folder.path().join("_delta_log");
    assert!(
        files(&log)
            .iter()
            .any(|path| path.display().to_string().ends_with("checkpoint.parquet"))
    );
    assert_eq!(holds(&log, "canary"), NONE);
    assert_eq!(holds(&log, "r17"), NONE);
    assert_eq!(holds(folder.path(), "canary-input").len(), 60);
    let commit = std::fs::read_to_string(log.join("00000000000000000059.json")).unwrap();
    assert!(
        commit.contains(r#"{\"numRecords\":1,\"minValues\":{\"index\":58,\"recorded_at\":\"2026-03-01T09:00:00.250Z\"},\"maxValues\":{\"index\":58,\"recorded_at\":\"2026-03-01T09:00:00.250Z\"},\"nullCount\":{\"index\":0,\"recorded_at\":0}}"#),
        "{commit}"
    );
}

#[test]
fn an_erased_payload_is_nowhere_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    let mut given = decisions(0..600);
    given[300] = canary(300);
    table.append(&given[..400]).unwrap();
    table.append(&given[400..]).unwrap();
    assert_eq!(holds(folder.path(), "canary-input").len(), 1);
    given[300].record = given[300].record.clone().erase();
    table.replace(&given[300..301]).unwrap();
    assert_eq!(holds(folder.path(), "canary"), NONE);
    assert_eq!(rows(&table), given);
    assert_eq!(data_files(folder.path()).len(), 2);
    let reader = DeltaTable::open(folder.path()).unwrap();
    assert_eq!(rows(&reader), given);
    assert_eq!(reader.get(300).unwrap(), Some(given[300].clone()));
}

#[test]
fn erased_facts_are_nowhere_in_the_folder_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    table.append(&[canary(0), canary(1)]).unwrap();
    let pointers = ["/input/name", "/subject", "/context/trace_id"].map(|p| p.parse().unwrap());
    let redacted: Vec<Row> = [0, 1]
        .into_iter()
        .map(|index| Row {
            index,
            record: canary(index).record.erase_facts(&pointers).unwrap(),
        })
        .collect();
    table.replace(&redacted).unwrap();
    for gone in ["canary-input", "canary-subject", "canary-trace"] {
        assert_eq!(holds(folder.path(), gone), NONE);
    }
    assert_eq!(holds(folder.path(), "canary-output").len(), 1);
    assert_eq!(rows(&table), redacted);
    assert_eq!(
        redacted[0].record.digest().unwrap(),
        canary(0).record.digest().unwrap(),
        "the digest in the log still holds"
    );
}

#[test]
fn a_row_that_is_not_there_cannot_be_replaced_and_then_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    table.append(&decisions(0..10)).unwrap();
    let before = files(folder.path());
    let missing = [
        Row {
            index: 3,
            record: canary(3).record,
        },
        Row {
            index: 10,
            record: canary(10).record,
        },
    ];
    assert!(matches!(
        table.replace(&missing),
        Err(TableError::Damaged { .. })
    ));
    assert_eq!(files(folder.path()), before);
    assert_eq!(rows(&table), decisions(0..10));
    table.append(&decisions(10..11)).unwrap();
}

#[test]
fn merged_files_hold_the_same_rows_and_appending_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    for start in 0..15 {
        table
            .append(&decisions(start * 100..start * 100 + 100))
            .unwrap();
    }
    table.compact().unwrap();
    assert_eq!(
        data_files(folder.path()).len(),
        15,
        "too few to be worth it"
    );
    table.append(&decisions(1500..1600)).unwrap();
    table.compact().unwrap();
    assert_eq!(data_files(folder.path()).len(), 1);
    table.append(&decisions(1600..1601)).unwrap();
    assert_eq!(rows(&table), decisions(0..1601));
    assert_eq!(table.get(1234).unwrap(), Some(harness::decision(1234)));
    assert_eq!(DeltaTable::open(folder.path()).unwrap().covered(), 1601);
}
