//! Who contributed what: a prediction's distance from a baseline, divided among the inputs.
//!
//! Inputs are grouped into players: the encoded columns of one recorded field are one player, so that what is reported is of
//! the field and exact (Shapley values of the groups), not a sum of values of columns.

use crate::{Model, ModelError, Scale, Value};

/// How attributions were computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact Shapley values against a background of rows (Lundberg et al. 2020, "interventional").
    InterventionalTreeShap,
    /// What XGBoost's `pred_contribs` and LightGBM's `pred_contrib` report, by the covers of the training rows.
    PathDependentTreeShap,
    /// `weight * (value - mean of the background)`.
    Linear,
    /// Means over random orders, forwards and backwards: an estimate, with its error.
    PermutationShap,
}

/// Attributions of one output of a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// How they were computed.
    pub method: Method,
    /// What they add up to.
    pub scale: Scale,
    /// The mean of the background, or of the training rows for [`Method::PathDependentTreeShap`].
    pub base: f64,
    /// One per player; `base` and they add up to `value`, but for rounding.
    pub values: Vec<f64>,
    /// Standard errors, where the values are estimates.
    pub errors: Option<Vec<f64>>,
    /// What the model says of the row, in `scale`.
    pub value: f64,
}

/// Which player every input of a model belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Players {
    of_input: Vec<usize>,
    count: usize,
}

/// Rows that attributions are computed against, ready for one model.
#[derive(Clone, Debug)]
pub struct Background {
    rows: Vec<Vec<Value>>,
}

impl Players {
    /// From the player of every input; players are numbered from 0 without gaps.
    pub fn new(of_input: Vec<usize>) -> Self {
        let count = of_input.iter().max().map_or(0, |most| most + 1);
        Self { of_input, count }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The player of every input.
    pub fn of_input(&self) -> &[usize] {
        &self.of_input
    }
}

impl Background {
    /// Encodes the rows as the model does.
    ///
    /// # Errors
    /// [`ModelError::Input`] for a row that does not fit; there must be at least one.
    pub fn new(model: &Model, rows: Vec<Vec<Value>>) -> Result<Self, ModelError> {
        let _ = model;
        Ok(Self { rows })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a background has at least one row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Attributions by the best method that the model allows: exact for trees and linear models, else by permutation with
/// this seed.
///
/// # Errors
/// [`ModelError::Input`] for a row that does not fit, or an output that the model does not have.
pub fn attribute(
    model: &Model,
    row: &[Value],
    background: &Background,
    players: &Players,
    output: usize,
    seed: u64,
) -> Result<Attribution, ModelError> {
    let _ = (model, row, background, players, output, seed);
    todo!()
}

/// What the libraries themselves report for trees with covers; none if the model has none. Columns of one player are added
/// up.
///
/// # Errors
/// As [`attribute`].
pub fn path_dependent(
    model: &Model,
    row: &[Value],
    players: &Players,
    output: usize,
) -> Result<Option<Attribution>, ModelError> {
    let _ = (model, row, players, output);
    todo!()
}
