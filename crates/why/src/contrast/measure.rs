//! Gower's distance between two decisions' fields: the mean, over the fields that both have, of how much they differ there.

use std::collections::BTreeMap;

use super::history::{History, why_left_out};
use crate::fields::{Fields, Scalar};

/// Sums of weights stay far from the end of `f32`.
const MOST_WEIGHT: f64 = 1e9;

/// How much each field counts, by pointer; 1 where it is not said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(BTreeMap<String, f64>);

/// How far values are apart, by what has occurred.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measure {
    /// Of numbers: from the 1st to the 99th percentile. None where there is no spread: equal or not.
    ranges: BTreeMap<String, f64>,
    left_out: BTreeMap<String, &'static str>,
    weights: Weights,
}

impl Weights {
    /// Weights that are negative or no number count as 0: the field is left out.
    pub fn new(weights: impl IntoIterator<Item = (String, f64)>) -> Self {
        Self(weights.into_iter().collect())
    }

    pub(super) fn of(&self, pointer: &str) -> f64 {
        let weight = self.0.get(pointer).copied().unwrap_or(1.0);
        if weight > 0.0 {
            weight.min(MOST_WEIGHT)
        } else {
            0.0
        }
    }
}

impl History {
    /// The distance that [`nearest`](Self::nearest) goes by.
    pub fn measure(&self, weights: &Weights) -> Measure {
        let mut measure = Measure {
            weights: weights.clone(),
            ..Measure::default()
        };
        for (pointer, column) in self.pointers.iter().zip(&self.columns) {
            if let Some(why) = why_left_out(pointer, column) {
                measure.left_out.insert(pointer.clone(), why);
            }
            if let Some((low, high)) = column.spread.filter(|(low, high)| high > low) {
                let range = f64::from(high) - f64::from(low);
                measure.ranges.insert(pointer.clone(), range);
            }
        }
        measure
    }
}

impl Measure {
    /// How much two values of a field differ, 0 to 1; none if one is missing, or the field is left out.
    pub fn difference(&self, pointer: &str, one: &Scalar, other: &Scalar) -> Option<f64> {
        if self.left_out.contains_key(pointer) || self.weights.of(pointer) == 0.0 {
            return None;
        }
        match (one, other) {
            (Scalar::Missing, _) | (_, Scalar::Missing) => None,
            (Scalar::Number(one), Scalar::Number(other)) => Some(self.apart(pointer, *one, *other)),
            _ => Some(if one == other { 0.0 } else { 1.0 }),
        }
    }

    #[allow(
        clippy::float_cmp,
        reason = "without a spread there is only equal or not"
    )]
    fn apart(&self, pointer: &str, one: f64, other: f64) -> f64 {
        match self.ranges.get(pointer) {
            _ if one == other => 0.0,
            Some(range) => ((one - other).abs() / range).min(1.0),
            None => 1.0,
        }
    }

    /// Gower's distance, 0 to 1; none if no field can be compared.
    pub fn distance(&self, one: &Fields, other: &Fields) -> Option<f64> {
        let (mut differences, mut weights) = (0.0, 0.0);
        for (pointer, value) in one {
            let Some(against) = other.get(pointer) else {
                continue;
            };
            if let Some(difference) = self.difference(pointer, value, against) {
                differences += difference * self.weight(pointer);
                weights += self.weight(pointer);
            }
        }
        (weights > 0.0).then(|| differences / weights)
    }

    /// How much a field counts.
    pub fn weight(&self, pointer: &str) -> f64 {
        self.weights.of(pointer)
    }

    /// Whether a field is left out of distances.
    pub fn leaves_out(&self, pointer: &str) -> bool {
        self.left_out.contains_key(pointer)
    }
}
