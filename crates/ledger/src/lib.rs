//! The ledger engine: it takes records, gives each a place for ever, keeps them provable, and finds them again.
//!
//! A record's path through this crate, one file a step: [`Ledger::append`] seals it on the caller's thread (`ledger`,
//! `seal`, `answers`); one thread places it and makes it durable (`sequence`, `wal`, `segment`); it waits in memory (`buffer`) while its
//! leaf goes into the tree and under a signed checkpoint (`publish`, `tree`); later it moves to the table (`flush`,
//! [`TableSink`]) and into the index (`index`, `filter`, `merge`). [`Reader`] finds and proves, `verify` and `align` hold what
//! is stored against what was signed, `recover` brings a ledger back after a crash, `erase` removes content and keeps
//! the proofs. `links` is for those who let records in: what a record may say of another.
//!
//! All I/O goes through [`Disk`] and the [`TableSink`], all time through [`Clock`]; each has a simulated twin in [`sim`].

mod align;
mod answers;
mod assemble;
mod blobs;
mod buffer;
mod clock;
mod consistency;
mod disk;
mod entries;
mod erase;
mod error;
mod filter;
mod flush;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod heads;
mod hold;
mod identity;
mod index;
mod known;
mod ledger;
mod links;
mod merge;
mod options;
mod publish;
mod random;
mod reader;
mod recompute;
mod recover;
mod reply;
mod seal;
mod segment;
mod sequence;
mod shared;
pub mod sim;
mod table;
mod tree;
mod verify;
mod wal;

pub use blobs::{BLOB_BYTES_MAX, BLOB_PIECE_BYTES, Blob, BlobContent};
pub use clock::{Clock, SystemClock};
pub use consistency::Consistency;
pub use disk::{Disk, DiskFile, DiskLock, RealDisk, write_atomic};
pub use erase::{CACHE, Erasure, ErasureReport};
pub use error::{AppendError, LedgerError};
pub use heads::{HeadMemory, RememberedHead};
pub use hold::Hold;
pub use identity::{FORMAT, Identity, create};
pub use ledger::Ledger;
pub use links::{LinkError, Links, may_link};
pub use options::Options;
pub use reader::Reader;
pub use sequence::Receipt;
pub use shared::SignedCheckpoint;
pub use table::{ColumnFault, Row, Scan, ScannedRow, TableError, TableSink, TableView, Visit};
pub use verify::{Depth, FINDINGS_KEPT_MAX, Fault, Finding, VerifyReport, VerifyRequest};
