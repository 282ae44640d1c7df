//! The one filter grammar: `decision:deny model:credit-risk@3.* score:<0.4 -context.env:test "thin file"`.
//!
//! [`Filter::parse`] reads it, [`Filter::matches`] says whether a record is meant, and [`Filter::root`] lays the filter
//! open to engines that ask many records at once; those use the same tests on single values, so that there is one
//! meaning. Every question takes the [`Mask`](causebook_record::Mask) of whoever asks: to a filter, a masked value is
//! not there. The crate does no I/O and reads no clock. The grammar is described in `docs/filter.md`.
//!
//! ```
//! use causebook_filter::Filter;
//! use causebook_record::fields;
//!
//! let filter = Filter::parse("decision:deny input.age:<25", jiff::Timestamp::UNIX_EPOCH)?;
//! let text = r#"{"decision":"deny","id":"1","input":{"age":24.5},"kind":"decision"}"#;
//! assert!(filter.matches(0, &fields(text), text));
//! assert_eq!(filter.to_string(), "decision:deny input.age:<25");
//! # Ok::<(), causebook_filter::FilterError>(())
//! ```

mod decimal;
mod error;
mod field;
mod filter;
mod glob;
mod matches;
mod parse;
mod print;
mod read;
mod span;
mod test;
mod time;

pub use decimal::Decimal;
pub use error::FilterError;
pub use field::{FIELDS, Field};
pub use filter::{Filter, Node, Term};
pub use glob::Glob;
pub use matches::{holds_text, model_name_of};
pub use span::Span;
pub use test::{ModelGlob, Test, ValueTest};
pub use time::microseconds;

/// Most bytes of a filter's text: 4 KiB.
pub const TEXT_BYTES_MAX: usize = 4 << 10;
/// Most values and words that a filter compares with.
pub const TERMS_MAX: usize = 64;
/// Most parentheses open at one time.
pub const DEPTH_MAX: usize = 8;
