//! Operators of `ai.onnx` that add up: products of matrices, reductions, softmax.
//!
//! The library adds in an order of its own; here sums of singles are taken in `f64` and rounded once. What comes of them is
//! the library's but for the last digits, so a graph in which it decides a split is refused: see [`super::inside`].

use crate::ModelError;

use super::attributes::Attributes;
use super::inside::Flow;
use super::scores::softmax;
use super::tensor::{Data, Tensor, product};
use super::unsupported;
use super::work::{Done, Work, unfit, wrong};

/// An operator that adds up.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Matrix {
    /// `MatMul`, and `Gemm` with its factors.
    Product(Factors),
    Reduce {
        kind: Kind,
        axes: Option<Vec<i64>>,
        keep: bool,
        /// Without axes nothing is done.
        idle: bool,
    },
    ArgMax {
        axis: i64,
        keep: bool,
    },
    Softmax {
        axis: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Factors {
    alpha: f32,
    beta: f32,
    turn_a: bool,
    turn_b: bool,
}

/// What is made of the values along some dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sum,
    Product,
    Mean,
    Least,
    Most,
    LogSumExp,
    SumOfSquares,
    Length,
    SumOfAbsolutes,
}

impl Matrix {
    /// The operator of this name, if it is one of these.
    pub(super) fn read(
        attributes: &mut Attributes<'_>,
        version: i64,
    ) -> Result<Option<Self>, ModelError> {
        let kind = match attributes.operator() {
            "MatMul" => {
                return Ok(Some(Self::Product(Factors {
                    alpha: 1.0,
                    beta: 1.0,
                    turn_a: false,
                    turn_b: false,
                })));
            }
            "Gemm" => {
                return Ok(Some(Self::Product(Factors {
                    alpha: attributes.single("alpha")?.unwrap_or(1.0),
                    beta: attributes.single("beta")?.unwrap_or(1.0),
                    turn_a: attributes.integer("transA", 0)? != 0,
                    turn_b: attributes.integer("transB", 0)? != 0,
                })));
            }
            "ArgMax" => {
                if attributes.integer("select_last_index", 0)? != 0 {
                    return Err(unsupported("ArgMax with select_last_index"));
                }
                return Ok(Some(Self::ArgMax {
                    axis: attributes.integer("axis", 0)?,
                    keep: attributes.integer("keepdims", 1)? != 0,
                }));
            }
            "Softmax" => {
                let default = if version < 13 { 1 } else { -1 };
                return Ok(Some(Self::Softmax {
                    axis: attributes.integer("axis", default)?,
                }));
            }
            "ReduceSum" => Kind::Sum,
            "ReduceProd" => Kind::Product,
            "ReduceMean" => Kind::Mean,
            "ReduceMin" => Kind::Least,
            "ReduceMax" => Kind::Most,
            "ReduceLogSumExp" => Kind::LogSumExp,
            "ReduceSumSquare" => Kind::SumOfSquares,
            "ReduceL2" => Kind::Length,
            "ReduceL1" => Kind::SumOfAbsolutes,
            _ => return Ok(None),
        };
        Ok(Some(Self::Reduce {
            kind,
            axes: attributes.integers("axes")?,
            keep: attributes.integer("keepdims", 1)? != 0,
            idle: attributes.integer("noop_with_empty_axes", 0)? != 0,
        }))
    }

    #[allow(clippy::unused_self, reason = "as every family of operators")]
    pub(super) fn flow(&self) -> Flow {
        Flow::Mix
    }

    pub(super) fn exact(&self) -> bool {
        use Kind::{Least, Most, Product};
        match self {
            Self::Reduce { kind, .. } => matches!(kind, Product | Least | Most),
            Self::ArgMax { .. } => true,
            Self::Product(_) | Self::Softmax { .. } => false,
        }
    }

