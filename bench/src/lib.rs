//! What the programs here share: a ledger in a folder, records that look like real ones, and a small random generator.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causebook_lake::DeltaTable;
use causebook_ledger::{
    Clock, Disk, Ledger, LedgerError, Options, Reader, RealDisk, SystemClock, TableSink, create,
};

/// Error of a program: told and ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Creates a ledger in an empty folder.
///
/// # Errors
/// If the folder holds one or cannot be written.
pub fn create_ledger(folder: &Path) -> Result<(), LedgerError> {
    create(
        &RealDisk::new(folder),
        &SystemClock::new(),
        "main",
        "bench.example/main",
    )
    .map(|_| ())
}

/// Opens the ledger in a folder for writing.
///
/// # Errors
/// As [`Ledger::open`].
pub fn open_ledger(folder: &Path, options: Options) -> Result<Ledger, LedgerError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder));
    let table_folder = folder.join("table");
    let table = || Ok(Arc::new(DeltaTable::open_or_create(&table_folder)?) as Arc<dyn TableSink>);
    Ledger::open(disk, Arc::new(SystemClock::new()), table, options)
}

/// Opens the ledger in a folder for reading.
///
/// # Errors
/// As [`Reader::open`].
pub fn open_reader(folder: &Path) -> Result<Reader, LedgerError> {
    let table = DeltaTable::open_or_create(&folder.join("table"))?;
    Reader::open(Arc::new(RealDisk::new(folder)), Arc::new(table))
}

/// Time since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    clock: SystemClock,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        // The system clock's monotonic time begins with the clock.
        Self {
            clock: SystemClock::new(),
        }
    }

    /// Time since.
    pub fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }
}

/// Numbers that are the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator seeded by the clock.
    pub fn from_time() -> Self {
        Self(SystemClock::new().now().as_nanosecond() as u64)
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

/// A loan decision of about 1 KB in 25 facts, as JSON.
pub fn loan_decision(id: &str, random: &mut Random) -> String {
    let mut n = |bound| random.below(bound);
    format!(
        concat!(
            r#"{{"id":"{}","time":"2026-03-01T10:{:02}:{:02}.{:06}Z","model":{{"name":"credit-risk","version":"v{}","#,
            r#""digest":"sha256:a2740f34facc266ebb72db2f00397e412034ea2912795005cc05856d86b9ec11"}},"#,
            r#""input":{{"status":"A1{}","duration":{},"credit_history":"A3{}","purpose":"A4{}","credit_amount":{}.{:02},"#,
            r#""savings":"A6{}","employment":"A7{}","installment_rate":{},"property":"A12{}","age":{},"housing":"A15{}","#,
            r#""existing_credits":{},"job":"A17{}","notes":"{}"}},"output":{{"probability":0.{:09},"margin":-{}.{:06}}},"#,
            r#""decision":"{}","score":0.{:09},"subject":"applicant-{:08}","parameters":{{"deny":0.5,"refer":0.4}},"#,
            r#""context":{{"trace_id":"{:016x}{:016x}","environment":"prod","purpose":"consumer credit"}}}}"#
        ),
        id,
        n(60),
        n(60),
        n(1_000_000),
        n(3),
        n(4),
        n(72),
        n(5),
        n(10),
        n(20_000),
        n(100),
        n(5),
        n(5),
        n(4),
        n(4),
        18 + n(60),
        n(3),
        n(4),
        n(4),
        NOTE,
        n(1_000_000_000),
        n(3),
        n(1_000_000),
        if n(3) == 0 { "deny" } else { "approve" },
        n(1_000_000_000),
        n(1_000_000),
        n(u64::MAX),
        n(u64::MAX),
    )
}

const NOTE: &str = "Applicant asked for a longer term at the branch; income statement and employment letter were seen by \
the clerk and match what was declared on the form. No other obligations were named. Existing account in good order.";
