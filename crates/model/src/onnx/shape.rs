//! Operators of `ai.onnx` that move values and compute none.

use crate::ModelError;

use super::attributes::Attributes;
use super::inside::Flow;
use super::tensor::{Data, Tensor, place, product};
use super::work::{Done, Trouble, Work, unfit, wrong};
use super::{malformed, unsupported};

/// An operator that moves values.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::enum_variant_names, reason = "as the specification names them")]
pub(super) enum Shape {
    Identity,
    Concat {
        axis: i64,
    },
    Reshape {
        zeros: bool,
    },
    Flatten {
        axis: i64,
    },
    Squeeze {
        axes: Option<Vec<i64>>,
    },
    Unsqueeze {
        axes: Option<Vec<i64>>,
    },
    Gather {
        axis: i64,
    },
    Transpose {
        order: Option<Vec<i64>>,
    },
    Constant(Tensor),
    ConstantOfShape(Data),
    /// The dimensions of its input, all of them.
    Dimensions,
}

type Got<T> = Result<T, ModelError>;

impl Shape {
    /// The operator of this name, if it is one of these.
    pub(super) fn read(attributes: &mut Attributes<'_>) -> Got<Option<Self>> {
        Ok(Some(match attributes.operator() {
            "Identity" => Self::Identity,
            "Concat" => Self::Concat {
                axis: attributes.integer("axis", 1)?,
            },
            "Reshape" => Self::Reshape {
                zeros: attributes.integer("allowzero", 0)? != 0,
            },
            "Flatten" => Self::Flatten {
                axis: attributes.integer("axis", 1)?,
            },
            "Squeeze" => Self::Squeeze {
                axes: attributes.integers("axes")?,
            },
            "Unsqueeze" => Self::Unsqueeze {
                axes: attributes.integers("axes")?,
            },
            "Gather" => Self::Gather {
                axis: attributes.integer("axis", 0)?,
            },
            "Transpose" => Self::Transpose {
                order: attributes.integers("perm")?,
            },
            "Shape" => Self::Dimensions,
            "Constant" => Self::Constant(constant(attributes)?),
            "ConstantOfShape" => {
                let value = attributes.tensor("value")?.map(|tensor| tensor.data);
                let value = value.unwrap_or(Data::Single(vec![0.0]));
                if value.len() != 1 {
                    return Err(malformed("ConstantOfShape", "its value is not one"));
                }
                Self::ConstantOfShape(value)
            }
            _ => return Ok(None),
        }))
    }

    pub(super) fn flow(&self) -> Flow {
        match self {
            Self::Concat { .. } | Self::Gather { .. } | Self::Transpose { .. } => Flow::Rearrange,
            Self::Constant(_) | Self::ConstantOfShape(_) | Self::Dimensions => Flow::Mix,
            _ => Flow::Keep,
        }
    }

