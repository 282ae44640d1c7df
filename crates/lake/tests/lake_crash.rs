//! Whatever step a writer stops at, the next one finds the table as before or as after, and nothing left over.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harness;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use causebook_lake::{DeltaTable, Step, Watch};
use causebook_ledger::{Row, TableError, TableSink as _};
use harness::{data_files, decision, decisions, files, holds, row, rows, start};
use jiff::SignedDuration;

/// Lets a number of steps pass, then fails every one, as if the process had stopped there.
#[derive(Clone)]
struct Allowance(Arc<AtomicU64>);

impl Allowance {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    fn set(&self, steps: u64) {
        self.0.store(steps, Ordering::SeqCst);
    }

    fn used_up(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    fn watch(&self) -> Watch {
        let left = Arc::clone(&self.0);
        Watch::new(move |_| {
            let take = |left: u64| left.checked_sub(1);
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                .map(|_| ())
                .map_err(|_| io::Error::other("the process stopped here"))
        })
    }
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}

/// Runs `act` on copies of `origin`, stopped after 0, 1, 2, … steps until it is no longer stopped, and gives each
/// folder to `check` with what `act` answered. Returns how many stops there were.
fn stop_everywhere(
    origin: &Path,
    act: impl Fn(&DeltaTable) -> Result<(), TableError>,
    check: impl Fn(u64, &Path, Result<(), TableError>),
) -> u64 {
    for steps in 0.. {
        let folder = tempfile::tempdir().unwrap();
        copy(origin, folder.path());
        let allowance = Allowance::new();
        let table = DeltaTable::open_or_create_watched(folder.path(), allowance.watch()).unwrap();
        allowance.set(steps);
        let outcome = act(&table);
        let stopped = allowance.used_up();
        drop(table);
        assert!(stopped || outcome.is_ok());
        check(steps, folder.path(), outcome);
        if !stopped {
            return steps;
        }
    }
    unreachable!("the loop ends when nothing is stopped")
}

fn assert_nothing_left_over(folder: &Path, table: &DeltaTable) {
    let mut named: Vec<_> = table
        .table_snapshot()
        .files
        .into_iter()
        .map(|file| file.path)
        .collect();
    named.sort();
    assert_eq!(data_files(&folder.canonicalize().unwrap()), named);
    let staged = files(folder)
        .into_iter()
        .filter(|path| path.display().to_string().contains('#'));
    assert_eq!(staged.count(), 0);
}

#[test]
fn an_append_stopped_anywhere_happened_whole_or_not_at_all() {
    let origin = tempfile::tempdir().unwrap();
    DeltaTable::create(origin.path())
        .unwrap()
        .append(&decisions(0..20))
        .unwrap();
    let mut given = decisions(20..30);
    given.push(row(
        30,
        r#"{"model":"m","output":1}"#,
        start() + SignedDuration::from_hours(24),
    ));
    let stops = stop_everywhere(
        origin.path(),
        |table| table.append(&given),
        |steps, folder, outcome| {
            let table = DeltaTable::open_or_create(folder).unwrap();
            table.tidy().unwrap();
            let covered = table.covered();
            assert!(covered == 20 || covered == 31, "step {steps}: {covered}");
            assert!(
                covered == 31 || outcome.is_err(),
                "step {steps}: acknowledged and lost"
            );
            assert_nothing_left_over(folder, &table);
            if covered == 20 {
                table.append(&given).unwrap();
            }
            let found = rows(&table);
            assert_eq!(found.len(), 31);
            assert_eq!(found[20..], given);
        },
    );
    assert!(stops > 10, "{stops}");
}

#[test]
fn an_erasure_stopped_anywhere_is_before_or_after_and_after_leaves_no_byte() {
    let canary = "canary-4711";
    let secret = |index| {
        let draft = format!(
            r#"{{"id":"s{index}","model":"m","subject":"{canary}","input":{{"name":"{canary}"}},"output":1}}"#
        );
        row(index, &draft, start())
    };
    let origin = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(origin.path()).unwrap();
    table
        .append(&[decision(0), secret(1), decision(2)])
        .unwrap();
    table.append(&[decision(3), secret(4)]).unwrap();
    table.append(&decisions(5..6)).unwrap();
    drop(table);
    let before = vec![
        decision(0),
        secret(1),
        decision(2),
        decision(3),
        secret(4),
        decision(5),
    ];
    let erased: Vec<Row> = [1, 4]
        .into_iter()
        .map(|index| Row {
            index,
            record: secret(index).record.erase(),
        })
        .collect();
    let mut after = before.clone();
    after[1] = erased[0].clone();
    after[4] = erased[1].clone();

    let stops = stop_everywhere(
        origin.path(),
        |table| table.replace(&erased),
        |steps, folder, outcome| {
            let table = DeltaTable::open_or_create(folder).unwrap();
            table.tidy().unwrap();
            let found = rows(&table);
            assert!(found == before || found == after, "step {steps}");
            assert!(found == after || outcome.is_err(), "step {steps}");
            if found == before {
                table.replace(&erased).unwrap();
            }
            assert_nothing_left_over(folder, &table);
            assert_eq!(
                holds(folder, canary),
                Vec::<std::path::PathBuf>::new(),
                "step {steps}"
            );
            assert_eq!(rows(&table), after);
            assert_eq!(table.covered(), 6);
        },
    );
    assert!(stops > 15, "{stops}");
}

#[test]
fn a_compaction_stopped_anywhere_changes_no_row() {
    let origin = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(origin.path()).unwrap();
    for index in 0..16 {
        table.append(&decisions(index * 2..index * 2 + 2)).unwrap();
    }
    drop(table);
    stop_everywhere(origin.path(), DeltaTable::compact, |_, folder, _| {
        let table = DeltaTable::open_or_create(folder).unwrap();
        table.tidy().unwrap();
        assert_nothing_left_over(folder, &table);
        assert_eq!(rows(&table), decisions(0..32));
        table.compact().unwrap();
        assert_eq!(data_files(folder).len(), 1);
        assert_eq!(rows(&table), decisions(0..32));
    });
}

#[test]
fn a_commit_that_was_not_acknowledged_counts_after_reopening_and_the_handle_writes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().canonicalize().unwrap().join("_delta_log");
    let committed = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&committed);
    let watch = Watch::new(move |step| match step {
        Step::Publish(path) if path.ends_with("00000000000000000001.json") => {
            *seen.lock().unwrap() = true;
            Ok(())
        }
        Step::SyncDirectory(directory) if *seen.lock().unwrap() && *directory == log => {
            Err(io::Error::other("the disk stopped answering"))
        }
        _ => Ok(()),
    });
    let table = DeltaTable::create_watched(folder.path(), watch).unwrap();
    assert!(matches!(
        table.append(&decisions(0..5)),
        Err(TableError::Storage { .. })
    ));
    assert_eq!(
        table.covered(),
        0,
        "what was not acknowledged is not claimed"
    );
    assert!(
        table.append(&decisions(0..5)).is_err(),
        "an unknown outcome ends the handle"
    );
    drop(table);
    let reopened = DeltaTable::open_or_create(folder.path()).unwrap();
    assert_eq!(
        reopened.covered(),
        5,
        "so the ledger does not append these rows again"
    );
    assert_eq!(rows(&reopened), decisions(0..5));
}

