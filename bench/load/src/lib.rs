//! The load of the comparison: the same records, the same callers and the same clocks for every system that is measured.
//!
//! A system joins by the two traits of [`store`]; [`measure`] then puts it through the phases of a [`Plan`] and gives a
//! [`Report`]. Peers in other languages read the same plan and the same workload file and print the same report.

mod clock;
mod command;
mod disk;
mod grouper;
mod growth;
mod latency;
mod loops;
mod measure;
mod plan;
mod random;
mod records;
mod store;
mod workload;

pub use clock::Stopwatch;
pub use command::{Task, run_task, task};
pub use disk::{memory_bytes, processor_seconds, size_of};
pub use latency::{Latencies, Percentiles};
pub use loops::{Closed, Open, closed_loop, open_loop};
pub use plan::{Decade, Find, GrowthPlan, OpenReport, Plan, Report, Verified};
pub use random::{Random, scatter};
pub use records::loan_decision;
pub use store::{Archive, Entry, Store, System};
pub use workload::{Kind, Workload, generate};

/// Error of a program: told and ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
