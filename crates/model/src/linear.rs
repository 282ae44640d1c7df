//! Weighted sums of columns.

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
