//! The harness that the behaviour tests share: a ledger on a simulated disk, and checks that hold after anything.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use causebook_ledger::sim::{MemoryTable, SimDisk};
use causebook_ledger::{
    AppendError, Depth, HeadMemory, Ledger, LedgerError, Options, Reader, Receipt, SystemClock,
    VerifyReport, VerifyRequest, create,
};
use causebook_record::Draft;

pub const SECONDS_10: Duration = Duration::from_secs(10);

/// A ledger's media: what is left when its process is gone.
#[derive(Clone, Debug)]
pub struct Media {
    pub disk: SimDisk,
    pub table: MemoryTable,
}

impl Media {
    pub fn new() -> Self {
        let disk = SimDisk::new();
        create(&disk, &SystemClock::new(), "main", "example.com/main").unwrap();
        Self {
            disk,
            table: MemoryTable::new(),
        }
    }

    pub fn open(&self) -> Result<Ledger, LedgerError> {
        self.open_with(options())
    }

    pub fn open_with(&self, options: Options) -> Result<Ledger, LedgerError> {
        Ledger::open(
            Arc::new(self.disk.clone()),
            Arc::new(SystemClock::new()),
            || Ok(Arc::new(self.table.reopened())),
            options,
        )
    }

    pub fn reader(&self) -> Reader {
        Reader::open(Arc::new(self.disk.clone()), Arc::new(self.table.reopened())).unwrap()
    }

    /// The media after a power cut.
    pub fn cut(&self, seed: u64) -> Self {
        Self {
            disk: self.disk.after_power_cut(seed),
            table: self.table.clone(),
        }
    }

    /// A backup of the media.
    pub fn copy(&self) -> Self {
        Self {
            disk: self.disk.copy(),
            table: self.table.clone(),
        }
    }

    pub fn verify(&self) -> VerifyReport {
        verify(&self.reader())
    }
}

/// Short checkpoint interval, no flush unless asked for.
pub fn options() -> Options {
    Options {
        segment_bytes: 64 << 10,
        checkpoint_interval: Duration::from_millis(1),
        flush_bytes: u64::MAX,
        flush_age: Duration::from_secs(3600),
        flush_on_close_bytes: u64::MAX,
        ..Options::default()
    }
}

pub fn verify(reader: &Reader) -> VerifyReport {
    let request = VerifyRequest {
        depth: Depth::Full,
        remembered: None,
        threads: 2,
    };
    reader.verify(&request, &mut |_, _| {}).unwrap()
}

pub fn decision(id: &str, amount: u64) -> Draft {
    let text = format!(
        r#"{{"id":"{id}","model":{{"name":"credit-risk","version":"v1"}},"input":{{"amount":{amount},"purpose":"car"}},
        "decision":"deny","score":0.61,"subject":"applicant-{}","context":{{"trace_id":"trace-{}"}}}}"#,
        amount % 7,
        amount % 3
    );
    Draft::parse(text.as_bytes()).unwrap()
}

pub fn append(ledger: &Ledger, id: &str, amount: u64) -> Result<Receipt, AppendError> {
    ledger.append(decision(id, amount), "tester", "test")
}

/// Appends `count` decisions with ids `d0`, `d1`, …
pub fn fill(ledger: &Ledger, count: u64) -> Vec<Receipt> {
    (0..count)
        .map(|number| append(ledger, &format!("d{number}"), number).unwrap())
        .collect()
}

/// Ids of all records, in the order of the log.
pub fn ids(reader: &Reader) -> Vec<String> {
    let mut ids = Vec::new();
    let mut expected = 0;
    reader
        .scan(0..u64::MAX, &mut |row| {
            assert_eq!(row.index, expected, "positions are dense");
            expected += 1;
            ids.push(row.record.fields().id.unwrap_or_default());
            ControlFlow::Continue(())
        })
        .unwrap();
    ids
}

/// Everything that was acknowledged is there, at its place, once; and the ledger verifies.
pub fn check(media: &Media, acknowledged: &[Receipt], heads: &SimDisk) {
    let ledger = media.open().expect("a ledger opens after a crash");
    let reader = ledger.reader();
    let found = ids(&reader);
    for receipt in acknowledged {
        assert_eq!(
            found.get(receipt.index as usize),
            Some(&receipt.id),
            "acknowledged at {}",
            receipt.index
        );
    }
    let mut unique = found.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), found.len(), "no record is there twice");
    if reader.size() > 0 {
        ledger.wait_checkpoint(reader.size(), SECONDS_10).unwrap();
    }
    let memory = HeadMemory::new(heads);
    let remembered = memory.recall(&reader.identity().origin).unwrap();
    let request = VerifyRequest {
        depth: Depth::Full,
        remembered: remembered.as_ref(),
        threads: 1,
    };
    let report = reader.verify(&request, &mut |_, _| {}).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
    memory
        .remember(reader.identity(), reader.checkpoint().as_ref())
        .unwrap();
    ledger.close().unwrap();
}
