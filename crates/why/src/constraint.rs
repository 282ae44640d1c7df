//! What may change about a field in a counterfactual.

use serde::{Deserialize, Serialize};

use crate::fields::Scalar;

/// Limits of a field's change. Everything that is not said is allowed within the values that have occurred.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// It does not change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
    /// It only rises or only falls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Values are whole multiples of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// The only values that it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Scalar>>,
    /// Fields that change with it, in the same proportion (pointers): a sum and its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<String>,
    /// How much a change of it counts, beside 1 for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It only rises.
    Increase,
    /// It only falls.
    Decrease,
}

impl Constraint {
    /// Whether a field may go from one value to another.
    pub fn allows(&self, from: &Scalar, to: &Scalar) -> bool {
        if self.immutable {
            return from == to;
        }
        if let Some(values) = &self.values
            && !values.iter().any(|it| it.word() == to.word())
        {
            return false;
        }
        let Some(number) = to.number() else {
            // A word has no order: what is said of numbers is not about it.
            return true;
        };
        let risen = match (self.direction, from.number()) {
            (Some(Direction::Increase), Some(from)) => number >= from,
            (Some(Direction::Decrease), Some(from)) => number <= from,
            _ => true,
        };
        let within =
            self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max);
        risen && within
    }

    /// A number as the field takes it: a whole multiple of the step.
    pub fn rounded(&self, number: f64) -> f64 {
        match self.step {
            Some(step) if step > 0.0 => crate::contrast::to_step(number, step),
            _ => number,
        }
    }
}