#[test]
fn data_is_on_stable_storage_before_the_commit_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let watch = Watch::new(move |step| {
        seen.lock().unwrap().push(step.clone());
        Ok(())
    });
    let table = DeltaTable::create_watched(folder.path(), watch).unwrap();
    steps.lock().unwrap().clear();
    table.append(&decisions(0..3)).unwrap();
    let shown: Vec<String> = steps
        .lock()
        .unwrap()
        .iter()
        .map(|step| {
            let text = format!("{step:?}");
            text.replace(
                &folder.path().canonicalize().unwrap().display().to_string(),
                "",
            )
        })
        .collect();
    let data = "/recorded_date=2026-03-01/part-000000000000-000000000002.v1.parquet";
    let commit = "/_delta_log/00000000000000000001.json";
    assert_eq!(
        shown,
        [
            "CreateDirectory(\"/recorded_date=2026-03-01\")".to_owned(),
            "SyncDirectory(\"\")".to_owned(),
            format!("Write(\"{data}\")"),
            format!("SyncFile(\"{data}\")"),
            format!("Publish(\"{data}\")"),
            "SyncDirectory(\"/recorded_date=2026-03-01\")".to_owned(),
            format!("Write(\"{commit}\")"),
            format!("SyncFile(\"{commit}\")"),
            format!("Publish(\"{commit}\")"),
            "SyncDirectory(\"/_delta_log\")".to_owned(),
        ]
    );
}

#[test]
fn files_that_no_commit_names_are_deleted_by_the_next_writer_only() {
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    table.append(&decisions(0..3)).unwrap();
    drop(table);
    let data = data_files(folder.path()).remove(0);
    let orphan = data.with_file_name("part-000000000003-000000000005.v2.parquet");
    let staged = data.with_file_name("part-000000000003-000000000005.v2.parquet#12");
    std::fs::copy(&data, &orphan).unwrap();
    std::fs::copy(&data, &staged).unwrap();
    let reader = DeltaTable::open(folder.path()).unwrap();
    assert_eq!(rows(&reader), decisions(0..3));
    reader.tidy().unwrap_err();
    let writer = DeltaTable::open_or_create(folder.path()).unwrap();
    assert!(
        orphan.exists() && staged.exists(),
        "they may be all that is left of a damaged log"
    );
    writer.tidy().unwrap();
    assert!(!orphan.exists() && !staged.exists() && data.exists());
}
