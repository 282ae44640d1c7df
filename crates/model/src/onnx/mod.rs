//! ONNX: the graphs that exporters write for models of tables.
//!
//! `skl2onnx` and `onnxmltools` write a model as a graph of operators: encoders and scalers, then trees or a weighted sum,
//! then what makes labels and probabilities of it. This module runs those operators as ONNX Runtime runs them with one
//! thread and one row, and refuses every other operator, attribute and version by name. docs/models-onnx.md lists them.
//!
//! - [`wire`], [`proto`]: the file, with an own small reader of Protocol Buffers, which allocates nothing that the file
//!   only announces;
//! - [`tensor`]: values; [`operator`]: what an operator is, and by families how each is computed;
//! - [`graph`]: the whole, in order; [`inside`]: whether it is a sum whose columns have one input each.
//!
//! A graph is run once when it is read, on a row of blanks: no operator here gives dimensions that depend on values, so
//! what was bounded then is bounded for every row.

mod arithmetic;
mod attributes;
mod encode;
mod ending;
mod forest;
mod graph;
mod inside;
mod labels;
mod linear;
mod matrix;
mod operator;
mod proto;
mod reader;
mod row;
mod scores;
mod shape;
mod tensor;
mod trees;
mod wire;
mod work;

pub use graph::Graph;

use crate::ModelError;

const FORMAT: &str = "ONNX";

fn malformed(place: &str, problem: &str) -> ModelError {
    ModelError::Malformed {
        format: FORMAT,
        place: place.to_owned(),
        problem: problem.to_owned(),
    }
}

fn unsupported(what: &str) -> ModelError {
    ModelError::Unsupported {
        format: FORMAT,
        what: what.to_owned(),
    }
}
