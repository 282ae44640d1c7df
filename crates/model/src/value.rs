//! What a model is given for one of its inputs.

/// A value of an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known: NaN for the libraries.
    Missing,
    /// A number, before it is rounded to what the model computes with.
    Number(f64),
    /// A word, for models that encode categories themselves.
    Text(String),
}