    /// Inputs that decide on dimensions, and so must not depend on the row.
    pub(super) fn fixed(&self) -> &'static [usize] {
        match self {
            Self::Reduce { .. } => &[1],
            _ => &[],
        }
    }

    pub(super) fn run(&self, inputs: &[&Tensor], work: &mut Work) -> Done<Tensor> {
        match (self, inputs) {
            (Self::Product(factors), [a, b]) => factors.multiply(a, b, None, work),
            (Self::Product(factors), [a, b, c]) => factors.multiply(a, b, Some(c), work),
            (Self::Reduce { .. }, [x]) => self.reduce(x, None, work),
            (Self::Reduce { .. }, [x, axes]) => self.reduce(x, Some(axes), work),
            (Self::ArgMax { axis, keep }, [x]) => arg_max(x, *axis, *keep, work),
            (Self::Softmax { axis }, [x]) => {
                let last = x.axis(*axis).is_some_and(|axis| axis + 1 == x.dims.len());
                let width = x.dims.last().copied().unwrap_or(0);
                work.room(&x.dims)?;
                match &x.data {
                    Data::Single(list) if last && width > 0 => {
                        let mut list = list.clone();
                        list.chunks_mut(width).for_each(softmax);
                        Ok(Tensor {
                            dims: x.dims.clone(),
                            data: Data::Single(list),
                        })
                    }
                    _ => Err(unfit("Softmax", inputs)),
                }
            }
            _ => Err(wrong("an operator", "it has not the inputs that it needs")),
        }
    }

    fn reduce(&self, x: &Tensor, given: Option<&Tensor>, work: &mut Work) -> Done<Tensor> {
        let Self::Reduce {
            kind,
            axes,
            keep,
            idle,
        } = self
        else {
            return Err(unfit("a reduction", &[x]));
        };
        let unfit = || unfit("a reduction", &[x]);
        let asked = match given {
            Some(given) => Some(given.integers().ok_or_else(unfit)?),
            None => axes.as_deref(),
        };
        let asked = asked.unwrap_or_default();
        if asked.is_empty() && *idle {
            return Ok(x.clone());
        }
        let mut reduced = vec![asked.is_empty(); x.dims.len()];
        for axis in asked {
            let axis = x.axis(*axis).ok_or_else(unfit)?;
            reduced[axis] = true;
        }
        let dims: Vec<usize> = x
            .dims
            .iter()
            .zip(&reduced)
            .map(|(dim, gone)| if *gone { 1 } else { *dim })
            .collect();
        let groups = work.room(&dims)?;
        work.steps(x.data.len())?;
        let places = super::tensor::stretched(&dims, &x.dims);
        let data = match &x.data {
            Data::Single(list) => {
                let list = kind.single(list, &places, groups);
                Data::Single(list)
            }
            Data::Double(list) => Data::Double(kind.double(list.iter().copied(), &places, groups)),
            _ => return Err(unfit()),
        };
        let kept = |(dim, gone): (usize, bool)| (*keep || !gone).then_some(dim);
        let dims = dims.into_iter().zip(reduced).filter_map(kept).collect();
        Ok(Tensor { dims, data })
    }
}

impl Kind {
    /// Products are rounded after every factor, as the library does, for trees may follow; everything else once.
    fn single(self, list: &[f32], places: &[usize], groups: usize) -> Vec<f32> {
        if self == Kind::Product {
            let mut results = vec![1.0_f32; groups];
            for (value, group) in list.iter().zip(places) {
                results[*group] *= value;
            }
            return results;
        }
        let doubles = list.iter().copied().map(f64::from);
        let results = self.double(doubles, places, groups).into_iter();
        results.map(|value| value as f32).collect()
    }

    fn double(
        self,
        values: impl Iterator<Item = f64> + Clone,
        places: &[usize],
        groups: usize,
    ) -> Vec<f64> {
        let fold = |start: f64, add: &dyn Fn(f64, f64) -> f64| {
            let mut results = vec![start; groups];
            for (value, group) in values.clone().zip(places) {
                results[*group] = add(results[*group], value);
            }
            results
        };
        let most = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
        let least = |a: f64, b: f64| if b < a || b.is_nan() { b } else { a };
        match self {
            Kind::Sum => fold(0.0, &|a, b| a + b),
            Kind::Product => fold(1.0, &|a, b| a * b),
            Kind::Mean => {
                let count = places.len() as f64 / groups.max(1) as f64;
                let sums = fold(0.0, &|a, b| a + b).into_iter();
                sums.map(|sum| sum / count).collect()
            }
            Kind::Least => fold(f64::INFINITY, &least),
            Kind::Most => fold(f64::NEG_INFINITY, &most),
            Kind::LogSumExp => {
                let highest = fold(f64::NEG_INFINITY, &most);
                let mut sums = vec![0.0; groups];
                for (value, group) in values.clone().zip(places) {
                    sums[*group] += (value - highest[*group]).exp();
                }
                let logs = sums.iter().zip(&highest);
                logs.map(|(sum, highest)| sum.ln() + highest).collect()
            }
            Kind::SumOfSquares => fold(0.0, &|a, b| a + b * b),
            Kind::Length => {
                let squares = fold(0.0, &|a, b| a + b * b).into_iter();
                squares.map(f64::sqrt).collect()
            }
            Kind::SumOfAbsolutes => fold(0.0, &|a, b| a + b.abs()),
        }
    }
}