    /// Inputs that decide on dimensions, and so must not depend on the row.
    pub(super) fn fixed(&self) -> &'static [usize] {
        match self {
            Self::Reshape { .. } | Self::Squeeze { .. } | Self::Unsqueeze { .. } => &[1],
            Self::ConstantOfShape(_) => &[0],
            _ => &[],
        }
    }

    pub(super) fn run(&self, inputs: &[&Tensor], work: &mut Work) -> Done<Tensor> {
        match (self, inputs) {
            (Self::Constant(tensor), []) => {
                work.room(&tensor.dims)?;
                Ok(tensor.clone())
            }
            (Self::ConstantOfShape(value), [dims]) => {
                let dims = sizes(dims).ok_or_else(|| unfit("ConstantOfShape", inputs))?;
                let count = work.room(&dims)?;
                Ok(Tensor {
                    dims,
                    data: value.select(&vec![0; count]),
                })
            }
            (Self::Concat { axis }, [_, ..]) => concat(inputs, *axis, work),
            (Self::Gather { axis }, [from, at]) => gather(from, at, *axis, work),
            (_, [x, rest @ ..]) => {
                work.room(&x.dims)?;
                self.reshaped(x, rest.first().copied(), work)
            }
            _ => Err(wrong("an operator", "it has not the inputs that it needs")),
        }
    }

    fn reshaped(&self, x: &Tensor, second: Option<&Tensor>, work: &mut Work) -> Done<Tensor> {
        let unfit = || unfit("a change of dimensions", &[x]);
        let given = second.map(|second| second.integers().ok_or_else(unfit));
        let given = given.transpose()?;
        let dims = match self {
            Self::Identity => x.dims.clone(),
            Self::Dimensions => {
                let dims: Vec<i64> = x.dims.iter().map(|dim| *dim as i64).collect();
                return Ok(Tensor {
                    dims: vec![dims.len()],
                    data: Data::Integer(dims),
                });
            }
            Self::Reshape { zeros } => {
                reshape(x, given.unwrap_or_default(), *zeros).ok_or_else(unfit)?
            }
            Self::Flatten { axis } => {
                let axis = place(*axis, x.dims.len() + 1).ok_or_else(unfit)?;
                let (before, behind) = x.dims.split_at(axis);
                vec![before.iter().product(), behind.iter().product()]
            }
            Self::Squeeze { axes } => squeeze(x, given.or(axes.as_deref())).ok_or_else(unfit)?,
            Self::Unsqueeze { axes } => {
                let axes = given.or(axes.as_deref()).unwrap_or_default();
                unsqueeze(x, axes).ok_or_else(unfit)?
            }
            Self::Transpose { order } => {
                return transpose(x, order.as_deref(), work).ok_or_else(unfit);
            }
            _ => return Err(unfit()),
        };
        if product(&dims) != Some(x.data.len()) {
            return Err(unfit());
        }
        Ok(x.with_dims(dims))
    }
}

fn constant(attributes: &mut Attributes<'_>) -> Got<Tensor> {
    let scalar = |data: Data| Tensor {
        dims: Vec::new(),
        data,
    };
    let list = |data: Data| Tensor {
        dims: vec![data.len()],
        data,
    };
    if let Some(tensor) = attributes.tensor("value")? {
        return Ok(tensor);
    }
    if let Some(value) = attributes.single("value_float")? {
        return Ok(scalar(Data::Single(vec![value])));
    }
    if let Some(text) = attributes.text("value_string")? {
        return Ok(scalar(Data::Text(vec![text.into()])));
    }
    if let Some(integers) = attributes.integers("value_ints")? {
        return Ok(list(Data::Integer(integers)));
    }
    let singles = attributes.singles("value_floats")?;
    if !singles.is_empty() {
        return Ok(list(Data::Single(singles)));
    }
    let texts = attributes.texts("value_strings")?;
    if !texts.is_empty() {
        return Ok(list(Data::Text(
            texts.into_iter().map(Into::into).collect(),
        )));
    }
    match attributes.integer("value_int", i64::MIN)? {
        i64::MIN => Err(unsupported("Constant without a value that is known here")),
        value => Ok(scalar(Data::Integer(vec![value]))),
    }
}

fn sizes(tensor: &Tensor) -> Option<Vec<usize>> {
    let list = tensor.integers()?;
    list.iter()
        .map(|size| usize::try_from(*size).ok())
        .collect()
}

fn reshape(x: &Tensor, asked: &[i64], zeros: bool) -> Option<Vec<usize>> {
    let mut open = None;
    let mut dims = Vec::with_capacity(asked.len());
    for (at, size) in asked.iter().enumerate() {
        dims.push(match size {
            0 if !zeros => *x.dims.get(at)?,
            -1 if open.is_none() => {
                open = Some(at);
                1
            }
            size => usize::try_from(*size).ok()?,
        });
    }
    if let Some(open) = open {
        let others = product(&dims).filter(|others| *others > 0)?;
        dims[open] = x.data.len() / others;
    }
    Some(dims)
}

fn squeeze(x: &Tensor, axes: Option<&[i64]>) -> Option<Vec<usize>> {
    let Some(axes) = axes else {
        return Some(x.dims.iter().copied().filter(|dim| *dim != 1).collect());
    };
    let mut gone = vec![false; x.dims.len()];
    for axis in axes {
        let axis = x.axis(*axis)?;
        gone[axis] = true;
    }
    let dims = x.dims.iter().zip(gone).filter(|(_, gone)| !gone);
    Some(dims.map(|(dim, _)| *dim).collect())
}

