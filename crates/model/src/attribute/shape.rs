//! What trees must be before they are walked: every node below one parent, and no path longer than a recursion may go.
//!
//! Readers of formats see to the first already; here it is looked at again, because a node with two parents would make a walk
//! exponentially long without making anything wrong.

use crate::{Ensemble, ModelError, Node, Tree};

/// Splits on the way to a leaf. Boosted trees have ten, forests grown to the end some tens; a walk goes one call deeper for
/// each, and 1,024 of them fit into the smallest stack of a thread also without optimisation.
const DEPTH: u64 = 1_024;

/// The most splits on the way to a leaf, and how many nodes there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    pub(super) depth: usize,
    pub(super) nodes: u64,
    pub(super) splits: u64,
}

impl Shape {
    /// Of all trees: the deepest one's depth, everybody's nodes.
    pub(super) fn of(ensemble: &Ensemble) -> Result<Self, ModelError> {
        let mut whole = Shape::default();
        for (number, tree) in ensemble.trees.iter().enumerate() {
            let depth = depth(tree, ensemble.columns).ok_or_else(|| ModelError::Unsupported {
                format: "additive",
                what: format!("tree {number}, whose nodes are not a tree over the model's columns"),
            })?;
            let splits = tree
                .nodes
                .iter()
                .filter(|node| matches!(node, Node::Split(_)));
            whole.depth = whole.depth.max(depth);
            whole.nodes += tree.nodes.len() as u64;
            whole.splits += splits.count() as u64;
        }
        if whole.depth as u64 > DEPTH {
            return Err(ModelError::TooLarge {
                what: "depth of a tree that is to be attributed",
                found: whole.depth as u64,
                most: DEPTH,
            });
        }
        Ok(whole)
    }
}

/// None if a child does not come after its parent, has two, or is not there, or if a column is not.
fn depth(tree: &Tree, columns: usize) -> Option<usize> {
    let mut depths = vec![None; tree.nodes.len()];
    *depths.first_mut()? = Some(0);
    let mut deepest = 0;
    for (at, node) in tree.nodes.iter().enumerate() {
        let Node::Split(split) = node else { continue };
        if split.column as usize >= columns {
            return None;
        }
        // A node that nothing leads to is not walked; what is below it is not either.
        let below = depths[at].map(|depth| depth + 1);
        for child in [split.left as usize, split.right as usize] {
            let slot = depths.get_mut(child).filter(|_| child > at)?;
            if slot.is_some() {
                return None;
            }
            *slot = below;
        }
        deepest = deepest.max(below.unwrap_or(0));
    }
    Some(deepest)
}
