//! A row's values as the tensors that a graph begins with.

use std::sync::Arc;

use crate::{Input, InputKind, Limits, ModelError, Value};

use super::proto::{BOOL, DOUBLE, FLOAT, INT64, STRING, ValueInfo, too_large};
use super::tensor::{Data, Tensor};
use super::unsupported;

/// An input of the graph: some neighbouring values of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Feed {
    /// Its place among the graph's values.
    pub(super) place: usize,
    /// The first of its values in a row.
    pub(super) first: usize,
    dims: Vec<usize>,
    kind: InputKind,
}

impl Feed {
    /// Reads an input's type; adds what it takes to the model's inputs.
    pub(super) fn read(
        info: &ValueInfo<'_>,
        place: usize,
        inputs: &mut Vec<Input>,
        limits: &Limits,
    ) -> Result<Self, ModelError> {
        let name = info.name;
        let kind = match info.element {
            Some(FLOAT) => InputKind::Single,
            Some(DOUBLE) => InputKind::Double,
            Some(INT64) => InputKind::Integer,
            Some(BOOL) => InputKind::Boolean,
            Some(STRING) => InputKind::Text,
            _ => return Err(unsupported(&format!("the type of the input {name:?}"))),
        };
        // What the number of rows is called, does not matter; a fixed one other than 1 does.
        let row = |dim: &Option<i64>| dim.is_none_or(|dim| dim <= 1);
        let dims = match info.dims.as_deref() {
            Some([rows]) if row(rows) => vec![1],
            Some([rows, Some(columns)]) if row(rows) && *columns > 0 => vec![1, *columns as usize],
            dims => {
                let what = match dims {
                    None => "has no dimensions".to_owned(),
                    Some([_, None]) => "has no fixed number of columns".to_owned(),
                    Some(dims) => format!("has the dimensions {dims:?}"),
                };
                return Err(unsupported(&format!("an input, {name:?}, that {what}")));
            }
        };
        let first = inputs.len();
        let columns = dims.last().copied().unwrap_or(1);
        let total = (first as u64).saturating_add(columns as u64);
        if total > limits.columns {
            return Err(too_large("inputs of a row", total, limits.columns));
        }
        inputs.extend((0..columns).map(|column| Input {
            name: if columns == 1 {
                name.to_owned()
            } else {
                format!("{name}[{column}]")
            },
            kind,
        }));
        Ok(Self {
            place,
            first,
            dims,
            kind,
        })
    }

    pub(super) fn columns(&self) -> usize {
        self.dims.last().copied().unwrap_or(1)
    }

    /// What stands in for a row that is not there yet.
    pub(super) fn blank(&self) -> Tensor {
        let count = self.columns();
        let data = match self.kind {
            InputKind::Single => Data::Single(vec![0.0; count]),
            InputKind::Double => Data::Double(vec![0.0; count]),
            InputKind::Integer => Data::Integer(vec![0; count]),
            InputKind::Boolean => Data::Boolean(vec![false; count]),
            InputKind::Text => Data::Text(vec![Arc::from(""); count]),
        };
        Tensor {
            dims: self.dims.clone(),
            data,
        }
    }

    /// Its part of a row.
    pub(super) fn tensor(&self, row: &[Value], inputs: &[Input]) -> Result<Tensor, ModelError> {
        let own = || {
            let values = row.iter().zip(inputs).skip(self.first);
            values.take(self.columns())
        };
        let data = match self.kind {
            InputKind::Single => {
                let each = own().map(|(value, input)| number(value, input).map(|v| v as f32));
                Data::Single(each.collect::<Result<_, _>>()?)
            }
            InputKind::Double => {
                let each = own().map(|(value, input)| number(value, input));
                Data::Double(each.collect::<Result<_, _>>()?)
            }
            InputKind::Integer => {
                let each = own().map(|(value, input)| integer(value, input));
                Data::Integer(each.collect::<Result<_, _>>()?)
            }
            InputKind::Boolean => {
                let each = own().map(|(value, input)| boolean(value, input));
                Data::Boolean(each.collect::<Result<_, _>>()?)
            }
            InputKind::Text => {
                let each = own().map(|(value, input)| text(value, input));
                Data::Text(each.collect::<Result<_, _>>()?)
            }
        };
        Ok(Tensor {
            dims: self.dims.clone(),
            data,
        })
    }
}

fn no(input: &Input, problem: String) -> ModelError {
    ModelError::Input {
        input: input.name.clone(),
        problem,
    }
}

fn number(value: &Value, input: &Input) -> Result<f64, ModelError> {
    match value {
        Value::Missing => Ok(f64::NAN),
        Value::Number(number) => Ok(*number),
        Value::Text(text) => Err(no(
            input,
            format!("it takes a number, not the word {text:?}"),
        )),
    }
}

/// Whole numbers beyond this are not all doubles.
const WHOLE: f64 = 9_007_199_254_740_992.0;

fn integer(value: &Value, input: &Input) -> Result<i64, ModelError> {
    match value {
        Value::Number(number) if number.fract() == 0.0 && number.abs() <= WHOLE => {
            Ok(*number as i64)
        }
        Value::Number(number) => Err(no(input, format!("it takes a whole number, not {number}"))),
        Value::Missing => {
            let problem = "it takes a whole number, which cannot be missing";
            Err(no(input, problem.to_owned()))
        }
        Value::Text(text) => Err(no(
            input,
            format!("it takes a whole number, not the word {text:?}"),
        )),
    }
}

#[allow(clippy::float_cmp, reason = "0 and 1 are exact")]
fn boolean(value: &Value, input: &Input) -> Result<bool, ModelError> {
    match value {
        Value::Number(number) if *number == 0.0 || *number == 1.0 => Ok(*number == 1.0),
        _ => Err(no(input, "it takes 0 or 1".to_owned())),
    }
}

fn text(value: &Value, input: &Input) -> Result<Arc<str>, ModelError> {
    match value {
        Value::Text(text) => Ok(Arc::from(text.as_str())),
        Value::Number(number) => Err(no(
            input,
            format!("it takes a word, not the number {number}"),
        )),
        Value::Missing => {
            let problem =
                "it takes a word: give the one that stands for missing in the model's data";
            Err(no(input, problem.to_owned()))
        }
    }
}
