//! A table that was changed behind the ledger's back is shown as it is, or the damaged file is named; nothing panics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harness;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use causebook_lake::DeltaTable;
use causebook_ledger::{Scan, TableError, TableSink as _};
use harness::{data_files, decision, decisions, everything, scan};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Writes a data file anew with some of its columns changed, under the same name.
fn tamper(path: &Path, change: impl Fn(&RecordBatch) -> RecordBatch) {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .with_batch_size(1 << 20)
        .build()
        .unwrap();
    let changed: Vec<RecordBatch> = reader.map(|batch| change(&batch.unwrap())).collect();
    let mut writer = ArrowWriter::try_new(Vec::new(), changed[0].schema(), None).unwrap();
    for batch in changed {
        writer.write(&batch).unwrap();
    }
    std::fs::write(path, writer.into_inner().unwrap()).unwrap();
}

fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let mut columns = batch.columns().to_vec();
    columns[batch.schema().index_of(name).unwrap()] = column;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn strings(
    batch: &RecordBatch,
    name: &str,
    change: impl Fn(usize, &str) -> Option<String>,
) -> RecordBatch {
    let column = batch.column_by_name(name).unwrap();
    let column = column.as_any().downcast_ref::<StringArray>().unwrap();
    let changed: StringArray = column
        .iter()
        .enumerate()
        .map(|(at, value)| value.and_then(|value| change(at, value)))
        .collect();
    with_column(batch, name, Arc::new(changed))
}

fn table() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    DeltaTable::create(folder.path())
        .unwrap()
        .append(&decisions(0..50))
        .unwrap();
    let data = data_files(folder.path()).remove(0);
    (folder, data)
}

#[test]
fn a_changed_payload_gives_another_digest() {
    let (folder, data) = table();
    tamper(&data, |batch| {
        strings(batch, "input", |at, value| {
            Some(if at == 7 {
                value.replace("\"own\"", "\"rent\"")
            } else {
                value.to_owned()
            })
        })
    });
    let found = scan(&DeltaTable::open(folder.path()).unwrap(), &everything()).unwrap();
    for scanned in found {
        let original = decision(scanned.row.index).record.digest().unwrap();
        assert_eq!(
            scanned.row.record.digest().unwrap() == original,
            scanned.row.index != 7
        );
    }
}

#[test]
fn a_changed_derived_column_is_named_with_both_values() {
    let (folder, data) = table();
    tamper(&data, |batch| {
        strings(batch, "model_version", |at, value| {
            Some(if at == 3 {
                "9.9".to_owned()
            } else {
                value.to_owned()
            })
        })
    });
    let found = scan(&DeltaTable::open(folder.path()).unwrap(), &everything()).unwrap();
    let faults: Vec<_> = found
        .into_iter()
        .filter_map(|s| Some((s.row.index, s.column_fault?)))
        .collect();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].0, 3);
    assert_eq!(faults[0].1.column, "model_version");
    assert_eq!(faults[0].1.stored.as_deref(), Some("9.9"));
    assert_eq!(faults[0].1.sealed.as_deref(), Some("2026.2.1"));
}

#[test]
fn a_changed_score_or_key_changes_the_digest_and_an_impossible_row_is_still_shown() {
    let (folder, data) = table();
    tamper(&data, |batch| {
        let scores: Float64Array = (0..50).map(|at| Some(f64::from(at) / 64.0)).collect();
        let batch = with_column(batch, "score", Arc::new(scores));
        strings(&batch, "rest", |at, value| {
            (at != 9).then(|| {
                if at == 8 {
                    "{oops".to_owned()
                } else {
                    value.to_owned()
                }
            })
        })
    });
    let table = DeltaTable::open(folder.path()).unwrap();
    let found = scan(&table, &everything()).unwrap();
    assert_eq!(found.len(), 50);
    for scanned in &found {
        let original = decision(scanned.row.index).record.digest().unwrap();
        assert!(
            scanned.row.record.digest().ok() != Some(original),
            "row {}",
            scanned.row.index
        );
    }
    assert_eq!(found[8].column_fault.as_ref().unwrap().column, "rest");
    let unchecked = scan(
        &table,
        &Scan {
            indexes: 0..50,
            check_columns: false,
        },
    );
    assert!(matches!(unchecked, Err(TableError::Damaged { what }) if what.contains("row 8")));
    assert!(matches!(table.get(8), Err(TableError::Damaged { .. })));
}

#[test]
fn rows_dropped_doubled_or_reordered_are_shown_as_they_lie() {
    let (folder, data) = table();
    tamper(&data, |batch| {
        let parts = [
            batch.slice(0, 5),
            batch.slice(7, 3),
            batch.slice(9, 1),
            batch.slice(6, 1),
            batch.slice(10, 40),
        ];
        arrow::compute::concat_batches(&batch.schema(), &parts).unwrap()
    });
    let found = scan(&DeltaTable::open(folder.path()).unwrap(), &everything()).unwrap();
    let indexes: Vec<u64> = found
        .iter()
        .take(11)
        .map(|scanned| scanned.row.index)
        .collect();
    assert_eq!(indexes, [0, 1, 2, 3, 4, 7, 8, 9, 9, 6, 10]);
    let table = DeltaTable::open(folder.path()).unwrap();
    assert_eq!(table.get(6).unwrap(), Some(decision(6)));
    assert_eq!(table.get(5).unwrap(), None);
    assert_eq!(table.get(30).unwrap(), Some(decision(30)));
}

