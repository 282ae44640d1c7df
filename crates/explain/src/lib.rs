//! Answers "why" from a ledger: what is registered of models, the history of their decisions, and the answer that is put
//! together of them.
//!
//! The parts of an answer are computed by `causebook-why` and `causebook-model`, which do no I/O. This crate looks the
//! records up, reads the artefacts, and keeps what is needed again ([`Explainer`]).

mod answer;
mod background;
mod cache;
mod catalogue;
mod changed;
mod compared;
mod error;
mod explainer;
mod kept;
mod loaded;
pub mod register;
pub mod replay;
mod weighed;

pub use catalogue::{Catalogue, Registered, Seen, Standing, Version};
pub use error::ExplainError;
pub use explainer::{Ask, Explainer};
