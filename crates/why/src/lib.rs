//! Why a decision came out as it did, from records, a registered model and the history of its decisions. No I/O: rows and
//! files are handed in, an answer ([`Why`]) comes out, and is printed as a page for people.
//!
//! What is recorded, what is recomputed and what is inferred from history are never mixed: every block of an answer says
//! which it is, and a block that is missing says why.

pub mod constraint;
pub mod contrast;
pub mod counterfactual;
mod document;
mod fields;
pub mod notice;
pub mod outcome;
pub mod page;
pub mod reasons;
pub mod recorded;
pub mod registration;
pub mod replay;

pub use document::*;
pub use fields::{Fields, Scalar, elements_at, fields_at, input_fields, json_at, scalar_at};
pub use outcome::{Override, outcome};
