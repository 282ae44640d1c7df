//! Simulated twins of disk, clock and table, for tests: they keep everything in memory, can fail any single operation,
//! and can cut the power, after which only what was synced is certain to be there.

mod clock;
mod disk;
mod table;

pub use clock::SimClock;
pub use disk::{Fault, SimDisk};
pub use table::MemoryTable;
