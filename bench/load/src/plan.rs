//! What a system is asked to do and what is reported: the JSON that programs in every language share.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::latency::Percentiles;
use crate::loops::{Closed, Open};

/// One pass of one system over one workload. Records are taken from the workload in order, phase after phase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Empty folder for the system's files.
    pub folder: PathBuf,
    /// The workload file.
    pub workload: PathBuf,
    /// Records of the closed loop of batches.
    pub batched: usize,
    /// Records of a batch.
    pub batch: usize,
    /// Callers of the closed loop of batches.
    pub batch_callers: usize,
    /// Records of the closed loop of single records.
    pub singles: usize,
    /// Callers of the closed loop of single records.
    pub single_callers: usize,
    /// Rates of the open loops, in records a second.
    pub rates: Vec<u32>,
    /// Length of each open loop in seconds.
    pub seconds: f64,
    /// Most records in flight in an open loop.
    pub in_flight_max: usize,
    /// Look-ups by id.
    pub lookups: usize,
}

impl Plan {
    /// Records of an open loop at `rate`.
    pub fn open_records(&self, rate: u32) -> usize {
        (f64::from(rate) * self.seconds) as usize
    }

    /// Records that the workload must hold. Singles count twice: some systems are measured in two ways.
    pub fn records(&self) -> usize {
        let open = self.rates.iter().map(|rate| self.open_records(*rate));
        self.batched + 2 * self.singles + open.sum::<usize>()
    }
}

/// What came of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Closed loop of batches.
    pub batches: Closed,
    /// Time until all of them were where they rest.
    pub settle_seconds: f64,
    /// Processor time that both took. It says what the work costs also where other programs use the machine.
    pub processor_seconds: f64,
    /// Closed loop of single records, each caller on its own.
    pub singles: Option<Closed>,
    /// The same, gathered by a writer thread before the system.
    pub gathered: Option<Closed>,
    /// Open loops.
    pub open: Vec<OpenReport>,
    /// Everything verified.
    pub verified: Option<Verified>,
    /// Look-ups by id.
    pub find: Option<Find>,
    /// Bytes at rest, by part.
    pub bytes: BTreeMap<String, u64>,
    /// Records stored.
    pub records: u64,
    /// Their JSON.
    pub json_bytes: u64,
}

/// An open loop: arrivals keep to their schedule whatever the system does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenReport {
    /// Arrivals a second.
    pub offered_per_second: u32,
    /// What came of it.
    pub open: Open,
}

/// A verification of everything.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Verified {
    /// Records that were verified.
    pub records: u64,
    /// Time it took.
    pub seconds: f64,
}

/// Look-ups by id.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Find {
    /// Their latencies.
    pub latency: Percentiles,
}

/// A ledger that grows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrowthPlan {
    /// Empty folder for the system's files.
    pub folder: PathBuf,
    /// Records in all after each step.
    pub sizes: Vec<u64>,
    /// Records of a batch.
    pub batch: usize,
    /// Callers.
    pub callers: usize,
    /// Look-ups by id after each step.
    pub lookups: usize,
}

/// What a ledger of one size is like.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Decade {
    /// Records in all.
    pub records: u64,
    /// Rate at which the last of them were appended, the making of the records included.
    pub append: Closed,
    /// Time until all was where it rests.
    pub settle_seconds: f64,
    /// Resident memory of the writing process then.
    pub writer_memory_bytes: u64,
    /// Time to open for writing again.
    pub open_seconds: f64,
    /// Memory of the index, where the system tells.
    pub index_memory_bytes: Option<u64>,
    /// Bytes at rest.
    pub bytes: u64,
    /// JSON of all records.
    pub json_bytes: u64,
    /// Everything verified.
    pub verified: Option<Verified>,
    /// Look-ups by id.
    pub find: Option<Find>,
}
