//! Sums over runs.

/// What happened, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Operations of disk and table.
    pub operations: u64,
    /// Power cuts.
    pub power_cuts: u64,
    /// Processes killed.
    pub kills: u64,
    /// Operations made to fail.
    pub faults: u64,
    /// Openings that recovered a ledger.
    pub recoveries: u64,
    /// Records acknowledged.
    pub acknowledged: u64,
    /// Verifications, whole or quick.
    pub verifications: u64,
    /// Steps taken in the middle of others.
    pub interleaved: u64,
    /// Records and other content erased.
    pub erasures: u64,
    /// Merges of index runs.
    pub merges: u64,
    /// Records sent again that got their first receipt.
    pub repeats: u64,
    /// Records refused because their id is taken by other content.
    pub conflicts: u64,
    /// Evidence files made and checked.
    pub evidence: u64,
}

impl Totals {
    /// Adds other sums.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.operations += other.operations;
        self.power_cuts += other.power_cuts;
        self.kills += other.kills;
        self.faults += other.faults;
        self.recoveries += other.recoveries;
        self.acknowledged += other.acknowledged;
        self.verifications += other.verifications;
        self.interleaved += other.interleaved;
        self.erasures += other.erasures;
        self.merges += other.merges;
        self.repeats += other.repeats;
        self.conflicts += other.conflicts;
        self.evidence += other.evidence;
    }
}
