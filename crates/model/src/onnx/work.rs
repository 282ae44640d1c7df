//! What one run of a graph may cost, and what it leaves besides its outputs.

use super::proto::too_large;
use super::tensor::{Tensor, product};
use super::{malformed, unsupported};
use crate::ModelError;

/// Values that one row may be computed to, in all operators together.
const VALUES: u64 = 1 << 22;
/// Multiplications, comparisons and the like for one row. A perceptron of three layers of 4,000 takes half of it.
const STEPS: u64 = 1 << 26;

/// A run: its budget, and the sums before they were transformed.
#[derive(Debug)]
pub(super) struct Work {
    values: u64,
    steps: u64,
    /// The row is made of blanks, to see what dimensions result: a value that would be refused gives a blank.
    pub(super) blank: bool,
    /// Sums of the trees or weights, before any transformation.
    pub(super) margins: Option<Vec<f64>>,
}

/// Why an operator gave nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The row's values.
    Row(String),
    /// The operator, with any row.
    Model(ModelError),
}

impl From<ModelError> for Trouble {
    fn from(error: ModelError) -> Self {
        Trouble::Model(error)
    }
}

pub(super) type Done<T> = Result<T, Trouble>;

impl Work {
    pub(super) fn new(blank: bool) -> Self {
        Self {
            values: 0,
            steps: 0,
            blank,
            margins: None,
        }
    }

    /// Room for a tensor, before it is made.
    pub(super) fn room(&mut self, dims: &[usize]) -> Done<usize> {
        let count = product(dims).unwrap_or(usize::MAX);
        self.values = self.values.saturating_add(count as u64);
        if self.values > VALUES {
            return Err(too_large("values that a row is computed to", self.values, VALUES).into());
        }
        Ok(count)
    }

    /// Steps, before they are taken.
    pub(super) fn steps(&mut self, count: usize) -> Done<()> {
        self.steps = self.steps.saturating_add(count as u64);
        if self.steps > STEPS {
            return Err(too_large("steps that a row takes", self.steps, STEPS).into());
        }
        Ok(())
    }
}

/// An operator meets what it was not made for: a kind of values or dimensions that no exporter gives it.
pub(super) fn unfit(operator: &str, inputs: &[&Tensor]) -> Trouble {
    let given: Vec<String> = inputs
        .iter()
        .map(|tensor| format!("{} {:?}", tensor.data.kind(), tensor.dims))
        .collect();
    unsupported(&format!(
        "the operator {operator} of {}",
        given.join(" and ")
    ))
    .into()
}

/// An operator that contradicts itself.
pub(super) fn wrong(operator: &str, problem: &str) -> Trouble {
    malformed(operator, problem).into()
}
