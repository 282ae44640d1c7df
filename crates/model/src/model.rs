//! A model of whatever format: what it takes, what it gives, and what attributions need to know of its inside.

use crate::onnx::Graph;
use crate::sums::Sums;
use crate::{Ensemble, Limits, Linear, ModelError, Value, lightgbm, xgboost};

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
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    format: Format,
    inside: Inside,
}

#[derive(Clone, Debug, PartialEq)]
enum Inside {
    Sums(Sums),
    Graph(Graph),
}

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// [`ModelError::Malformed`], [`ModelError::Unsupported`] or [`ModelError::TooLarge`].
    pub fn read(format: Format, bytes: &[u8], limits: &Limits) -> Result<Model, ModelError> {
        Limits::check("bytes", bytes.len() as u64, limits.bytes)?;
        let inside = match format {
            Format::XgboostJson => Inside::Sums(xgboost::read_json(bytes, limits)?),
            Format::XgboostUbj => Inside::Sums(xgboost::read_ubj(bytes, limits)?),
            Format::LightgbmText => Inside::Sums(lightgbm::read(bytes, limits)?),
            Format::Onnx => Inside::Graph(Graph::read(bytes, limits)?),
        };
        Ok(Model { format, inside })
    }

    /// The format that a file is in, by its first bytes.
    pub fn detect(bytes: &[u8]) -> Option<Format> {
        /// Field 1 of an ONNX model, its `ir_version`, as a varint.
        const ONNX: u8 = 0x08;
        let rest = bytes.trim_ascii_start();
        if rest.starts_with(b"tree\n") || rest.starts_with(b"tree\r\n") {
            return Some(Format::LightgbmText);
        }
        match rest.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) {
            Some([b'"' | b'}', ..]) => Some(Format::XgboostJson),
            Some([b'L' | b'l' | b'I' | b'U' | b'i', ..]) => Some(Format::XgboostUbj),
            None if bytes.first() == Some(&ONNX) => Some(Format::Onnx),
            _ => None,
        }
    }

    /// The format that it was read from.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether two files, of whatever formats, were read into the same computation: inputs, sums, link and all.
    pub fn is_same_computation(&self, other: &Model) -> bool {
        self.inside == other.inside
    }

    /// What a row consists of, in order.
    pub fn inputs(&self) -> &[Input] {
        match &self.inside {
            Inside::Sums(sums) => &sums.inputs,
            Inside::Graph(graph) => graph.inputs(),
        }
    }

    /// What it is for.
    pub fn task(&self) -> Task {
        match &self.inside {
            Inside::Sums(sums) => sums.task,
            Inside::Graph(graph) => graph.task(),
        }
    }

    /// Names of the classes, where the file has them. XGBoost's and LightGBM's files number them.
    pub fn classes(&self) -> &[String] {
        match &self.inside {
            Inside::Sums(_) => &[],
            Inside::Graph(graph) => graph.classes(),
        }
    }

    /// What attributions add up to.
    pub fn scale(&self) -> Scale {
        match &self.inside {
            Inside::Sums(sums) => sums.scale,
            Inside::Graph(graph) => graph.scale(),
        }
    }

    /// The objective, transformations and whatever else names what is computed, for people.
    pub fn description(&self) -> String {
        match &self.inside {
            Inside::Sums(sums) => sums.description.clone(),
            Inside::Graph(graph) => graph.description(),
        }
    }

    /// Runs the model.
    ///
    /// # Errors
    /// [`ModelError::Input`] for a row that does not fit.
    pub fn predict(&self, row: &[Value]) -> Result<Prediction, ModelError> {
        match &self.inside {
            Inside::Sums(sums) => sums.predict(row),
            Inside::Graph(graph) => graph.predict(row),
        }
    }

    /// The inside as sums, if the model is one whose every column comes from one input.
    pub fn additive(&self) -> Option<Additive<'_>> {
        match &self.inside {
            Inside::Sums(sums) => Some(sums.additive()),
            Inside::Graph(graph) => graph.additive(),
        }
    }

    /// The columns of [`additive`](Self::additive) for a row.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn columns(&self, row: &[Value]) -> Result<Vec<f64>, ModelError> {
        match &self.inside {
            Inside::Sums(sums) => sums.columns(row),
            Inside::Graph(graph) => graph.columns(row),
        }
    }
}