#[test]
fn a_row_claiming_another_index_is_shown_where_it_lies() {
    let (folder, data) = table();
    tamper(&data, |batch| {
        let index: Int64Array = (0..50).map(|at| if at == 20 { -5 } else { at }).collect();
        with_column(batch, "index", Arc::new(index))
    });
    let found = scan(&DeltaTable::open(folder.path()).unwrap(), &everything()).unwrap();
    assert_eq!(found.len(), 50);
    assert_eq!(found[20].row.index, (-5_i64).cast_unsigned());
}

#[test]
fn a_file_moved_to_another_day_is_noticed() {
    let (folder, data) = table();
    let moved = folder
        .path()
        .join("recorded_date=2020-01-01")
        .join(data.file_name().unwrap());
    std::fs::create_dir_all(moved.parent().unwrap()).unwrap();
    std::fs::rename(&data, &moved).unwrap();
    let entry = folder.path().join("_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(&entry)
        .unwrap()
        .replace("2026-03-01\"", "2020-01-01\"")
        .replace("recorded_date=2026-03-01", "recorded_date=2020-01-01");
    std::fs::write(
        &entry,
        text.replace(
            "recorded_at\\\":\\\"2020-01-01",
            "recorded_at\\\":\\\"2026-03-01",
        ),
    )
    .unwrap();
    let found = scan(&DeltaTable::open(folder.path()).unwrap(), &everything()).unwrap();
    let fault = found[0].column_fault.clone().unwrap();
    assert_eq!(
        (fault.column, fault.stored.as_deref()),
        ("recorded_date", Some("2020-01-01"))
    );
    assert_eq!(fault.sealed.as_deref(), Some("2026-03-01"));
}

#[test]
fn a_missing_file_is_named() {
    let (folder, data) = table();
    let open = DeltaTable::open(folder.path()).unwrap();
    std::fs::remove_file(&data).unwrap();
    for error in [
        scan(&open, &everything()).unwrap_err(),
        open.get(3).unwrap_err(),
        open.find_prefix("x", 1).unwrap_err(),
    ] {
        let TableError::Damaged { what } = error else {
            panic!("{error}")
        };
        assert!(
            what.contains("part-000000000000-000000000049.v1.parquet") && what.contains("missing"),
            "{what}"
        );
    }
}

#[test]
fn a_log_entry_that_points_outside_the_table_is_refused() {
    let (folder, _) = table();
    let entry = folder.path().join("_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(&entry).unwrap();
    let start = text.find("\"path\":\"").unwrap() + 8;
    let end = start + text[start..].find('"').unwrap();
    for outside in ["../../../etc/passwd", "/etc/passwd", "file:///etc/passwd"] {
        std::fs::write(
            &entry,
            format!("{}{outside}{}", &text[..start], &text[end..]),
        )
        .unwrap();
        match DeltaTable::open(folder.path()) {
            Err(TableError::Damaged { .. }) => {}
            Ok(table) => assert!(scan(&table, &everything()).is_err(), "{outside}"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_log_that_is_not_one_is_damage() {
    let (folder, _) = table();
    for garbage in ["", "{", "null", "{\"add\":{}}", "\u{0}\u{0}\u{0}\u{0}"] {
        std::fs::write(
            folder.path().join("_delta_log/00000000000000000000.json"),
            garbage,
        )
        .unwrap();
        assert!(DeltaTable::open(folder.path()).is_err(), "{garbage:?}");
    }
}

#[test]
fn a_table_log_that_misstates_what_a_file_holds_is_noticed() {
    for (stated, misstated) in [
        (r#"\"index\":0"#, r#"\"index\":1"#),
        (r#"\"index\":49"#, r#"\"index\":48"#),
        (r#"\"numRecords\":50"#, r#"\"numRecords\":49"#),
    ] {
        let (folder, _) = table();
        let entry = folder.path().join("_delta_log/00000000000000000001.json");
        let text = std::fs::read_to_string(&entry).unwrap();
        assert!(text.contains(stated), "{text}");
        std::fs::write(&entry, text.replace(stated, misstated)).unwrap();
        let table = DeltaTable::open(folder.path()).unwrap();
        let error = scan(&table, &everything()).unwrap_err();
        assert!(
            error.to_string().contains("the table's log says"),
            "{error}"
        );
    }
}

#[test]
#[cfg(unix)]
fn an_entry_of_the_log_that_cannot_be_read_is_not_taken_for_a_damaged_one() {
    let (folder, _) = table();
    let log = folder.path().join("_delta_log");
    let entry = log.join("00000000000000000001.json");
    let opened = || DeltaTable::open(folder.path()).map(|_| ()).unwrap_err();
    std::fs::write(&entry, b"{\"add\":").unwrap();
    let damaged = opened();
    assert!(matches!(damaged, TableError::Damaged { .. }), "{damaged}");
    // Opening it fails for a reason that is none of its contents.
    std::fs::remove_file(&entry).unwrap();
    std::os::unix::fs::symlink(&entry, &entry).unwrap();
    let unreadable = opened();
    assert!(
        matches!(unreadable, TableError::Storage { .. }),
        "{unreadable}"
    );
}
