//! Weighted sums of columns.

use crate::ModelError;

/// A linear model: `intercept + weights · row`, per output.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// A weight for every column, per output.
    pub weights: Vec<Vec<f64>>,
    /// One per output.
    pub intercepts: Vec<f64>,
    /// Sums are rounded to `f32` after every step.
    pub single: bool,
}

impl Linear {
    /// The sums of a row: as many as there are outputs. The intercept comes first, then column after column.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the row has another number of columns.
    pub fn margins(&self, row: &[f64]) -> Result<Vec<f64>, ModelError> {
        let outputs = self.weights.iter().zip(&self.intercepts);
        outputs
            .map(|(weights, intercept)| self.sum(*intercept, weights, row))
            .collect()
    }

    fn sum(&self, intercept: f64, weights: &[f64], row: &[f64]) -> Result<f64, ModelError> {
        if weights.len() != row.len() {
            return Err(ModelError::Input {
                input: "row".to_owned(),
                problem: format!("{} columns, the model has {}", row.len(), weights.len()),
            });
        }
        let terms = weights.iter().zip(row);
        if self.single {
            let sum = terms.fold(intercept as f32, |sum, (weight, value)| {
                sum + *weight as f32 * *value as f32
            });
            return Ok(f64::from(sum));
        }
        Ok(terms.fold(intercept, |sum, (weight, value)| sum + weight * value))
    }
}
