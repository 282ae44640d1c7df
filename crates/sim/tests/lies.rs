//! The simulation can fail: on a disk that breaks a promise the engine's own promises break, and the checks see it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use causebook_ledger::sim::Lie;
use causebook_sim::run;

/// Seeds within which every lie must have been seen.
const SEEDS: u64 = 400;

fn assert_seen(lie: Lie) {
    let seen = (0..SEEDS).find_map(|seed| Some((seed, run(seed, Some(lie), false).violation?)));
    let (seed, violation) = seen.unwrap_or_else(|| panic!("{lie:?} was not seen"));
    println!("{lie:?} is seen at seed {seed}: {violation}");
}

#[test]
fn syncs_that_do_nothing_are_seen() {
    assert_seen(Lie::Sync(""));
    assert_seen(Lie::Sync("wal"));
    assert_seen(Lie::Sync("log/checkpoint"));
    assert_seen(Lie::Sync("log/tile"));
    assert_seen(Lie::Sync("blobs"));
}

#[test]
fn directory_syncs_that_do_nothing_are_seen() {
    assert_seen(Lie::SyncDir(""));
    assert_seen(Lie::SyncDir("wal"));
    assert_seen(Lie::SyncDir("log"));
    assert_seen(Lie::SyncDir("blobs"));
}

#[test]
fn renames_that_are_not_atomic_are_seen() {
    assert_seen(Lie::Rename);
}

#[test]
fn power_cuts_that_take_synced_files_are_seen() {
    assert_seen(Lie::Survival);
}

#[test]
fn locks_that_several_can_hold_are_seen() {
    assert_seen(Lie::Lock);
}

/// The index is derived: what of it is lost is made again, and nobody is told anything wrong meanwhile.
#[test]
fn an_index_whose_files_go_is_mended() {
    for seed in 0..40 {
        let violation = run(seed, Some(Lie::SyncDir("index")), false).violation;
        assert!(violation.is_none(), "seed {seed}: {violation:?}");
    }
}
