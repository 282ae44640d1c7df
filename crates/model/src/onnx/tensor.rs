//! Values on their way through a graph.

use std::sync::Arc;

/// Numbers or words in the order of their dimensions, the last running fastest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) dims: Vec<usize>,
    pub(super) data: Data,
}

/// The values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Single(Vec<f32>),
    Double(Vec<f64>),
    Integer(Vec<i64>),
    Boolean(Vec<bool>),
    Text(Vec<Arc<str>>),
}

/// Does the same with the values of a tensor, whatever they are.
macro_rules! each {
    ($data:expr, $list:ident => $do:expr) => {
        match $data {
            Data::Single($list) => Data::Single($do),
            Data::Double($list) => Data::Double($do),
            Data::Integer($list) => Data::Integer($do),
            Data::Boolean($list) => Data::Boolean($do),
            Data::Text($list) => Data::Text($do),
        }
    };
}

impl Data {
    pub(super) fn len(&self) -> usize {
        match self {
            Data::Single(list) => list.len(),
            Data::Double(list) => list.len(),
            Data::Integer(list) => list.len(),
            Data::Boolean(list) => list.len(),
            Data::Text(list) => list.len(),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Data::Single(_) => "float",
            Data::Double(_) => "double",
            Data::Integer(_) => "int64",
            Data::Boolean(_) => "bool",
            Data::Text(_) => "string",
        }
    }

    /// The values at these places, which are all within the list.
    pub(super) fn select(&self, places: &[usize]) -> Data {
        #[allow(clippy::cloned_instead_of_copied, reason = "words are not copied")]
        let selected =
            each!(self, list => places.iter().filter_map(|at| list.get(*at).cloned()).collect());
        selected
    }

    /// The values of the second behind those of the first; not if they are of different kinds.
    pub(super) fn append(self, other: &Data) -> Option<Data> {
        Some(match (self, other) {
            (Data::Single(mut list), Data::Single(more)) => {
                list.extend_from_slice(more);
                Data::Single(list)
            }
            (Data::Double(mut list), Data::Double(more)) => {
                list.extend_from_slice(more);
                Data::Double(list)
            }
            (Data::Integer(mut list), Data::Integer(more)) => {
                list.extend_from_slice(more);
                Data::Integer(list)
            }
            (Data::Boolean(mut list), Data::Boolean(more)) => {
                list.extend_from_slice(more);
                Data::Boolean(list)
            }
            (Data::Text(mut list), Data::Text(more)) => {
                list.extend_from_slice(more);
                Data::Text(list)
            }
            _ => return None,
        })
    }

    /// Numbers as doubles, which hold singles exactly.
    pub(super) fn doubles(&self) -> Option<Vec<f64>> {
        match self {
            Data::Single(list) => Some(list.iter().copied().map(f64::from).collect()),
            Data::Double(list) => Some(list.clone()),
            _ => None,
        }
    }
}

impl Tensor {
    /// A row of values.
    pub(super) fn row(data: Data) -> Self {
        Self {
            dims: vec![1, data.len()],
            data,
        }
    }

    /// The same values under other dimensions, of the same product.
    pub(super) fn with_dims(&self, dims: Vec<usize>) -> Self {
        debug_assert_eq!(product(&dims), Some(self.data.len()));
        Self {
            dims,
            data: self.data.clone(),
        }
    }

    pub(super) fn integers(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Integer(list) => Some(list),
            _ => None,
        }
    }

    /// Rows and columns, where it has one dimension or two.
    pub(super) fn rows_and_columns(&self) -> Option<(usize, usize)> {
        match self.dims[..] {
            [columns] => Some((1, columns)),
            [rows, columns] => Some((rows, columns)),
            _ => None,
        }
    }

    /// The dimension that a number names, which counts from the end if it is negative.
    pub(super) fn axis(&self, axis: i64) -> Option<usize> {
        place(axis, self.dims.len())
    }
}

/// A place among `count`, from the end if negative.
pub(super) fn place(at: i64, count: usize) -> Option<usize> {
    let count = i64::try_from(count).ok()?;
    let at = if at < 0 { at.checked_add(count)? } else { at };
    (0..count).contains(&at).then_some(at as usize)
}

/// How many values there are under these dimensions.
pub(super) fn product(dims: &[usize]) -> Option<usize> {
    dims.iter()
        .try_fold(1_usize, |product, dim| product.checked_mul(*dim))
}

/// The dimensions that two tensors are stretched to when they are combined value by value.
pub(super) fn broadcast(one: &[usize], other: &[usize]) -> Option<Vec<usize>> {
    let rank = one.len().max(other.len());
    let dim = |dims: &[usize], at: usize| {
        let missing = rank - dims.len();
        if at < missing { 1 } else { dims[at - missing] }
    };
    (0..rank)
        .map(|at| match (dim(one, at), dim(other, at)) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        })
        .collect()
}

/// For every value under `to`, the place of the one that it is stretched from.
pub(super) fn stretched(from: &[usize], to: &[usize]) -> Vec<usize> {
    let count = to.iter().product();
    let missing = to.len() - from.len();
    let mut steps = vec![0; to.len()];
    let mut step = 1;
    for at in (0..from.len()).rev() {
        if from[at] != 1 {
            steps[at + missing] = step;
        }
        step *= from[at];
    }
    let mut places = Vec::with_capacity(count);
    let mut index = vec![0; to.len()];
    let mut place = 0;
    for _ in 0..count {
        places.push(place);
        for at in (0..to.len()).rev() {
            index[at] += 1;
            place += steps[at];
            if index[at] < to[at] {
                break;
            }
            place -= steps[at] * to[at];
            index[at] = 0;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_of_one_are_stretched() {
        assert_eq!(broadcast(&[1, 3], &[2, 1]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[3], &[2, 3]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[2], &[3]), None);
        assert_eq!(stretched(&[1, 3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(stretched(&[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(stretched(&[], &[2]), [0, 0]);
    }
}
