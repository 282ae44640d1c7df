//! The ledger that is tampered with: a real one with a past of several days.
//!
//! Part of it is in the table, in files of several days, merged ones among them; part in the write-ahead log. It has
//! attachments, erasures of fields and of a whole record, an index of several runs, and a table log with a checkpoint.
//! Beside it lie earlier states of it, continuations that its key holder could have written instead, a ledger of
//! someone else under the same name, and the head that a reader remembers from the middle of its life.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use causebook_bench::{Random, loan_decision};
use causebook_lake::DeltaTable;
use causebook_ledger::{
    Clock, Disk, Erasure, HeadMemory, Ledger, Options, RealDisk, RememberedHead, SystemClock,
    TableSink, create,
};
use causebook_record::Draft;
use causebook_torture::{Failure, copy_tree, open_reader};
use jiff::{SignedDuration, Timestamp};

const ORIGIN: &str = "torture.example/main";
const CHECKPOINT_WAIT: Duration = Duration::from_secs(30);
/// A record that lost one field, on record.
pub(crate) const REDACTED: &str = "d40";
/// A record that lost its content, on record.
pub(crate) const ERASED: &str = "d700";

/// The folders of a specimen.
#[derive(Clone, Debug)]
pub(crate) struct Specimen {
    root: PathBuf,
}

impl Specimen {
    /// One that was built before.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The ledger as it should be.
    pub(crate) fn now(&self) -> PathBuf {
        self.root.join("now")
    }

    /// The same ledger before the head was seen.
    pub(crate) fn older(&self) -> PathBuf {
        self.root.join("older")
    }

    /// The same ledger after the head was seen, before now.
    pub(crate) fn later(&self) -> PathBuf {
        self.root.join("later")
    }

    /// Another ledger, with other keys.
    pub(crate) fn stranger(&self) -> PathBuf {
        self.root.join("stranger")
    }

    /// What the key holder made of the older state: as long as now, longer than the head seen, shorter than it.
    pub(crate) fn fork(&self, name: &str) -> PathBuf {
        self.root.join(format!("fork-{name}"))
    }

    fn heads(&self) -> RealDisk {
        RealDisk::new(&self.root.join("heads"))
    }

    /// The head that a reader saw in the middle of the ledger's life.
    pub(crate) fn remembered(&self) -> Result<RememberedHead, Failure> {
        let head = HeadMemory::new(&self.heads()).recall(ORIGIN)?;
        Ok(head.ok_or("the specimen has no remembered head")?)
    }

    /// Builds a specimen in an empty folder.
    pub(crate) fn build(root: &Path, seed: u64) -> Result<Self, Failure> {
        let specimen = Self::at(root);
        let mut life = Life::begin(&specimen.now(), seed, 3)?;
        life.day(17, 30)?;
        life.next_day();
        life.day(5, 60)?;
        life.next_day();
        life.day(4, 150)?;
        life.append(90)?;
        life.pause(&specimen.older())?;

        life.attach()?;
        life.append(110)?;
        life.ledger()?.flush()?;
        life.erase()?;
        life.append(40)?;
        life.pause(&root.join("seen"))?;
        let reader = open_reader(&root.join("seen"))?;
        HeadMemory::new(&specimen.heads())
            .remember(reader.identity(), reader.checkpoint().as_ref())?;
        drop(reader);
        fs::remove_dir_all(root.join("seen"))?;

        life.next_day();
        life.day(3, 100)?;
        life.append(60)?;
        life.pause(&specimen.later())?;
        life.day(1, 50)?;
        life.append(330)?;
        let size = life.size()?;
        life.end()?;

        let older = open_reader(&specimen.older())?.size();
        let seen = specimen.remembered()?.size;
        for (name, size) in [
            ("equal", size),
            ("longer", seen + 60),
            ("shorter", older + (seen - older) / 2),
        ] {
            copy_tree(&specimen.older(), &specimen.fork(name))?;
            let mut fork = Life::resume(&specimen.fork(name), seed ^ 0xf0f0, older)?;
            fork.append(size - older)?;
            fork.end()?;
        }
        let mut stranger = Life::begin(&specimen.stranger(), seed ^ 0x0f0f, 0)?;
        stranger.day(1, size - 50)?;
        stranger.append(50)?;
        stranger.end()?;
        Ok(specimen)
    }
}

/// A clock that shows another day.
#[derive(Debug)]
struct ShiftedClock {
    system: SystemClock,
    days: AtomicI64,
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_hours(24 * self.days.load(Ordering::SeqCst));
        self.system.now() + shift
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }
}

/// Small segments; the table gets what it is told to get.
pub(crate) fn options() -> Options {
    Options {
        segment_bytes: 128 << 10,
        checkpoint_interval: Duration::from_millis(2),
        flush_bytes: u64::MAX,
        flush_age: Duration::from_secs(36_000),
        flush_on_close_bytes: u64::MAX,
        ..Options::default()
    }
}

