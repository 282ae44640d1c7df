//! What must hold of an attribution before it is given.
//!
//! Two equalities, looked at apart. The *sums* that are attributed are the model's: computed as the model computes them, they are its
//! margin. And the *values* add up to the exact sum (in `f64`) of the same terms. Between the two lies what a model that adds in
//! `f32` loses by rounding, which is the model's own and grows with its terms; it is reported
//! ([`Attribution::residual`](super::Attribution::residual)), not refused.

use super::Players;
use crate::{Additive, Ensemble, Linear, Model, ModelError, Value};

/// Of the model's margin, relative to 1 and its size: what replays are compared with too.
const MARGIN: f64 = 1e-6;

/// Of what values add up to, relative to 1 and the size of all terms: some ten thousand roundings of `f64`.
const SUM: f64 = 1e-9;

/// What the model says of a row.
pub(super) fn margin(model: &Model, row: &[Value], output: usize) -> Result<f64, ModelError> {
    let margins = model.predict(row)?.margins;
    let margin = margins.get(output).copied();
    let margin = margin
        .ok_or_else(|| refused(format!("output {output}, the model has {}", margins.len())))?;
    if !margin.is_finite() {
        return Err(refused(format!(
            "the model's answer is {margin}, which cannot be divided"
        )));
    }
    Ok(margin)
}

/// The player of every column, or of every input of a model that has no columns.
pub(super) fn owners(model: &Model, players: &Players) -> Result<Vec<usize>, ModelError> {
    let of_input = players.of_input();
    let inputs = model.inputs().len();
    if of_input.len() != inputs {
        return Err(refused(format!(
            "players for {} inputs, the model has {inputs}",
            of_input.len()
        )));
    }
    let Some(additive) = model.additive() else {
        return Ok(of_input.to_vec());
    };
    let owners = additive
        .owners
        .iter()
        .map(|input| of_input.get(*input).copied());
    owners
        .collect::<Option<_>>()
        .ok_or_else(|| refused("a column of the model comes from none of its inputs".to_owned()))
}

/// The columns of a row, as many as the model's terms have.
pub(super) fn columns(
    model: &Model,
    additive: &Additive<'_>,
    row: &[Value],
) -> Result<Vec<f64>, ModelError> {
    let columns = model.columns(row)?;
    if columns.len() != additive.owners.len() {
        return Err(refused(format!(
            "{} columns of {}",
            columns.len(),
            additive.owners.len()
        )));
    }
    Ok(columns)
}

/// Both equalities, for trees.
pub(super) fn trees(
    ensemble: &Ensemble,
    columns: &[f64],
    output: usize,
    value: f64,
    base: f64,
    values: &[f64],
) -> Result<(), ModelError> {
    let own = ensemble.margins(columns)?;
    let own = own.get(output).copied().unwrap_or(f64::NAN);
    near(
        "the sum of the trees",
        own,
        value,
        MARGIN * (1.0 + value.abs()),
    )?;
    let leaves = ensemble.trees.iter().filter_map(|tree| {
        let (_, leaf) = tree.leaf(columns)?;
        let mut values = leaf.values.iter();
        values.find(|(of, _)| *of as usize == output)
    });
    let start = ensemble.base.get(output).copied().unwrap_or(f64::NAN);
    let (mut sum, mut size) = (start, start.abs());
    for (_, leaf) in leaves {
        sum += leaf;
        size += leaf.abs();
    }
    add_up(base, values, sum, size)
}

/// Both equalities, for a linear model. In which order a library adds is not known of all, so that the first
/// allows what any order loses: for `n` terms, `n` roundings of the sum of their sizes.
pub(super) fn linear(
    linear: &Linear,
    columns: &[f64],
    output: usize,
    value: f64,
    base: f64,
    values: &[f64],
) -> Result<(), ModelError> {
    let start = linear.intercepts.get(output).copied().unwrap_or(f64::NAN);
    let (mut sum, mut size) = (start, start.abs());
    let weights = linear.weights.get(output).into_iter().flatten();
    for (weight, column) in weights.zip(columns) {
        sum += weight * column;
        size += (weight * column).abs();
    }
    let rounding = if linear.single {
        (columns.len() + 1) as f64 * f64::from(f32::EPSILON) / 2.0 * size
    } else {
        0.0
    };
    near(
        "the weighted sum",
        sum,
        value,
        MARGIN * (1.0 + value.abs()) + rounding,
    )?;
    add_up(base, values, sum, size)
}

fn add_up(base: f64, values: &[f64], sum: f64, size: f64) -> Result<(), ModelError> {
    let total = base + values.iter().sum::<f64>();
    let parts = base.abs() + values.iter().map(|value| value.abs()).sum::<f64>();
    near(
        "the sum of base and values",
        total,
        sum,
        SUM * (1.0 + size + parts),
    )
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) -> Result<(), ModelError> {
    // Not a number is not near anything.
    if (found - expected).abs() <= tolerance {
        return Ok(());
    }
    Err(refused(format!(
        "{what} is {found}, not {expected} within {tolerance:e}"
    )))
}

fn refused(problem: String) -> ModelError {
    ModelError::Attribution { problem }
}
