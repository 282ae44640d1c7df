//! Linear models: Shapley values against a background in closed form, `weight * (value - mean of the background)`.

use crate::Linear;

/// What attributions of a linear model need to know of a background: the mean of every column.
#[derive(Clone, Debug)]
pub(super) struct Means(Vec<f64>);

impl Means {
    /// Of rows of so many columns.
    pub(super) fn new(columns: usize, rows: &[Vec<f64>]) -> Self {
        let sum = |column: usize| -> f64 { rows.iter().map(|row| row[column]).sum() };
        Self(
            (0..columns)
                .map(|column| sum(column) / rows.len() as f64)
                .collect(),
        )
    }

    /// Mean of an output over the background, and what every player contributes to it. None if these are not means for
    /// this model.
    pub(super) fn attribute(
        &self,
        linear: &Linear,
        row: &[f64],
        player_of_column: &[usize],
        players: usize,
        output: usize,
    ) -> Option<(f64, Vec<f64>)> {
        let weights = linear.weights.get(output)?;
        let mut base = *linear.intercepts.get(output)?;
        if weights.len() != self.0.len() || row.len() != self.0.len() {
            return None;
        }
        let mut values = vec![0.0; players];
        for (column, (weight, mean)) in weights.iter().zip(&self.0).enumerate() {
            base += weight * mean;
            values[player_of_column[column]] += weight * (row[column] - mean);
        }
        Some((base, values))
    }
}
