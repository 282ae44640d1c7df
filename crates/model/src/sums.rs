//! What XGBoost's and LightGBM's models have in common: columns as they come, one sum for every output, one link.

use crate::link::Link;
use crate::{
    Additive, Ensemble, Input, InputKind, Linear, ModelError, Prediction, Scale, Task, Terms,
    Value, ZERO,
};

/// A model that adds up leaves or weighted columns of its inputs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sums {
    pub(crate) inputs: Vec<Input>,
    pub(crate) part: Part,
    /// Margins are divided by this before the link (LightGBM's `average_output`).
    pub(crate) divisor: f64,
    pub(crate) link: Link,
    pub(crate) task: Task,
    pub(crate) scale: Scale,
    pub(crate) description: String,
    pub(crate) entry: Entry,
    /// Column `n` comes from input `n`.
    pub(crate) owners: Vec<usize>,
}

/// What is added up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Trees(Ensemble),
    Linear(Linear),
}

/// How a number becomes a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Rounded to single (XGBoost's trees).
    Single,
    /// Rounded to single; what is missing adds nothing (XGBoost's linear models).
    SingleOrZero,
    /// As it is, but for what is within [`ZERO`] of 0, which is dropped before a row is predicted (LightGBM).
    Double,
}

impl Sums {
    pub(crate) fn predict(&self, row: &[Value]) -> Result<Prediction, ModelError> {
        let columns = self.columns(row)?;
        let margins = match &self.part {
            Part::Trees(ensemble) => ensemble.margins(&columns)?,
            Part::Linear(linear) => linear.margins(&columns)?,
        };
        let averages: Vec<f64> = margins.iter().map(|margin| margin / self.divisor).collect();
        Ok(Prediction {
            values: self.link.values(&averages),
            label: self.link.label(&averages),
            margins,
            single: self.entry != Entry::Double,
        })
    }

    pub(crate) fn columns(&self, row: &[Value]) -> Result<Vec<f64>, ModelError> {
        if row.len() != self.inputs.len() {
            return Err(ModelError::Input {
                input: "row".to_owned(),
                problem: format!(
                    "{} values, the model takes {}",
                    row.len(),
                    self.inputs.len()
                ),
            });
        }
        let pairs = row.iter().zip(&self.inputs);
        pairs
            .map(|(value, input)| self.entry.column(value, input))
            .collect()
    }

    pub(crate) fn additive(&self) -> Additive<'_> {
        let terms = match &self.part {
            Part::Trees(ensemble) => Terms::Trees(ensemble),
            Part::Linear(linear) => Terms::Linear(linear),
        };
        Additive {
            terms,
            owners: &self.owners,
        }
    }
}

impl Entry {
    pub(crate) fn kind(self) -> InputKind {
        match self {
            Entry::Single | Entry::SingleOrZero => InputKind::Single,
            Entry::Double => InputKind::Double,
        }
    }

    fn column(self, value: &Value, input: &Input) -> Result<f64, ModelError> {
        let number = match value {
            Value::Missing => f64::NAN,
            Value::Number(number) => *number,
            Value::Text(text) => {
                return Err(ModelError::Input {
                    input: input.name.clone(),
                    problem: format!("{text:?} is a word, the model takes a number"),
                });
            }
        };
        Ok(match self {
            Entry::SingleOrZero if number.is_nan() => 0.0,
            Entry::Single | Entry::SingleOrZero => f64::from(number as f32),
            Entry::Double if number.abs() <= ZERO => 0.0,
            Entry::Double => number,
        })
    }
}
