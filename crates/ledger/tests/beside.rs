//! Verification beside a writer: whatever moves from the write-ahead log to the table meanwhile, an intact ledger is
//! never called anything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use causebook_ledger::sim::{MemoryTable, SimDisk};
use causebook_ledger::{
    Depth, Erasure, HeadMemory, Ledger, Reader, Row, SystemClock, TableError, TableSink, TableView,
    VerifyRequest,
};
use common::{Media, SECONDS_10, append, options, verify};

/// A table that lets a writer do a whole round of work just before or just after somebody looks at it.
#[derive(Clone)]
struct Meddled {
    table: MemoryTable,
    writer: Arc<OnceLock<Ledger>>,
    rounds: Arc<AtomicU64>,
    before: Arc<AtomicBool>,
    after: Arc<AtomicBool>,
}

impl Meddled {
    fn new(table: MemoryTable) -> Self {
        Self {
            table,
            writer: Arc::default(),
            rounds: Arc::default(),
            before: Arc::default(),
            after: Arc::default(),
        }
    }

    /// Appends, publishes and flushes.
    fn meddle(&self, when: &AtomicBool) {
        if let (true, Some(writer)) = (when.swap(false, Ordering::Relaxed), self.writer.get()) {
            let round = self.rounds.fetch_add(1, Ordering::Relaxed);
            append(writer, &format!("round-{round}-flushed"), round).unwrap();
            writer.flush().unwrap();
            append(writer, &format!("round-{round}-kept"), round).unwrap();
        }
    }
}

impl TableSink for Meddled {
    fn covered(&self) -> u64 {
        self.table.covered()
    }
    fn append(&self, rows: &[Row]) -> Result<(), TableError> {
        self.table.append(rows)
    }
    fn get(&self, index: u64) -> Result<Option<Row>, TableError> {
        self.table.get(index)
    }
    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<(String, u64)>, TableError> {
        self.table.find_prefix(prefix, limit)
    }
    fn view(&self) -> Box<dyn TableView + '_> {
        self.meddle(&self.before);
        let view = self.table.view();
        self.meddle(&self.after);
        view
    }
    fn replace(&self, rows: &[Row]) -> Result<(), TableError> {
        self.table.replace(rows)
    }
    fn compact(&self) -> Result<(), TableError> {
        self.table.compact()
    }
    fn tidy(&self) -> Result<(), TableError> {
        self.table.tidy()
    }
    fn refresh(&self) -> Result<(), TableError> {
        self.meddle(&self.before);
        let refreshed = self.table.refresh();
        self.meddle(&self.after);
        refreshed
    }
}

fn busy_ledger(table: Meddled, media: &Media) -> Ledger {
    let opened = Ledger::open(
        Arc::new(media.disk.clone()),
        Arc::new(SystemClock::new()),
        || Ok(Arc::new(table)),
        options(),
    );
    let ledger = opened.unwrap();
    for number in 0..20 {
        append(&ledger, &format!("d{number}"), number).unwrap();
    }
    ledger
}

#[test]
fn a_flush_just_before_or_after_the_table_is_looked_at_raises_no_alarm() {
    let media = Media::new();
    let table = Meddled::new(media.table.clone());
    let ledger = busy_ledger(table.clone(), &media);
    table.writer.set(ledger.clone()).unwrap();
    for when in [&table.before, &table.after] {
        when.store(true, Ordering::Relaxed);
        let report = verify(&ledger.reader());
        assert!(!when.load(Ordering::Relaxed), "the writer had its turn");
        assert!(report.is_intact(), "{:?}", report.findings);
    }
}

#[test]
fn a_flush_while_another_process_opens_the_files_raises_no_alarm() {
    let media = Media::new();
    let ledger = busy_ledger(Meddled::new(media.table.clone()), &media);
    let table = Meddled::new(media.table.reopened());
    table.writer.set(ledger).unwrap();
    for when in [&table.before, &table.after] {
        when.store(true, Ordering::Relaxed);
        let reader = Reader::open(Arc::new(media.disk.clone()), Arc::new(table.clone())).unwrap();
        assert!(!when.load(Ordering::Relaxed), "the writer had its turn");
        let report = verify(&reader);
        assert!(report.is_intact(), "{:?}", report.findings);
        when.store(true, Ordering::Relaxed);
        let report = verify(&reader);
        assert!(report.is_intact(), "{:?}", report.findings);
    }
}

#[test]
fn a_head_that_somebody_else_saw_later_is_no_rollback_and_is_not_forgotten() {
    let media = Media::new();
    let heads = SimDisk::new();
    let memory = HeadMemory::new(&heads);
    let ledger = media.open().unwrap();
    append(&ledger, "d0", 0).unwrap();
    ledger.wait_checkpoint(1, SECONDS_10).unwrap();
    let early = media.reader();
    append(&ledger, "d1", 1).unwrap();
    ledger.wait_checkpoint(2, SECONDS_10).unwrap();
    let late = media.reader();
    memory
        .remember(late.identity(), late.checkpoint().as_ref())
        .unwrap();
    let remembered = memory.recall("example.com/main").unwrap();
    let request = VerifyRequest {
        depth: Depth::Full,
        remembered: remembered.as_ref(),
        threads: 1,
    };
    let report = early.verify(&request, &mut |_, _| {}).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!(report.continues, Some(2));
    memory
        .remember(early.identity(), early.checkpoint().as_ref())
        .unwrap();
    assert_eq!(memory.recall("example.com/main").unwrap(), remembered);
}

/// Appends in a hurry, moving a few records to the table again and again, and erasing some.
fn write_flush_and_erase(ledger: &Ledger) {
    for number in 0..1_500 {
        append(ledger, &format!("d{number}"), number).unwrap();
        if number % 16 == 0 {
            ledger.flush().unwrap();
        }
        if number % 256 == 255 {
            let id = format!("d{}", number - 200);
            ledger
                .erase(&id, &Erasure::Payload, "asked for", "tester")
                .unwrap();
        }
    }
}

#[test]
fn verifying_again_and_again_beside_a_busy_writer_raises_no_alarm() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let verifier = scope.spawn(|| {
            let mut verified = 0;
            while !done.load(Ordering::Relaxed) {
                for reader in [ledger.reader(), media.reader()] {
                    let report = verify(&reader);
                    assert!(report.is_intact(), "{:?}", report.findings);
                    verified += 1;
                }
            }
            verified
        });
        write_flush_and_erase(&ledger);
        done.store(true, Ordering::Relaxed);
        assert!(verifier.join().unwrap() > 0);
    });
}