/// A ledger that is being written.
struct Life {
    folder: PathBuf,
    clock: Arc<ShiftedClock>,
    ledger: Option<Ledger>,
    random: Random,
    /// Records so far; the next id.
    next: u64,
}

impl Life {
    /// Begins a ledger `days` ago.
    fn begin(folder: &Path, seed: u64, days: i64) -> Result<Self, Failure> {
        let clock = ShiftedClock {
            system: SystemClock::new(),
            days: AtomicI64::new(-days),
        };
        create(&RealDisk::new(folder), &clock, "main", ORIGIN)?;
        let mut life = Self {
            folder: folder.to_owned(),
            clock: Arc::new(clock),
            ledger: None,
            random: Random::new(seed),
            next: 0,
        };
        life.open()?;
        Ok(life)
    }

    /// Goes on with a ledger of `next` records.
    fn resume(folder: &Path, seed: u64, next: u64) -> Result<Self, Failure> {
        let clock = ShiftedClock {
            system: SystemClock::new(),
            days: AtomicI64::new(0),
        };
        let mut life = Self {
            folder: folder.to_owned(),
            clock: Arc::new(clock),
            ledger: None,
            random: Random::new(seed),
            next,
        };
        life.open()?;
        Ok(life)
    }

    fn open(&mut self) -> Result<(), Failure> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&self.folder));
        let table = self.folder.join("table");
        let open_table = || Ok(Arc::new(DeltaTable::open_or_create(&table)?) as Arc<dyn TableSink>);
        let clock: Arc<dyn Clock> = Arc::<ShiftedClock>::clone(&self.clock);
        self.ledger = Some(Ledger::open(disk, clock, open_table, options())?);
        Ok(())
    }

    fn ledger(&self) -> Result<&Ledger, Failure> {
        Ok(self.ledger.as_ref().ok_or("the ledger is closed")?)
    }

    fn next_day(&self) {
        self.clock.days.fetch_add(1, Ordering::SeqCst);
    }

    fn size(&self) -> Result<u64, Failure> {
        Ok(self.ledger()?.reader().size())
    }

    /// Appends records in groups of a few.
    fn append(&mut self, count: u64) -> Result<(), Failure> {
        let end = self.next + count;
        while self.next < end {
            let group = (1 + self.random.below(12)).min(end - self.next);
            let mut drafts = Vec::new();
            for number in self.next..self.next + group {
                let text = loan_decision(&format!("d{number}"), &mut self.random);
                drafts.push(Draft::parse(text.as_bytes())?);
            }
            for receipt in self.ledger()?.append_batch(drafts, "torture", "torture") {
                receipt?;
            }
            self.next += group;
        }
        let size = self.size()?;
        self.ledger()?.wait_checkpoint(size, CHECKPOINT_WAIT)?;
        Ok(())
    }

    /// So many flushes to the table of so many records each.
    fn day(&mut self, flushes: u64, records: u64) -> Result<(), Failure> {
        for _ in 0..flushes {
            self.append(records)?;
            self.ledger()?.flush()?;
        }
        Ok(())
    }

    /// Three attachments of different sizes, and a record that names them.
    fn attach(&mut self) -> Result<(), Failure> {
        let mut entries = Vec::new();
        for bytes in [300_usize, 5_000, 70_000] {
            let content: Vec<u8> = (0..bytes).map(|_| self.random.below(256) as u8).collect();
            let blob = self.ledger()?.put_blob(&mut content.as_slice())?;
            entries.push(format!(
                r#"{{"name":"file-{bytes}","media_type":"application/octet-stream","size":{},"digest":"{}"}}"#,
                blob.size, blob.digest
            ));
        }
        let entries = entries.join(",");
        let text = format!(
            r#"{{"id":"with-files","model":{{"name":"m","version":"1"}},"decision":"deny","attachments":[{entries}]}}"#
        );
        let draft = Draft::parse(text.as_bytes())?;
        self.ledger()?.append(draft, "torture", "torture")?;
        Ok(())
    }

    fn erase(&self) -> Result<(), Failure> {
        let field = Erasure::Facts(vec!["/input/age".parse()?]);
        let ledger = self.ledger()?;
        ledger.erase(REDACTED, &field, "asked for", "torture")?;
        ledger.erase(ERASED, &Erasure::Payload, "asked for", "torture")?;
        Ok(())
    }

    /// Closes the ledger, copies it, and opens it again.
    fn pause(&mut self, copy: &Path) -> Result<(), Failure> {
        self.end()?;
        copy_tree(&self.folder, copy)?;
        self.open()
    }

    fn end(&mut self) -> Result<(), Failure> {
        match self.ledger.take() {
            Some(ledger) => Ok(ledger.close()?),
            None => Ok(()),
        }
    }
}