fn unsqueeze(x: &Tensor, axes: &[i64]) -> Option<Vec<usize>> {
    // Ranks are small in every model; a list of a million is none.
    let rank = x
        .dims
        .len()
        .checked_add(axes.len())
        .filter(|rank| *rank <= 16)?;
    let mut new = vec![false; rank];
    for axis in axes {
        let axis = place(*axis, rank)?;
        if std::mem::replace(&mut new[axis], true) {
            return None;
        }
    }
    let mut old = x.dims.iter().copied();
    new.into_iter()
        .map(|new| if new { Some(1) } else { old.next() })
        .collect()
}

fn transpose(x: &Tensor, order: Option<&[i64]>, work: &mut Work) -> Option<Tensor> {
    let rank = x.dims.len();
    let order: Vec<usize> = match order {
        Some(order) => order
            .iter()
            .map(|axis| x.axis(*axis))
            .collect::<Option<_>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() || work.steps(x.data.len() * rank).is_err() {
        return None;
    }
    let dims: Vec<usize> = order.iter().map(|axis| x.dims[*axis]).collect();
    let step = |axis: usize| x.dims.iter().skip(axis + 1).product::<usize>();
    let steps: Vec<usize> = order.iter().map(|axis| step(*axis)).collect();
    let from = |mut at: usize| {
        let mut place = 0;
        for (dim, step) in dims.iter().zip(&steps).rev() {
            place += at % dim * step;
            at /= dim;
        }
        place
    };
    let places: Vec<usize> = (0..x.data.len()).map(from).collect();
    Some(Tensor {
        data: x.data.select(&places),
        dims,
    })
}

fn concat(inputs: &[&Tensor], axis: i64, work: &mut Work) -> Done<Tensor> {
    let unfit = || unfit("Concat", inputs);
    let first = inputs.first().ok_or_else(unfit)?;
    let axis = first.axis(axis).ok_or_else(unfit)?;
    let mut dims = first.dims.clone();
    dims[axis] = 0;
    let mut all: Option<Data> = None;
    let mut starts = Vec::with_capacity(inputs.len());
    for given in inputs {
        let mut others = given.dims.clone();
        let own = others.get_mut(axis).ok_or_else(unfit)?;
        dims[axis] += std::mem::replace(own, dims[axis]);
        let same = others
            .iter()
            .enumerate()
            .all(|(at, dim)| at == axis || dims.get(at) == Some(dim));
        if !same || others.len() != dims.len() {
            return Err(unfit());
        }
        starts.push(all.as_ref().map_or(0, Data::len));
        work.room(&given.dims)?;
        all = Some(match all {
            None => given.data.clone(),
            Some(all) => all.append(&given.data).ok_or_else(unfit)?,
        });
    }
    let all = all.ok_or_else(unfit)?;
    let before: usize = dims.iter().take(axis).product();
    let behind: usize = dims.iter().skip(axis + 1).product();
    let mut places = Vec::with_capacity(all.len());
    for block in 0..before {
        for (given, start) in inputs.iter().zip(&starts) {
            let width = given.dims[axis] * behind;
            places.extend((0..width).map(|at| start + block * width + at));
        }
    }
    Ok(Tensor {
        data: all.select(&places),
        dims,
    })
}

fn gather(from: &Tensor, at: &Tensor, axis: i64, work: &mut Work) -> Done<Tensor> {
    let unfit = || unfit("Gather", &[from, at]);
    let axis = from.axis(axis).ok_or_else(unfit)?;
    let asked = at.integers().ok_or_else(unfit)?;
    let width = from.dims[axis];
    let mut dims = from.dims.clone();
    dims.splice(axis..=axis, at.dims.iter().copied());
    let count = work.room(&dims)?;
    let before: usize = from.dims.iter().take(axis).product();
    let behind: usize = from.dims.iter().skip(axis + 1).product();
    let mut places = Vec::with_capacity(count);
    for block in 0..before {
        for asked in asked {
            let outside = || Trouble::Row("a place that is asked for lies outside".to_owned());
            let row = place(*asked, width).ok_or_else(outside)?;
            let start = (block * width + row) * behind;
            places.extend(start..start + behind);
        }
    }
    Ok(Tensor {
        dims,
        data: from.data.select(&places),
    })
}
