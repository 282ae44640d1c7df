//! Models as small programs that this crate can run: it reads what XGBoost, LightGBM and the exporters to ONNX write,
//! predicts as they do, and attributes a prediction to the inputs.
//!
//! A model is either computed exactly as its own library computes it, or refused with the reason: an answer that is
//! nearly right would be taken for the model's. Nothing here executes code that came with a model, and every size and
//! count that a file announces is bounded ([`Limits`]).
//!
//! - formats: [`xgboost`], [`lightgbm`], [`onnx`], each into the same parts: [`Ensemble`] and [`Linear`];
//! - [`Model`]: rows in, [`Prediction`]s out;
//! - [`attribute`]: who contributed what to a prediction.

pub mod attribute;
mod ensemble;
mod error;
pub mod lightgbm;
mod limits;
mod linear;
mod link;
mod model;
pub mod onnx;
mod shape;
mod sums;
mod value;
pub mod xgboost;

pub use ensemble::{Arithmetic, Ensemble, Leaf, Missing, Node, Split, Test, Tree, ZERO};
pub use error::ModelError;
pub use limits::Limits;
pub use linear::Linear;
pub use model::{Additive, Format, Input, InputKind, Model, Prediction, Scale, Task, Terms};
pub use value::Value;
