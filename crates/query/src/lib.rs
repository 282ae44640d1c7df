//! SQL over a ledger, and the questions that lists ask: `DataFusion` on the table's files and the rows still in the
//! buffer, read-only and bounded.
//!
//! [`Query::run`] answers one statement over one consistent state: what the table covers comes from its files, the rest
//! from the buffer, so that no row is missing or counted twice. There is one table, `records`, and a view for each
//! kind of record; members are reached with `->` (JSON) and `->>` (text). [`write`](output::write) turns an answer
//! into the formats that other tools read; drawing a table on a terminal is left to the caller.
//!
//! [`Query::page`], [`Query::count`], [`Query::facets`] and [`Query::histogram`] are asked with a
//! [`Filter`](causebook_filter::Filter). Every question takes the [`Mask`](causebook_record::Mask) of the reader, and
//! what is masked can neither be seen nor be found out by asking.

mod answer;
mod completeness;
mod condition;
mod error;
mod facets;
mod functions;
mod histogram;
mod json;
mod masked;
mod matching;
pub mod output;
mod page;
mod place;
mod query;
mod records;
mod views;

pub use answer::Answer;
pub use completeness::{Completeness, EXAMPLES_LISTED, GAPS_LISTED, Gap, Orphans, Stream};
pub use error::{Place, QueryError};
pub use facets::{Facet, FacetField, FacetValue, Facets};
pub use histogram::{BUCKETS_MAX, Histogram, HistogramRequest, SERIES_MAX, Series, SeriesOf};
pub use page::PageRequest;
pub use query::{Limits, Query};
pub use records::{JSON_METADATA, is_json};
