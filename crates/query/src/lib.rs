//! SQL over a ledger: `DataFusion` on the table's files and the rows still in the buffer, read-only and bounded.
//!
//! [`Query::run`] answers one statement over one consistent state: what the table covers comes from its files, the rest
//! from the buffer, so that no row is missing or counted twice. There is one table, `records`, and a view for each
//! kind of record; members are reached with `->` (JSON) and `->>` (text). [`write`](output::write) turns an answer
//! into the formats that other tools read; drawing a table on a terminal is left to the caller.

mod answer;
mod error;
mod json;
pub mod output;
mod query;
mod records;
mod views;

pub use answer::Answer;
pub use error::{Place, QueryError};
pub use query::{Limits, Query};
pub use records::{JSON_METADATA, is_json};
