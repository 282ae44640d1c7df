//! Who contributed what: a prediction's distance from a baseline, divided among the inputs.
//!
//! Inputs are grouped into players: the encoded columns of one recorded field are one player, so that what is reported is of
//! the field and exact (Shapley values of the groups), not a sum of values of columns.
//!
//! Attributions are of one output, before the link ([`Prediction::margins`](crate::Prediction::margins)), in the model's
//! [`Scale`]; what they are measured from is the mean of a background of rows that the caller chooses. Before an answer is
//! given, it is checked that the sums that were attributed are the ones that the model predicts with, and that the values add up
//! to them: what does not hold is an error. Formulas, sources and measured differences: docs/attributions.md.

mod check;
mod covers;
mod interventional;
mod linear;
mod permutation;
mod quadrature;
mod random;
#[cfg(test)]
mod reference;
mod shape;
#[cfg(test)]
mod tests;
mod weights;

use interventional::Directions;
use linear::Means;
use permutation::Question;

use crate::{Model, ModelError, Scale, Terms, Value};

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
    /// One per player; `base` and they add up to `value`, but for [`residual`](Self::residual).
    pub values: Vec<f64>,
    /// Standard errors, where the values are estimates.
    pub errors: Option<Vec<f64>>,
    /// What the model says of the row, in `scale`.
    pub value: f64,
}

impl Attribution {
    /// What `base` and `values` lack of `value`: the rounding of models that add in `f32`, where attributions are computed in
    /// `f64`, and next to nothing for the others.
    pub fn residual(&self) -> f64 {
        self.value - self.base - self.values.iter().sum::<f64>()
    }
}

/// Which player every input of a model belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Players {
    of_input: Vec<usize>,
    count: usize,
}

impl Players {
    /// From the player of every input; players are numbered from 0. One without inputs contributes 0.
    pub fn new(of_input: Vec<usize>) -> Self {
        let count = of_input.iter().max().map_or(0, |most| most + 1);
        Self { of_input, count }
    }

    /// Every one of so many inputs is a player of its own.
    pub fn each(inputs: usize) -> Self {
        Self::new((0..inputs).collect())
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

/// Rows that attributions are computed against, ready for one model.
#[derive(Clone, Debug)]
pub struct Background {
    rows: Vec<Vec<Value>>,
    prepared: Prepared,
}

#[derive(Clone, Debug)]
enum Prepared {
    Trees(Directions),
    Linear(Means),
    /// The model is run on the rows themselves.
    Rows,
}

impl Background {
    /// Encodes the rows as the model does, and looks once where each goes: with 100 rows this takes about as long as one
    /// attribution, so a background that is used again should be kept.
    ///
    /// # Errors
    /// [`ModelError::Input`] for a row that does not fit; there must be at least one. [`ModelError::TooLarge`] if there are too
    /// many for the model's size.
    pub fn new(model: &Model, rows: Vec<Vec<Value>>) -> Result<Self, ModelError> {
        if rows.is_empty() {
            return Err(ModelError::Input {
                input: "background".to_owned(),
                problem: "no rows, at least one is needed".to_owned(),
            });
        }
        let Some(additive) = model.additive() else {
            for row in &rows {
                model.predict(row)?;
            }
            return Ok(Self {
                rows,
                prepared: Prepared::Rows,
            });
        };
        let columns = rows.iter().map(|row| check::columns(model, &additive, row));
        let columns: Vec<Vec<f64>> = columns.collect::<Result<_, _>>()?;
        let prepared = match additive.terms {
            Terms::Trees(ensemble) => Prepared::Trees(Directions::new(ensemble, &columns)?),
            Terms::Linear(_) => Prepared::Linear(Means::new(additive.owners.len(), &columns)),
        };
        Ok(Self { rows, prepared })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a background has at least one row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, as they were given.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }
}

/// Attributions by the best method that the model allows: exact for trees and linear models whose every column comes from one
/// input, else by permutation of the inputs with this seed, with errors.
///
/// # Errors
/// [`ModelError::Input`] for a row that does not fit, or an output that the model does not have;
/// [`ModelError::Attribution`] if players or background are another model's, or a check fails;
/// [`ModelError::TooLarge`] for trees deeper, or estimates longer, than are computed.
pub fn attribute(
    model: &Model,
    row: &[Value],
    background: &Background,
    players: &Players,
    output: usize,
    seed: u64,
) -> Result<Attribution, ModelError> {
    let value = check::margin(model, row, output)?;
    let owners = check::owners(model, players)?;
    let other = || ModelError::Attribution {
        problem: "the background was made for another model".to_owned(),
    };
    let (method, base, values, errors) = match (model.additive(), &background.prepared) {
        (Some(additive), Prepared::Trees(directions)) => {
            let columns = check::columns(model, &additive, row)?;
            let Terms::Trees(ensemble) = additive.terms else {
                return Err(other());
            };
            let (base, values) = directions
                .attribute(ensemble, &columns, &owners, players.count, output)
                .ok_or_else(other)?;
            check::trees(ensemble, &columns, output, value, base, &values)?;
            (Method::InterventionalTreeShap, base, values, None)
        }
        (Some(additive), Prepared::Linear(means)) => {
            let columns = check::columns(model, &additive, row)?;
            let Terms::Linear(linear) = additive.terms else {
                return Err(other());
            };
            let (base, values) = means
                .attribute(linear, &columns, &owners, players.count, output)
                .ok_or_else(other)?;
            check::linear(linear, &columns, output, value, base, &values)?;
            (Method::Linear, base, values, None)
        }
        (None, Prepared::Rows) => {
            let question = Question {
                row,
                background: &background.rows,
                player_of_input: &players.of_input,
                players: players.count,
            };
            let run = |row: &[Value]| check::margin(model, row, output);
            let found = permutation::estimate(question, value, seed, run)?;
            let errors = Some(found.errors);
            (Method::PermutationShap, found.base, found.values, errors)
        }
        _ => return Err(other()),
    };
    Ok(Attribution {
        method,
        scale: model.scale(),
        base,
        values,
        errors,
        value,
    })
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
    let value = check::margin(model, row, output)?;
    let owners = check::owners(model, players)?;
    let Some(additive) = model.additive() else {
        return Ok(None);
    };
    let Terms::Trees(ensemble) = additive.terms else {
        return Ok(None);
    };
    let columns = check::columns(model, &additive, row)?;
    let Some((base, of_columns)) = covers::path_dependent(ensemble, &columns, output)? else {
        return Ok(None);
    };
    let mut values = vec![0.0; players.count];
    for (player, value) in owners.iter().zip(of_columns) {
        values[*player] += value;
    }
    check::trees(ensemble, &columns, output, value, base, &values)?;
    Ok(Some(Attribution {
        method: Method::PathDependentTreeShap,
        scale: model.scale(),
        base,
        values,
        errors: None,
        value,
    }))
}
