//! The table of a ledger: Parquet files and a Delta log behind the ledger's `TableSink`.
//!
//! Rows leave the write-ahead log for good once [`DeltaTable`] has them, so everything here is durable before it is
//! acknowledged, read back before it is committed, and typed when it fails. Any engine that reads Delta (reader version
//! 1) or plain Parquet reads the same rows. What is true is decided by the log's proofs, not here.

mod batch;
mod columns;
mod datafile;
mod durable;
mod encode;
mod error;
mod footers;
mod log;
mod rewrite;
mod scan;
mod source;
mod store;
mod table;

pub use durable::{Step, Watch};
pub use table::{DeltaTable, TableFile, TableSnapshot};
