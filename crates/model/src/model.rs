//! A model of whatever format: what it takes, what it gives, and what attributions need to know of its inside.

use crate::{Ensemble, Linear, Limits, ModelError, Value};

/// A format that models are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// XGBoost's JSON.
    XgboostJson,
    /// XGBoost's Universal Binary JSON.
    XgboostUbj,
    /// LightGBM's text.
    LightgbmText,
    /// ONNX.
    Onnx,
}

/// What an input takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// A number, rounded to `f32`.
    Single,
    /// A number.
    Double,
    /// A whole number.
    Integer,
    /// A truth value, given as 0 or 1.
    Boolean,
    /// A word.
    Text,
}

/// An input of a model: one number or word of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name in the model file; `name[3]` for the fourth column of an input that is a matrix.
    pub name: String,
    /// What it takes.
    pub kind: InputKind,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A number.
    Regression,
    /// One of two classes.
    Binary,
    /// One of several classes.
    Multiclass,
}

/// What attributions of a model add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The logarithm of the odds, or of a class against the others before softmax.
    LogOdds,
    /// The logarithm of the predicted quantity (Poisson, gamma, Tweedie).
    Log,
    /// A probability.
    Probability,
    /// The predicted quantity itself.
    Value,
}

/// What a model says of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Before the link: what attributions add up to. One per output.
    pub margins: Vec<f64>,
    /// After it, as the model's own library gives them: one number for XGBoost's and LightGBM's binary models, one per class for
    /// ONNX classifiers and multiclass models.
    pub values: Vec<f64>,
    /// The class that the model names itself, if it does: its label as text, or its number.
    pub label: Option<String>,
    /// The values are `f32`, kept in doubles: what a recorded value is compared with after rounding it so.
    pub single: bool,
}

/// The inside of a model as sums, where it is one: what exact attributions are computed from.
#[derive(Clone, Copy, Debug)]
pub struct Additive<'a> {
    /// The sums.
    pub terms: Terms<'a>,
    /// For every column of the terms, the one input that it is computed from.
    pub owners: &'a [usize],
}

/// Sums that a model ends in.
#[derive(Clone, Copy, Debug)]
pub enum Terms<'a> {
    /// Of trees.
    Trees(&'a Ensemble),
    /// Of weighted columns.
    Linear(&'a Linear),
}

/// A model that was read.
#[derive(Clone, Debug)]
pub struct Model {
    // Owned by the readers of the formats: see the brief.
    format: Format,
}

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// [`ModelError::Malformed`], [`ModelError::Unsupported`] or [`ModelError::TooLarge`].
    pub fn read(format: Format, bytes: &[u8], limits: &Limits) -> Result<Model, ModelError> {
        let _ = (format, bytes, limits);
        todo!()
    }

    /// The format that a file is in, by its first bytes.
    pub fn detect(bytes: &[u8]) -> Option<Format> {
        let _ = bytes;
        todo!()
    }

    /// The format that it was read from.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What a row consists of, in order.
    pub fn inputs(&self) -> &[Input] {
        todo!()
    }

    /// What it is for.
    pub fn task(&self) -> Task {
        todo!()
    }

    /// Names of the classes, where the file has them.
    pub fn classes(&self) -> &[String] {
        todo!()
    }

    /// What attributions add up to.
    pub fn scale(&self) -> Scale {
        todo!()
    }

    /// The objective, transformations and whatever else names what is computed, for people.
    pub fn description(&self) -> String {
        todo!()
    }

    /// Runs the model.
    ///
    /// # Errors
    /// [`ModelError::Input`] for a row that does not fit.
    pub fn predict(&self, row: &[Value]) -> Result<Prediction, ModelError> {
        let _ = row;
        todo!()
    }

    /// The inside as sums, if the model is one whose every column comes from one input.
    pub fn additive(&self) -> Option<Additive<'_>> {
        todo!()
    }

    /// The columns of [`additive`](Self::additive) for a row.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn columns(&self, row: &[Value]) -> Result<Vec<f64>, ModelError> {
        let _ = row;
        todo!()
    }
}
