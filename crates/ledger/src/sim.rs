//! Simulated twins of disk, clock, table and engine, for tests: they keep everything in memory, can fail any single
//! operation, can let somebody else act in the middle of it, and can cut the power, after which only what was synced is
//! certain to be there. [`SteppedLedger`] runs the real engine one step at a time on one thread.

mod clock;
mod disk;
mod file;
mod names;
mod operation;
mod random;
mod stepped;
mod survival;
mod table;

pub use clock::SimClock;
pub use disk::{Fault, SimDisk};
pub use operation::{DiskHook, Lie, Operation, OperationKind};
pub use random::Random;
pub use stepped::{Step, SteppedLedger, Ticket};
pub use table::MemoryTable;
