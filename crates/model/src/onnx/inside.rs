//! Which input every value comes from: what tells whether a graph is a sum of columns with one input each.
//!
//! While the graph is run on blanks, every value carries the input that it depends on. Where trees or weights then find
//! columns of one input each, exact attributions to inputs are possible.

use super::operator::Operator;
use super::tensor::{Data, Tensor, stretched};
use super::work::Work;

/// How the values of an operator's output depend on those of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// One on one, in order.
    Keep,
    /// As many for each, in order.
    Spread,
    /// Value by value, stretched to each other.
    Combine,
    /// The same values at other places: the places are found by moving the names instead of the values.
    Rearrange,
    /// All on all.
    Mix,
}

/// No input: a constant.
pub(super) const NONE: i64 = -1;
/// Several inputs.
pub(super) const SEVERAL: i64 = -2;

/// The input that each value depends on.
pub(super) type Owners = Vec<i64>;

/// The owners of an operator's output.
pub(super) fn flow(
    operator: &Operator,
    inputs: &[Option<(&Tensor, &Owners)>],
    output: &Tensor,
) -> Owners {
    let count = output.data.len();
    let given: Vec<(&Tensor, &Owners)> = inputs.iter().flatten().copied().collect();
    let mixed = || {
        let all = given.iter().flat_map(|(_, owners)| owners.iter().copied());
        vec![all.fold(NONE, both); count]
    };
    match (operator.flow(), &given[..]) {
        (Flow::Keep | Flow::Spread, [(_, owners), rest @ ..])
            if rest.iter().all(|(_, owners)| constant(owners))
                && !owners.is_empty()
                && count.is_multiple_of(owners.len()) =>
        {
            let each = count / owners.len();
            let spread = owners
                .iter()
                .flat_map(|owner| std::iter::repeat_n(*owner, each));
            spread.collect()
        }
        (Flow::Combine, _) => {
            let mut result = vec![NONE; count];
            for (tensor, owners) in &given {
                let places = stretched(&tensor.dims, &output.dims);
                for (owner, at) in result.iter_mut().zip(places) {
                    *owner = both(*owner, owners.get(at).copied().unwrap_or(SEVERAL));
                }
            }
            result
        }
        (Flow::Rearrange, _) => rearranged(operator, &given).unwrap_or_else(mixed),
        _ => mixed(),
    }
}

fn both(one: i64, other: i64) -> i64 {
    match (one, other) {
        (NONE, other) => other,
        (one, NONE) => one,
        (one, other) if one == other => one,
        _ => SEVERAL,
    }
}

pub(super) fn constant(owners: &Owners) -> bool {
    owners.iter().all(|owner| *owner == NONE)
}

/// Runs the operator on the names of owners. Places that it takes them from must be constant.
fn rearranged(operator: &Operator, given: &[(&Tensor, &Owners)]) -> Option<Owners> {
    let takes_places = operator.takes_places();
    let named: Vec<Tensor> = given
        .iter()
        .enumerate()
        .map(|(at, (tensor, owners))| {
            if takes_places && at == 1 {
                return (*tensor).clone();
            }
            Tensor {
                dims: tensor.dims.clone(),
                data: Data::Integer((*owners).clone()),
            }
        })
        .collect();
    if takes_places && !given.get(1).is_some_and(|(_, owners)| constant(owners)) {
        return None;
    }
    let inputs: Vec<Option<&Tensor>> = named.iter().map(Some).collect();
    let done = operator.run(&inputs, &mut Work::new(true)).ok()?;
    match &done.first()?.data {
        Data::Integer(owners) => Some(owners.clone()),
        // What makes singles of everything.
        Data::Single(owners) => Some(owners.iter().map(|owner| *owner as i64).collect()),
        _ => None,
    }
}
