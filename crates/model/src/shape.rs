//! What every tree that was read keeps to, whoever wrote it: a walk ends, no node is reached by two ways (attributions
//! walk all of them), no index leads out of the row or the outputs.

use crate::{Leaf, Limits, ModelError, Node, Split, Test, Tree};

/// What is wrong with a tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A node breaks a rule.
    Broken {
        /// The node.
        node: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// It is deeper than is taken.
    Deep(ModelError),
}

impl Fault {
    /// As an error about a file of this format; the place is made of the node's number.
    pub(crate) fn error(
        self,
        format: &'static str,
        place: impl FnOnce(usize) -> String,
    ) -> ModelError {
        match self {
            Fault::Broken { node, problem } => ModelError::Malformed {
                format,
                place: place(node),
                problem,
            },
            Fault::Deep(error) => error,
        }
    }
}

/// Checks a tree against the columns and outputs of its model.
pub(crate) fn check(
    tree: &Tree,
    columns: usize,
    outputs: usize,
    limits: &Limits,
) -> Result<(), Fault> {
    // Depth of every node that has a parent, from 1; the root needs none.
    let mut depths = vec![0_u32; tree.nodes.len()];
    if tree.nodes.is_empty() {
        return fault(0, "there is no root");
    }
    for (at, node) in tree.nodes.iter().enumerate() {
        match node {
            Node::Leaf(leaf) => check_leaf(at, leaf, outputs)?,
            Node::Split(split) => {
                check_split(at, split, columns)?;
                let depth = depths.get(at).copied().unwrap_or_default() + 1;
                let deep = Limits::check("nodes above a leaf", u64::from(depth), limits.tree_depth);
                deep.map_err(Fault::Deep)?;
                for child in [split.left, split.right] {
                    if child as usize <= at {
                        return fault(at, format!("its child {child} does not come after it"));
                    }
                    match depths.get_mut(child as usize) {
                        None => return fault(at, format!("its child {child} does not exist")),
                        Some(0) => {}
                        Some(_) => return fault(at, format!("its child {child} has two parents")),
                    }
                    if let Some(slot) = depths.get_mut(child as usize) {
                        *slot = depth;
                    }
                }
            }
        }
    }
    Ok(())
}

fn check_split(at: usize, split: &Split, columns: usize) -> Result<(), Fault> {
    if split.column as usize >= columns {
        let column = split.column;
        return fault(at, format!("it asks column {column} of {columns}"));
    }
    match split.test {
        Test::Less(threshold)
        | Test::LessOrEqual(threshold)
        | Test::Greater(threshold)
        | Test::GreaterOrEqual(threshold)
        | Test::Equal(threshold)
        | Test::NotEqual(threshold)
            if threshold.is_nan() =>
        {
            return fault(at, "its threshold is no number");
        }
        _ => {}
    }
    check_cover(at, split.cover)
}

fn check_leaf(at: usize, leaf: &Leaf, outputs: usize) -> Result<(), Fault> {
    let mut last = None;
    for (output, value) in &leaf.values {
        if *output as usize >= outputs {
            return fault(at, format!("it adds to output {output} of {outputs}"));
        }
        if last.is_some_and(|last| last >= *output) {
            return fault(
                at,
                format!("it names output {output} twice, or out of order"),
            );
        }
        if !value.is_finite() {
            return fault(at, format!("it adds {value}"));
        }
        last = Some(*output);
    }
    check_cover(at, leaf.cover)
}

fn check_cover(at: usize, cover: Option<f64>) -> Result<(), Fault> {
    match cover {
        Some(cover) if !(cover.is_finite() && cover >= 0.0) => {
            fault(at, format!("its cover is {cover}"))
        }
        _ => Ok(()),
    }
}

fn fault(node: usize, problem: impl Into<String>) -> Result<(), Fault> {
    let problem = problem.into();
    Err(Fault::Broken { node, problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Missing;

    fn split(left: u32, right: u32) -> Node {
        Node::Split(Split {
            column: 0,
            test: Test::Less(0.5),
            missing: Missing::Left,
            left,
            right,
            cover: None,
        })
    }

    fn leaf(value: f64) -> Node {
        Node::Leaf(Leaf {
            values: vec![(0, value)],
            cover: None,
        })
    }

    fn checked(nodes: Vec<Node>) -> Result<(), Fault> {
        check(&Tree { nodes }, 1, 1, &Limits::default())
    }

    #[test]
    fn a_tree_in_order_is_taken() {
        assert_eq!(checked(vec![split(1, 2), leaf(1.0), leaf(2.0)]), Ok(()));
        assert_eq!(checked(vec![leaf(1.0)]), Ok(()));
    }

    #[test]
    fn what_goes_round_meets_again_or_leads_out_is_refused() {
        assert!(checked(vec![]).is_err());
        assert!(checked(vec![split(0, 1), leaf(1.0)]).is_err());
        assert!(checked(vec![split(1, 1), leaf(1.0)]).is_err());
        assert!(checked(vec![split(1, 2), split(2, 3), leaf(1.0), leaf(1.0)]).is_err());
        assert!(checked(vec![split(1, 3), leaf(1.0), leaf(1.0)]).is_err());
        assert!(checked(vec![leaf(f64::NAN)]).is_err());
    }

    #[test]
    fn a_tree_deeper_than_the_limit_is_refused() {
        let mut nodes: Vec<Node> = (0..5000).map(|n| split(2 * n + 1, 2 * n + 2)).collect();
        nodes = nodes
            .into_iter()
            .flat_map(|node| [node, leaf(0.0)])
            .collect();
        for (at, node) in nodes.iter_mut().enumerate() {
            if let Node::Split(split) = node {
                (split.left, split.right) = (at as u32 + 1, at as u32 + 2);
            }
        }
        nodes.push(leaf(0.0));
        assert!(checked(nodes).is_err_and(|fault| matches!(fault, Fault::Deep(_))));
    }
}