impl Factors {
    #[allow(
        clippy::many_single_char_names,
        reason = "matrices and their dimensions, as the specification names them"
    )]
    fn multiply(self, a: &Tensor, b: &Tensor, c: Option<&Tensor>, work: &mut Work) -> Done<Tensor> {
        let given: Vec<&Tensor> = [Some(a), Some(b), c].into_iter().flatten().collect();
        let unfit = || unfit("a product of matrices", &given);
        let ([m, k], [l, n]) = (&a.dims[..], &b.dims[..]) else {
            return Err(unfit());
        };
        let (rows, inner) = if self.turn_a { (*k, *m) } else { (*m, *k) };
        let (inner_b, columns) = if self.turn_b { (*n, *l) } else { (*l, *n) };
        if inner != inner_b {
            return Err(unfit());
        }
        let dims = vec![rows, columns];
        let count = work.room(&dims)?;
        work.steps(product(&[count, inner]).unwrap_or(usize::MAX))?;
        let single = matches!((&a.data, &b.data), (Data::Single(_), Data::Single(_)));
        let double = matches!((&a.data, &b.data), (Data::Double(_), Data::Double(_)));
        if !single && !double {
            return Err(unfit());
        }
        let (x, y) = (a.data.doubles(), b.data.doubles());
        let (x, y) = (x.ok_or_else(unfit)?, y.ok_or_else(unfit)?);
        work.room(&[x.len(), 1])?;
        work.steps(y.len())?;
        let added = match c {
            None => vec![0.0; count],
            Some(c) => {
                let fits = super::tensor::broadcast(&c.dims, &dims).as_ref() == Some(&dims);
                let list = c.data.doubles().filter(|_| fits).ok_or_else(unfit)?;
                let places = super::tensor::stretched(&c.dims, &dims);
                let values = places.iter().filter_map(|at| list.get(*at).copied());
                values.map(|value| value * f64::from(self.beta)).collect()
            }
        };
        let mut sums = Vec::with_capacity(count);
        for (at, added) in added.iter().enumerate() {
            let (row, column) = (at / columns.max(1), at % columns.max(1));
            let products = (0..inner).map(|i| {
                let x_at = if self.turn_a {
                    i * rows + row
                } else {
                    row * inner + i
                };
                let y_at = if self.turn_b {
                    column * inner + i
                } else {
                    i * columns + column
                };
                x[x_at] * y[y_at]
            });
            sums.push(products.sum::<f64>() * f64::from(self.alpha) + added);
        }
        let data = if single {
            Data::Single(sums.into_iter().map(|sum| sum as f32).collect())
        } else {
            Data::Double(sums)
        };
        Ok(Tensor { dims, data })
    }
}

/// The first place of the highest value along a dimension.
fn arg_max(x: &Tensor, axis: i64, keep: bool, work: &mut Work) -> Done<Tensor> {
    let unfit = || unfit("ArgMax", &[x]);
    let axis = x.axis(axis).ok_or_else(unfit)?;
    let width = x
        .dims
        .get(axis)
        .copied()
        .filter(|width| *width > 0)
        .ok_or_else(unfit)?;
    let mut dims = x.dims.clone();
    dims[axis] = 1;
    let count = work.room(&dims)?;
    work.steps(x.data.len())?;
    let list = match &x.data {
        Data::Integer(list) => list.iter().map(|value| *value as f64).collect(),
        data => data.doubles().ok_or_else(unfit)?,
    };
    let inner: usize = x.dims.iter().skip(axis + 1).product();
    let mut places = Vec::with_capacity(count);
    for group in 0..count {
        let start = group / inner.max(1) * inner * width + group % inner.max(1);
        let mut best = 0;
        for at in 1..width {
            if list[start + at * inner] > list[start + best * inner] {
                best = at;
            }
        }
        places.push(best as i64);
    }
    if !keep {
        dims.remove(axis);
    }
    Ok(Tensor {
        dims,
        data: Data::Integer(places),
    })
}
