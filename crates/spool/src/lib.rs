//! Records wait on disk until a ledger has them.
//!
//! A program that records puts each record into the [`Spool`] of its run: a folder of segments, written by one process
//! and read by one thread of it, which delivers to a [`Destination`] and tries again for as long as it takes. When the
//! process is gone, however it went, another one that uses the same spool adopts the folder and delivers what is left.
//! Records carry ids, so delivering one twice does no harm.
//!
//! What survives:
//!
//! | | the process is killed | the power is cut |
//! |---|---|---|
//! | in memory ([`Options::folder`] is `None`) | lost | lost |
//! | on disk | kept: the operating system has it | what it had not written yet is lost, some seconds' worth |
//! | on disk, [`Options::power`] | kept | kept |
//!
//! Every record has a number in its run. One that could not be kept uses up its number, so its absence is seen.
//!
//! No async runtime, and nothing that a forked child could wait for: see [`Spool::forsake`].

mod cursor;
mod destination;
mod error;
mod folder;
mod frame;
mod orphan;
mod refused;
mod segment;
mod sender;
mod spool;
mod state;
mod writer;

pub use destination::{
    Delivery, Destination, Outcome, Parcel, ParcelKind, Receipt, Refusal, Unavailable,
};
pub use error::SpoolError;
pub use spool::{Appended, Event, Options, Spool};
pub use state::Counters;
