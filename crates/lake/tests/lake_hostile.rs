//! Hostile bytes in a data file never panic, and never pass for the rows that were written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod harness;

use causebook_lake::DeltaTable;
use causebook_ledger::{TableError, TableSink as _};
use harness::{Random, data_files, decision, decisions, everything, scan};

#[test]
fn flipped_bytes_are_named_or_shown_and_nothing_panics() {
    let seed: u64 = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_260_301);
    eprintln!("seed {seed}");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let table = DeltaTable::create(folder.path()).unwrap();
    table.append(&decisions(0..50)).unwrap();
    let data = data_files(folder.path()).remove(0);
    let original = std::fs::read(&data).unwrap();
    let digests: Vec<_> = (0..50)
        .map(|index| decision(index).record.digest().unwrap())
        .collect();

    // The decoder's own panics are caught and reported as damage; their messages would only be noise here.
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let (mut named, mut shown, mut harmless) = (0, 0, 0);
        for _ in 0..1500 {
            let mut bytes = original.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << random.below(8);
            }
            if random.below(20) == 0 {
                bytes.truncate(random.below(bytes.len() as u64) as usize);
            }
            std::fs::write(&data, &bytes).unwrap();
            let _ = table.get(random.below(50));
            let _ = table.find_prefix("0190", 3);
            match scan(&table, &everything()) {
                Err(TableError::Damaged { what }) => {
                    assert!(what.contains(".parquet"), "{what}");
                    named += 1;
                }
                Err(other) => panic!("{other}"),
                Ok(rows) => {
                    let intact =
                        rows.len() == 50
                            && rows.iter().zip(&digests).zip(0..).all(
                                |((scanned, digest), index)| {
                                    scanned.row.index == index
                                        && scanned.column_fault.is_none()
                                        && scanned.row.record.digest().ok() == Some(*digest)
                                },
                            );
                    if intact { harmless += 1 } else { shown += 1 }
                }
            }
        }
        (named, shown, harmless)
    }));
    let _ = std::panic::take_hook();
    let (named, shown, harmless) = outcome.expect("no panic leaves the table");
    eprintln!(
        "{named} named as damaged, {shown} shown with faults, {harmless} in bytes that no value comes from"
    );
    assert!(named > 0 && shown > 0);
}
