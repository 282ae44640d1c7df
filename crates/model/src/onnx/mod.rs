//! Reading onnx models.

use crate::{Additive, Input, Limits, ModelError, Prediction, Scale, Task, Value};

/// A graph of operators: none is read yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Graph {}

impl Graph {
    pub(crate) fn read(_bytes: &[u8], _limits: &Limits) -> Result<Self, ModelError> {
        Err(ModelError::Unsupported {
            format: "ONNX",
            what: "any operator".to_owned(),
        })
    }

    pub(crate) fn inputs(&self) -> &[Input] {
        match *self {}
    }

    pub(crate) fn task(&self) -> Task {
        match *self {}
    }

    pub(crate) fn classes(&self) -> &[String] {
        match *self {}
    }

    pub(crate) fn scale(&self) -> Scale {
        match *self {}
    }

    pub(crate) fn description(&self) -> String {
        match *self {}
    }

    pub(crate) fn predict(&self, _row: &[Value]) -> Result<Prediction, ModelError> {
        match *self {}
    }

    pub(crate) fn additive(&self) -> Option<Additive<'_>> {
        match *self {}
    }

    pub(crate) fn columns(&self, _row: &[Value]) -> Result<Vec<f64>, ModelError> {
        match *self {}
    }
}
