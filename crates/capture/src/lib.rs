//! Outside file formats to records: delimited text, XLSX, JSON, Parquet, Arrow streams and the hand-written text line.
//!
//! A stream that names its columns after the members of a record needs no mapping: [`arrow`] is its door. All else goes
//! through an import.
//!
//! Everything here is a function of the bytes a caller hands in: no file is opened, nothing is written, no clock is
//! read. What comes out is, per source row, the JSON text of a record (for `causebook_record::Draft::parse`) or a
//! [`Rejected`] row with its reason. Storing records, and counting which of them were repeated, is the caller's.
//!
//! # The sequence of calls
//! ```
//! use std::ops::ControlFlow;
//! use causebook_capture::{Import, Imported, Mapping, Source, guess};
//!
//! let file = b"loan_id,income,decision\n7,52000,approved\n8,NA,denied\n";
//! // A file on disk: Source::new("loans.csv", move || Ok(Box::new(File::open(&path)?))). It is opened more than once.
//! let source = Source::from_bytes("loans.csv", file.to_vec());
//!
//! let mut given = Mapping::default(); // or Mapping::parse(toml_text)?
//! given.set("constants.model.name", "credit")?; // as flags do
//! let proposal = guess(&source, &given)?; // what was given, completed
//! println!("{}", proposal.to_toml()?); // shown to the human first: TOML with a reason for each key
//!
//! let import = Import::prepare(&source, &proposal.mapping, &mut |_rows| {})?; // one pass: types, counts
//! let after_row = 0; // the row to resume behind
//! let summary = import.run(after_row, &mut |row| {
//!     match row {
//!         Imported::Record(row) => println!("{} {}", row.row, String::from_utf8_lossy(&row.record)),
//!         Imported::Rejected(row) => println!("{}: {}", row.line, row.reason),
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(summary.read, summary.records + summary.rejected);
//! # Ok::<(), causebook_capture::CaptureError>(())
//! ```
//!
//! # Ids
//! Where the mapping names no `id` column, a row's id is `imp-` and 32 hexadecimal digits of
//! SHA-256(`causebook-import/v1`, source name, row, occurrence): see [`ids`] for the exact rule and what follows.
//!
//! # Nothing is coerced silently
//! A cell of delimited text is text. A column becomes numbers only if every cell of the whole file that is not missing
//! is a number as JSON writes one; its digits are kept as they are. Typed formats keep their types. What a record
//! cannot hold in its own type (a NaN, bytes, a Python `datetime(...)`) becomes text that says what it was:
//! [`number`] has the list.

pub mod arrow;
mod compose;
mod delimited;
mod error;
mod format;
mod guess;
pub mod ids;
mod import;
mod json;
pub mod line;
mod mapping;
pub mod number;
mod parquet;
mod plan;
mod python;
mod rejects;
mod row;
mod select;
mod shield;
mod source;
mod text;
mod time;
mod xlsx;

pub use error::{CaptureError, Reason};
pub use format::Format;
pub use guess::{Guess, guess};
pub use import::{Column, ColumnKind, Import, Imported, ImportedRow, Summary};
pub use line::{format_line, parse_line};
pub use mapping::{Columns, DecisionRule, Empty, Mapping, Members, ReadOptions, SourceRule, Types};
pub use rejects::{Rejected, RejectsFormat, RejectsWriter};
pub use source::{ReadSeek, Source};
pub use time::{TimeRule, TimeUnit};

/// Most bytes of one source row; a longer one is rejected and passed over without being held.
pub const ROW_BYTES_MAX: usize = 4 << 20;
/// Most columns of a table, or members of a JSON row: as many as a worksheet has.
pub const COLUMNS_MAX: usize = 16_384;
/// Most bytes of a column's name.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Deepest nesting of lists and objects that is read: that of a record.
pub const NESTING_MAX: usize = 128;
/// Most bytes of a source row that go into a rejects file; a longer one is cut there and said to be.
pub const RAW_BYTES_MAX: usize = 64 << 10;
