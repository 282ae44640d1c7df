//! `LinearClassifier` and `LinearRegressor`.
//!
//! ONNX Runtime adds the products in an order that depends on the processor, so there are no bits to follow. The sum is
//! taken in `f64` and rounded once, which is where all those orders lie around.

use crate::{Limits, Linear, ModelError, Scale};

use super::attributes::Attributes;
use super::labels::Labels;
use super::proto::too_large;
use super::scores::Transform;
use super::tensor::{Data, Tensor};
use super::work::{Done, Work, unfit};
use super::{malformed, unsupported};

/// An operator of weighted sums.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weighted {
    pub(super) operator: &'static str,
    pub(super) linear: Linear,
    transform: Transform,
    pub(super) labels: Option<Labels>,
}

type Got<T> = Result<T, ModelError>;

pub(super) fn classifier(attributes: &mut Attributes<'_>, limits: &Limits) -> Got<Weighted> {
    const OPERATOR: &str = "LinearClassifier";
    let labels = Labels::read(attributes, "classlabels_ints", "classlabels_strings")?;
    let transform = Transform::read(attributes)?;
    attributes.skip("multi_class");
    let intercepts = attributes.singles("intercepts")?;
    match (intercepts.len(), labels.len()) {
        // ONNX Runtime leaves the transformation out where one sum stands for two classes.
        (1, 2) if transform == Transform::None => {}
        (one, two) if one == two && one > 1 => {}
        (sums, classes) => {
            let with = transform.name();
            let what = format!("{OPERATOR} of {sums} sums for {classes} classes with {with}");
            return Err(unsupported(&what));
        }
    }
    let linear = linear(attributes, intercepts, OPERATOR, limits)?;
    Ok(Weighted {
        operator: OPERATOR,
        linear,
        transform,
        labels: Some(labels),
    })
}

pub(super) fn regressor(attributes: &mut Attributes<'_>, limits: &Limits) -> Got<Weighted> {
    const OPERATOR: &str = "LinearRegressor";
    let transform = Transform::read(attributes)?;
    if transform != Transform::None {
        let what = format!("{OPERATOR} with {}", transform.name());
        return Err(unsupported(&what));
    }
    let targets = attributes.integer("targets", 1)?;
    let targets = usize::try_from(targets).ok().filter(|count| *count > 0);
    let targets = targets.ok_or_else(|| malformed(OPERATOR, "it has no targets"))?;
    if targets as u64 > limits.outputs {
        return Err(too_large("outputs", targets as u64, limits.outputs));
    }
    let mut intercepts = attributes.singles("intercepts")?;
    if intercepts.is_empty() {
        intercepts = vec![0.0; targets];
    }
    if intercepts.len() != targets {
        return Err(malformed(
            OPERATOR,
            "its intercepts are not one for each target",
        ));
    }
    let linear = linear(attributes, intercepts, OPERATOR, limits)?;
    Ok(Weighted {
        operator: OPERATOR,
        linear,
        transform,
        labels: None,
    })
}

fn linear(
    attributes: &mut Attributes<'_>,
    intercepts: Vec<f32>,
    operator: &str,
    limits: &Limits,
) -> Got<Linear> {
    let outputs = intercepts.len();
    if outputs as u64 > limits.outputs {
        return Err(too_large("outputs", outputs as u64, limits.outputs));
    }
    let coefficients = attributes.singles("coefficients")?;
    let columns = coefficients.len() / outputs;
    if columns == 0 || columns * outputs != coefficients.len() {
        return Err(malformed(
            operator,
            "its coefficients are not as many for each output",
        ));
    }
    if columns as u64 > limits.columns {
        return Err(too_large("columns", columns as u64, limits.columns));
    }
    let doubles = |list: &[f32]| list.iter().copied().map(f64::from).collect();
    Ok(Linear {
        weights: coefficients.chunks(columns).map(doubles).collect(),
        intercepts: doubles(&intercepts),
        single: false,
    })
}

impl Weighted {
    pub(super) fn columns(&self, given: &Tensor) -> Done<Vec<f64>> {
        let columns = self.linear.weights.first().map_or(0, Vec::len);
        if given.rows_and_columns() != Some((1, columns)) {
            return Err(unfit(self.operator, &[given]));
        }
        match &given.data {
            Data::Single(list) => Ok(list.iter().copied().map(f64::from).collect()),
            // Both are rounded to singles first.
            Data::Double(list) if self.labels.is_some() => {
                Ok(list.iter().map(|value| f64::from(*value as f32)).collect())
            }
            Data::Integer(list) if self.labels.is_some() => {
                Ok(list.iter().map(|whole| f64::from(*whole as f32)).collect())
            }
            _ => Err(unfit(self.operator, &[given])),
        }
    }

    pub(super) fn run(&self, given: &Tensor, work: &mut Work) -> Done<Vec<Tensor>> {
        let columns = self.columns(given)?;
        work.steps(columns.len().saturating_mul(self.linear.intercepts.len()))?;
        let sums = self.linear.weights.iter().zip(&self.linear.intercepts);
        let sums: Vec<f32> = sums
            .map(|(weights, intercept)| {
                let products = weights.iter().zip(&columns);
                let sum: f64 = products.map(|(weight, value)| weight * value).sum();
                (sum + intercept) as f32
            })
            .collect();
        work.margins = Some(sums.iter().copied().map(f64::from).collect());
        let mut values = sums.clone();
        let Some(labels) = &self.labels else {
            return Ok(vec![Tensor::row(Data::Single(values))]);
        };
        let class = match sums[..] {
            [sum] => {
                values = vec![1.0 - sum, sum];
                usize::from(sum > 0.0)
            }
            _ => highest(&sums),
        };
        if values.len() == sums.len() {
            self.transform.apply(&mut values);
        }
        let label = Tensor {
            dims: vec![1],
            data: labels.at(class).unwrap_or(Data::Integer(vec![0])),
        };
        Ok(vec![label, Tensor::row(Data::Single(values))])
    }

    pub(super) fn scale(&self) -> Scale {
        match self.transform {
            Transform::Logistic | Transform::Softmax => Scale::LogOdds,
            Transform::None => Scale::Value,
        }
    }
}

/// The first of the highest.
pub(super) fn highest(values: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if values.get(best).is_some_and(|most| value > most) {
            best = at;
        }
    }
    best
}
