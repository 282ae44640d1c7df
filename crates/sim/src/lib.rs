//! Seeded simulation of the ledger engine: the real bodies on one thread, on a simulated disk, clock and table, with
//! everything that can go wrong going wrong, against a plain model of what was promised.
//!
//! One `u64` decides everything in a run: [`run`] gives the same trace for the same seed. What is simulated and what is
//! not is in `README.md`.

mod acts;
mod checks;
mod model;
mod plan;
mod records;
mod scenario;
mod totals;
mod trace;
mod violation;
mod world;

pub use scenario::{Outcome, run};
pub use totals::Totals;
pub use violation::{Harm, Violation};
