//! An operator of whatever family.

use crate::{Limits, ModelError, Scale};

use super::arithmetic::Arithmetic;
use super::attributes::Attributes;
use super::encode::Encode;
use super::inside::Flow;
use super::linear::{self, Weighted};
use super::matrix::Matrix;
use super::shape::Shape;
use super::tensor::Tensor;
use super::trees::Trees;
use super::work::{Done, Work, wrong};
use super::{forest, unsupported};

/// An operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operator {
    Trees(Trees),
    Weighted(Weighted),
    Encode(Encode),
    Arithmetic(Arithmetic),
    Matrix(Matrix),
    Shape(Shape),
}

/// The two domains that operators are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// `ai.onnx`.
    General,
    /// `ai.onnx.ml`.
    Tables,
}

impl Operator {
    /// Reads it with all its attributes.
    pub(super) fn read(
        domain: Domain,
        mut attributes: Attributes<'_>,
        version: i64,
        limits: &Limits,
    ) -> Result<Self, ModelError> {
        let given = &mut attributes;
        let name = given.operator();
        let operator = match (domain, name) {
            (Domain::Tables, "TreeEnsembleClassifier") => {
                Some(Self::Trees(forest::classifier(given, limits)?))
            }
            (Domain::Tables, "TreeEnsembleRegressor") => {
                Some(Self::Trees(forest::regressor(given, limits)?))
            }
            (Domain::Tables, "LinearClassifier") => {
                Some(Self::Weighted(linear::classifier(given, limits)?))
            }
            (Domain::Tables, "LinearRegressor") => {
                Some(Self::Weighted(linear::regressor(given, limits)?))
            }
            (Domain::Tables, _) => Encode::read(given)?.map(Self::Encode),
            (Domain::General, _) => general(given, version)?,
        };
        let operator = operator.ok_or_else(|| unsupported(&format!("the operator {name}")))?;
        attributes.finish()?;
        Ok(operator)
    }

    pub(super) fn run(&self, inputs: &[Option<&Tensor>], work: &mut Work) -> Done<Vec<Tensor>> {
        let given: Vec<&Tensor> = inputs.iter().flatten().copied().collect();
        // An input may be left out only where a later one tells which it was.
        let one = |done: Done<Tensor>| done.map(|tensor| vec![tensor]);
        match (self, &given[..]) {
            (Self::Arithmetic(arithmetic), _) => one(arithmetic.run(inputs, work)),
            _ if given.len() != inputs.len() => {
                Err(wrong("an operator", "it has not the inputs that it needs"))
            }
            (Self::Trees(trees), [x]) => trees.run(x, work),
            (Self::Weighted(weighted), [x]) => weighted.run(x, work),
            (Self::Encode(encode), _) => one(encode.run(&given, work)),
            (Self::Matrix(matrix), _) => one(matrix.run(&given, work)),
            (Self::Shape(shape), _) => one(shape.run(&given, work)),
            _ => Err(wrong("an operator", "it has not the inputs that it needs")),
        }
    }

    /// How its outputs depend on its inputs.
    pub(super) fn flow(&self) -> Flow {
        match self {
            Self::Trees(_) | Self::Weighted(_) => Flow::Mix,
            Self::Encode(encode) => encode.flow(),
            Self::Arithmetic(arithmetic) => arithmetic.flow(),
            Self::Matrix(matrix) => matrix.flow(),
            Self::Shape(shape) => shape.flow(),
        }
    }

    /// The same bits come out as of the library, if the same go in.
    pub(super) fn exact(&self) -> bool {
        match self {
            Self::Trees(_) | Self::Encode(_) | Self::Shape(_) => true,
            Self::Weighted(_) => false,
            Self::Arithmetic(arithmetic) => arithmetic.exact(),
            Self::Matrix(matrix) => matrix.exact(),
        }
    }

    /// A difference in the last digit may make all the difference.
    pub(super) fn decides(&self) -> bool {
        match self {
            Self::Trees(_) => true,
            Self::Encode(encode) => matches!(
                encode,
                Encode::OneHotEncoder { .. } | Encode::Binarizer { .. } | Encode::Map { .. }
            ),
            _ => false,
        }
    }

    /// Inputs that decide on dimensions, and so must not depend on the row.
    pub(super) fn fixed(&self) -> &'static [usize] {
        match self {
            Self::Matrix(matrix) => matrix.fixed(),
            Self::Shape(shape) => shape.fixed(),
            _ => &[],
        }
    }

    /// Its output is the same for every row, though its input is not.
    pub(super) fn constant(&self) -> bool {
        matches!(self, Self::Shape(Shape::Dimensions))
    }

    /// Its second input is of places in the first.
    pub(super) fn takes_places(&self) -> bool {
        matches!(
            self,
            Self::Encode(Encode::ArrayFeatureExtractor) | Self::Shape(Shape::Gather { .. })
        )
    }

    /// The scale of its sums, if it is one of sums.
    pub(super) fn scale(&self) -> Option<Scale> {
        match self {
            Self::Trees(trees) => Some(trees.scale()),
            Self::Weighted(weighted) => Some(weighted.scale()),
            _ => None,
        }
    }
}

fn general(given: &mut Attributes<'_>, version: i64) -> Result<Option<Operator>, ModelError> {
    if let Some(arithmetic) = Arithmetic::read(given)? {
        return Ok(Some(Operator::Arithmetic(arithmetic)));
    }
    if let Some(matrix) = Matrix::read(given, version)? {
        return Ok(Some(Operator::Matrix(matrix)));
    }
    Ok(Shape::read(given)?.map(Operator::Shape))
}
