//! What a graph's outputs are: scores, and perhaps a label.

use crate::{ModelError, Scale, Task};

use super::arithmetic::{Arithmetic, Binary, Unary};
use super::encode::Encode;
use super::graph::{Node, Run};
use super::operator::Operator;
use super::shape::Shape;
use super::tensor::{Data, Tensor};
use super::unsupported;

/// The outputs of a graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ending {
    /// The place of the numbers.
    pub(super) scores: usize,
    /// The place of the label, if there is one.
    pub(super) label: Option<usize>,
    pub(super) task: Task,
    pub(super) classes: Vec<String>,
}

impl Ending {
    /// One output of numbers, and at most one of a label.
    pub(super) fn find(
        outputs: &[usize],
        nodes: &[Node],
        blank: &Run<'_>,
    ) -> Result<Self, ModelError> {
        let (mut scores, mut label) = (Vec::new(), None);
        for at in outputs {
            match blank.get(*at).map(|tensor| &tensor.data) {
                Some(Data::Single(_) | Data::Double(_)) => scores.push(*at),
                Some(data) if data.len() == 1 && label.is_none() => label = Some(*at),
                _ => return Err(unsupported("an output that is neither scores nor a label")),
            }
        }
        let [scores] = scores[..] else {
            let what = format!("a graph with {} outputs of numbers", scores.len());
            return Err(unsupported(&what));
        };
        let count = blank.get(scores).map_or(0, |tensor| tensor.data.len());
        if count == 0 {
            return Err(unsupported("a graph whose output is empty"));
        }
        let classes = classes(nodes, blank, label, count);
        let task = match (label.is_some() || !classes.is_empty(), count) {
            (false, _) => Task::Regression,
            (true, 1 | 2) => Task::Binary,
            (true, _) => Task::Multiclass,
        };
        Ok(Self {
            scores,
            label,
            task,
            classes,
        })
    }
}

/// From the classifier, or what names its scores, or the list that the label is taken from.
fn classes(nodes: &[Node], blank: &Run<'_>, label: Option<usize>, count: usize) -> Vec<String> {
    let named = nodes.iter().find_map(|node| match &node.operator {
        Operator::Trees(trees) => trees.classes.as_ref().map(|classes| classes.labels.names()),
        Operator::Weighted(weighted) => weighted.labels.as_ref().map(super::labels::Labels::names),
        Operator::Encode(Encode::ZipMap { labels }) => Some(labels.names()),
        _ => None,
    });
    let fits = |names: &Vec<String>| names.len() == count || (names.len() == 2 && count == 1);
    named
        .or_else(|| listed(nodes, blank, label?))
        .filter(fits)
        .unwrap_or_default()
}

fn listed(nodes: &[Node], blank: &Run<'_>, mut at: usize) -> Option<Vec<String>> {
    for node in nodes.iter().rev() {
        if !node.outputs.contains(&Some(at)) {
            continue;
        }
        let first = node.inputs.first().copied().flatten()?;
        let Operator::Encode(Encode::ArrayFeatureExtractor) = node.operator else {
            at = first;
            continue;
        };
        let list = blank.constants.get(first)?.as_ref()?;
        return match &list.data {
            Data::Integer(list) => Some(list.iter().map(ToString::to_string).collect()),
            Data::Text(list) => Some(list.iter().map(ToString::to_string).collect()),
            _ => None,
        };
    }
    None
}

/// The scale of the sums that a node gives, if what follows up to the scores only changes their form: classes by name, other
/// dimensions, shares of a whole, or the exponential of a logarithm.
pub(super) fn scale(nodes: &[Node], sums: usize, run: &Run<'_>, scores: usize) -> Option<Scale> {
    let own = nodes.get(sums)?;
    let mut scale = own.operator.scale()?;
    let mut at = scores;
    for node in nodes.iter().skip(sums + 1).rev() {
        if !node.outputs.contains(&Some(at)) {
            continue;
        }
        let inputs: Vec<usize> = node.inputs.iter().flatten().copied().collect();
        #[allow(clippy::match_same_arms, reason = "one arm a way to end")]
        let before = match (&node.operator, &inputs[..]) {
            (
                Operator::Encode(Encode::ZipMap { .. })
                | Operator::Shape(Shape::Identity)
                | Operator::Arithmetic(Arithmetic::Cast(_)),
                [x],
            ) => *x,
            (Operator::Shape(Shape::Reshape { .. } | Shape::Flatten { .. }), [x, ..]) => *x,
            (Operator::Encode(Encode::Normalizer { squares: false }), [x])
                if scale != Scale::Value =>
            {
                *x
            }
            (Operator::Arithmetic(Arithmetic::One(Unary::Exp)), [x]) if scale == Scale::Value => {
                scale = Scale::Log;
                *x
            }
            (Operator::Arithmetic(Arithmetic::Two(Binary::Mul)), [x, one])
                if run.constants.get(*one)?.as_ref().is_some_and(is_one) =>
            {
                *x
            }
            _ => return None,
        };
        at = before;
    }
    let kept = run.get(at)?.data.len();
    let of_own = own.outputs.last().copied().flatten() == Some(at);
    let classes = kept == own.sums() || (own.sums() == 1 && kept == 2);
    (of_own && classes).then_some(scale)
}

#[allow(clippy::float_cmp, reason = "1 is exact")]
fn is_one(tensor: &Tensor) -> bool {
    let list = tensor.data.doubles();
    list.is_some_and(|list| list.iter().all(|value| *value == 1.0))
}

impl Node {
    fn sums(&self) -> usize {
        match &self.operator {
            Operator::Trees(trees) => trees.ensemble.base.len(),
            Operator::Weighted(weighted) => weighted.linear.intercepts.len(),
            _ => 0,
        }
    }
}
