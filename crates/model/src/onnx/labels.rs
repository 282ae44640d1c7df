//! Names of classes.

use std::sync::Arc;

use crate::ModelError;

use super::attributes::Attributes;
use super::malformed;
use super::tensor::Data;

/// The classes of a classifier, in the order of its scores.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Labels {
    Integers(Vec<i64>),
    Texts(Vec<Arc<str>>),
}

impl Labels {
    /// From the two attributes that hold them, of which one is used.
    pub(super) fn read(
        attributes: &mut Attributes<'_>,
        integers: &str,
        texts: &str,
    ) -> Result<Self, ModelError> {
        let numbers = attributes.integers(integers)?.unwrap_or_default();
        let words = attributes.texts(texts)?;
        match (numbers.is_empty(), words.is_empty()) {
            (false, true) => Ok(Labels::Integers(numbers)),
            (true, false) => Ok(Labels::Texts(words.into_iter().map(Arc::from).collect())),
            _ => Err(malformed(
                attributes.operator(),
                "its classes are not named, or named twice",
            )),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Labels::Integers(list) => list.len(),
            Labels::Texts(list) => list.len(),
        }
    }

    /// The label of a class, as the values of a tensor.
    pub(super) fn at(&self, class: usize) -> Option<Data> {
        Some(match self {
            Labels::Integers(list) => Data::Integer(vec![*list.get(class)?]),
            Labels::Texts(list) => Data::Text(vec![list.get(class)?.clone()]),
        })
    }

    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Labels::Integers(list) => list.iter().map(i64::to_string).collect(),
            Labels::Texts(list) => list.iter().map(ToString::to_string).collect(),
        }
    }
}
