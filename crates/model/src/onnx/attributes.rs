//! An operator's attributes: each is asked for by name, and one that nobody asked for refuses the model.

use crate::ModelError;

use super::proto::{Attribute, AttributeProto};
use super::tensor::Tensor;
use super::{malformed, unsupported};

/// The attributes that are left.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    operator: &'a str,
    left: Vec<AttributeProto<'a>>,
}

type Got<T> = Result<T, ModelError>;

impl<'a> Attributes<'a> {
    pub(super) fn new(operator: &'a str, left: Vec<AttributeProto<'a>>) -> Self {
        Self { operator, left }
    }

    pub(super) fn operator(&self) -> &'a str {
        self.operator
    }

    fn take(&mut self, name: &str) -> Option<Attribute<'a>> {
        let at = self.left.iter().position(|left| left.name == name)?;
        Some(self.left.swap_remove(at).value)
    }

    fn wrong(&self, name: &str) -> ModelError {
        malformed(
            self.operator,
            &format!("its attribute {name:?} is of another type"),
        )
    }

    pub(super) fn integer(&mut self, name: &str, default: i64) -> Got<i64> {
        match self.take(name) {
            None => Ok(default),
            Some(Attribute::Integer(value)) => Ok(value),
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(super) fn single(&mut self, name: &str) -> Got<Option<f32>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Single(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Got<Option<&'a str>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Text(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(self.wrong(name)),
            },
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(super) fn singles(&mut self, name: &str) -> Got<Vec<f32>> {
        match self.take(name) {
            None | Some(Attribute::Empty) => Ok(Vec::new()),
            Some(Attribute::Singles(list)) => Ok(list),
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(super) fn integers(&mut self, name: &str) -> Got<Option<Vec<i64>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Empty) => Ok(Some(Vec::new())),
            Some(Attribute::Integers(list)) => Ok(Some(list)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    pub(super) fn texts(&mut self, name: &str) -> Got<Vec<&'a str>> {
        let list = match self.take(name) {
            None | Some(Attribute::Empty) => Vec::new(),
            Some(Attribute::Texts(list)) => list,
            Some(_) => return Err(self.wrong(name)),
        };
        let texts: Result<_, _> = list.into_iter().map(std::str::from_utf8).collect();
        texts.map_err(|_| self.wrong(name))
    }

    pub(super) fn tensor(&mut self, name: &str) -> Got<Option<Tensor>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Tensor(tensor)) => Ok(Some(tensor)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    /// Passes over an attribute that changes nothing.
    pub(super) fn skip(&mut self, name: &str) {
        self.take(name);
    }

    /// Refuses what is left.
    pub(super) fn finish(&self) -> Got<()> {
        match self.left.first() {
            None => Ok(()),
            Some(left) => {
                let what = format!("the attribute {:?} of {}", left.name, self.operator);
                Err(unsupported(&what))
            }
        }
    }
}
