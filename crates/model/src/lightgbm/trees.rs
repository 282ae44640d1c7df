//! Trees: inner nodes and leaves are numbered apart in a file, and a child is a leaf if its number is negative. Here the leaves
//! follow the inner nodes.
//!
//! Sources: `Tree::Tree(const char*, size_t*)` in `src/io/tree.cpp`, `NumericalDecision` and `CategoricalDecision` in
//! `include/LightGBM/tree.h`. A value at or below the threshold goes left, and a category of the split's.

use super::text::Block;
use super::{FORMAT, unsupported};
use crate::{Leaf, Limits, Missing, ModelError, Node, Split, Test, Tree, shape};

/// What is known of the whole model, and what may still be read of it.
pub(super) struct Context<'a> {
    pub(super) columns: usize,
    pub(super) outputs: usize,
    pub(super) limits: &'a Limits,
    /// Nodes so far.
    pub(super) nodes: u64,
    /// Words of sets of categories so far: several nodes may name one set.
    pub(super) words: u64,
}

const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// A tree whose leaves add to one output.
pub(super) fn read(
    block: &Block<'_>,
    output: u32,
    context: &mut Context<'_>,
) -> Result<Tree, ModelError> {
    if block
        .get("is_linear")
        .is_some_and(|flag| flag.trim() != "0")
    {
        return Err(unsupported(
            "a tree with linear models in its leaves (linear_tree)",
        ));
    }
    let leaves = block.count("num_leaves")?;
    if leaves == 0 {
        return Err(block.wrong("num_leaves", "a tree has a leaf"));
    }
    context.nodes = context
        .nodes
        .saturating_add(leaves.saturating_mul(2).saturating_sub(1));
    Limits::check("nodes", context.nodes, context.limits.nodes)?;
    let leaves = leaves as usize;
    let splits = leaves - 1;
    let mut nodes = if splits == 0 {
        Vec::new()
    } else {
        self::splits(block, splits, context)?
    };
    let values: Vec<f64> = block.numbers("leaf_value", leaves)?;
    let counts: Option<Vec<u32>> = block.numbers_if_there("leaf_count", leaves)?;
    let leaf = |(at, value): (usize, f64)| {
        let count = counts.as_ref().and_then(|counts| counts.get(at));
        let values = vec![(output, value)];
        Node::Leaf(Leaf {
            values,
            cover: count.map(|count| f64::from(*count)),
        })
    };
    nodes.extend(values.into_iter().enumerate().map(leaf));
    let tree = Tree { nodes };
    let checked = shape::check(&tree, context.columns, context.outputs, context.limits);
    checked.map_err(|fault| fault.error(FORMAT, |node| format!("{}node {node}", block.place)))?;
    Ok(tree)
}

fn splits(
    block: &Block<'_>,
    count: usize,
    context: &mut Context<'_>,
) -> Result<Vec<Node>, ModelError> {
    let lefts: Vec<i32> = block.numbers("left_child", count)?;
    let rights: Vec<i32> = block.numbers("right_child", count)?;
    let features: Vec<u32> = block.numbers("split_feature", count)?;
    let thresholds: Vec<f64> = block.numbers("threshold", count)?;
    let decisions: Option<Vec<u8>> = block.numbers_if_there("decision_type", count)?;
    let decisions = decisions.unwrap_or_else(|| vec![0; count]);
    let counts: Option<Vec<u32>> = block.numbers_if_there("internal_count", count)?;
    let sets = Sets::read(block)?;
    let mut nodes = Vec::with_capacity(count);
    let children = lefts.iter().zip(&rights);
    let tests = thresholds.iter().zip(&decisions).zip(&features);
    for (at, ((left, right), ((threshold, decision), column))) in children.zip(tests).enumerate() {
        let child = |child: i32, name: &str| {
            let child = i64::from(child);
            // The leaf `n` is written as the complement of `n`.
            let number = if child < 0 {
                count as i64 + !child
            } else {
                child
            };
            u32::try_from(number).map_err(|_| block.wrong(name, "not a node"))
        };
        let missing =
            missing(*decision).ok_or_else(|| block.wrong("decision_type", "not known"))?;
        let (test, missing) = if decision & CATEGORICAL == 0 {
            (Test::LessOrEqual(*threshold), missing)
        } else {
            let set = sets
                .of(*threshold)
                .ok_or_else(|| block.wrong("threshold", "no set of categories"))?;
            context.words = context.words.saturating_add(set.len() as u64);
            Limits::check(
                "words of sets of categories",
                context.words,
                context.limits.nodes,
            )?;
            (Test::In(set), Missing::Right)
        };
        nodes.push(Node::Split(Split {
            column: *column,
            test,
            missing,
            left: child(*left, "left_child")?,
            right: child(*right, "right_child")?,
            cover: counts
                .as_ref()
                .and_then(|counts| counts.get(at))
                .map(|count| f64::from(*count)),
        }));
    }
    Ok(nodes)
}

/// Bits 2 and 3 say what is missing: nothing, zero or NaN.
fn missing(decision: u8) -> Option<Missing> {
    let left = decision & DEFAULT_LEFT != 0;
    match (decision >> 2, left) {
        (0, _) => Some(Missing::Zero),
        (1, true) => Some(Missing::LeftWithZero),
        (1, false) => Some(Missing::RightWithZero),
        (2, true) => Some(Missing::Left),
        (2, false) => Some(Missing::Right),
        _ => None,
    }
}

/// Sets of categories, in words of 32 bits that stand one after the other.
struct Sets {
    boundaries: Vec<usize>,
    words: Vec<u32>,
}

impl Sets {
    fn read(block: &Block<'_>) -> Result<Self, ModelError> {
        let count = block.count("num_cat")? as usize;
        if count == 0 {
            return Ok(Self {
                boundaries: Vec::new(),
                words: Vec::new(),
            });
        }
        let boundaries: Vec<usize> = block.numbers("cat_boundaries", count.saturating_add(1))?;
        let words = boundaries.last().copied().unwrap_or_default();
        Ok(Self {
            words: block.numbers("cat_threshold", words)?,
            boundaries,
        })
    }

    /// The set that a categorical split's threshold is the number of.
    fn of(&self, threshold: f64) -> Option<Vec<u64>> {
        let at = (threshold >= 0.0 && threshold.fract() == 0.0).then_some(threshold as usize)?;
        let (from, to) = (
            *self.boundaries.get(at)?,
            *self.boundaries.get(at.checked_add(1)?)?,
        );
        let pairs = self.words.get(from..to)?.chunks(2);
        let joined = pairs.map(|pair| match pair {
            [low, high] => u64::from(*low) | u64::from(*high) << 32,
            _ => pair.first().copied().map_or(0, u64::from),
        });
        Some(joined.collect())
    }
}
