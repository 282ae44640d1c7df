//! Trees: from the columns of numbers that a file holds for each to nodes.
//!
//! Sources: `RegTree::LoadModel` and `LoadCategoricalSplit` in `src/tree/tree_model.cc`, `GetNextNode` in
//! `src/predictor/predict_fn.h`, `Decision` in `src/common/categorical.h`. A value below the threshold goes left; a category
//! of the split's goes right; a missing value goes where the split says.

use super::document::{Item, Members, index};
use super::{FORMAT, malformed, unsupported};
use crate::{Leaf, Limits, Missing, ModelError, Node, Split, Test, Tree, shape};

/// What is known of the whole model, and what may still be read of it.
pub(super) struct Context<'a> {
    pub(super) columns: usize,
    pub(super) outputs: usize,
    pub(super) limits: &'a Limits,
    /// Nodes so far.
    pub(super) nodes: u64,
    /// Words of sets of categories so far: a number of a few digits makes a set of many.
    pub(super) words: u64,
}

/// The left child of a leaf.
const NONE: f64 = -1.0;

/// A tree whose leaves add to one output, times a weight.
pub(super) fn read(
    members: &Members<'_>,
    output: u32,
    weight: Option<f32>,
    context: &mut Context<'_>,
) -> Result<Tree, ModelError> {
    let parameters = members.object("tree_param")?;
    if parameters.count_or("size_leaf_vector", 0)? > 1 {
        return Err(unsupported(
            "a tree of several outputs (multi_strategy=multi_output_tree)",
        ));
    }
    let lefts = members.numbers("left_children")?;
    let count = lefts.len();
    context.nodes = context.nodes.saturating_add(count as u64);
    Limits::check("nodes", context.nodes, context.limits.nodes)?;
    if parameters.count("num_nodes")? != count as u64 {
        return Err(malformed(
            members.place("tree_param.num_nodes"),
            "not the number of nodes",
        ));
    }
    let columns = Columns {
        lefts,
        rights: members.numbers_of("right_children", count)?,
        indices: members.numbers_of("split_indices", count)?,
        conditions: members.numbers_of("split_conditions", count)?,
        covers: members.numbers_of("sum_hessian", count)?,
        default_left: default_left(members, count)?,
        categories: Categories::read(members, count, context)?,
    };
    let nodes: Result<Vec<Node>, ModelError> = (0..count)
        .map(|at| columns.node(at, output, weight, members))
        .collect();
    let tree = Tree {
        nodes: unreached_are_empty(nodes?),
    };
    let checked = shape::check(&tree, context.columns, context.outputs, context.limits);
    checked.map_err(|fault| fault.error(FORMAT, |node| members.place(format!("node {node}"))))?;
    Ok(tree)
}

/// Versions before 1.6 write truth values, later ones 0 and 1.
fn default_left(members: &Members<'_>, count: usize) -> Result<Vec<bool>, ModelError> {
    let name = "default_left";
    let wrong = || malformed(members.place(name), "not a truth value for every node");
    let flags: Option<Vec<bool>> = match members.required(name)? {
        Item::Numbers(numbers) => Some(numbers.iter().map(|number| *number != 0.0).collect()),
        Item::List(items) => items.iter().map(flag).collect(),
        _ => None,
    };
    flags.filter(|flags| flags.len() == count).ok_or_else(wrong)
}

fn flag(item: &Item) -> Option<bool> {
    match item {
        Item::Flag(flag) => Some(*flag),
        _ => None,
    }
}

struct Columns<'a> {
    lefts: &'a [f64],
    rights: &'a [f64],
    indices: &'a [f64],
    conditions: &'a [f64],
    covers: &'a [f64],
    default_left: Vec<bool>,
    categories: Categories,
}

impl Columns<'_> {
    fn node(
        &self,
        at: usize,
        output: u32,
        weight: Option<f32>,
        members: &Members<'_>,
    ) -> Result<Node, ModelError> {
        let wrong =
            |name: &str, problem: &str| malformed(members.place(format!("{name}[{at}]")), problem);
        let number = |column: &[f64]| column.get(at).copied().unwrap_or(f64::NAN);
        let condition = number(self.conditions) as f32;
        let cover = Some(f64::from(number(self.covers) as f32));
        if number(self.lefts) == NONE {
            let value = weight.map_or(condition, |weight| condition * weight);
            let values = vec![(output, f64::from(value))];
            return Ok(Node::Leaf(Leaf { values, cover }));
        }
        let child =
            |column: &[f64]| index(number(column)).and_then(|child| u32::try_from(child).ok());
        let left = child(self.lefts).ok_or_else(|| wrong("left_children", "not a node"))?;
        // XGBoost itself takes the right child to be the one after the left.
        let right = child(self.rights).filter(|right| left.checked_add(1) == Some(*right));
        let right =
            right.ok_or_else(|| wrong("right_children", "not the node after the left child"))?;
        let column = child(self.indices).ok_or_else(|| wrong("split_indices", "not a column"))?;
        let test = match self.categories.of(at) {
            Some(set) => Test::NotIn(set.to_vec()),
            None => Test::Less(f64::from(condition)),
        };
        let default_left = self.default_left.get(at).copied().unwrap_or_default();
        let missing = if default_left {
            Missing::Left
        } else {
            Missing::Right
        };
        Ok(Node::Split(Split {
            column,
            test,
            missing,
            left,
            right,
            cover,
        }))
    }
}

/// Nodes that pruning left behind have no parent and never end a walk; what they held is not checked or kept.
fn unreached_are_empty(mut nodes: Vec<Node>) -> Vec<Node> {
    let mut reached = vec![false; nodes.len()];
    if let Some(root) = reached.first_mut() {
        *root = true;
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        let here = reached.get(at).copied().unwrap_or_default();
        match node {
            Node::Split(split) if here => {
                for child in [split.left, split.right] {
                    if let Some(child) = reached.get_mut(child as usize) {
                        *child = true;
                    }
                }
            }
            Node::Leaf(_) if here => {}
            _ => {
                *node = Node::Leaf(Leaf {
                    values: Vec::new(),
                    cover: None,
                });
            }
        }
    }
    nodes
}

/// Sets of categories, by node.
struct Categories {
    nodes: Vec<(usize, Vec<u64>)>,
}

impl Categories {
    fn of(&self, at: usize) -> Option<&[u64]> {
        let found = self.nodes.binary_search_by(|node| node.0.cmp(&at));
        found
            .ok()
            .and_then(|at| self.nodes.get(at))
            .map(|node| node.1.as_slice())
    }

    fn read(
        members: &Members<'_>,
        count: usize,
        context: &mut Context<'_>,
    ) -> Result<Self, ModelError> {
        let mut sets = Self { nodes: Vec::new() };
        if members.get("split_type").is_none() {
            return Ok(sets);
        }
        let kinds = members.numbers_of("split_type", count)?;
        let nodes = members.numbers("categories_nodes")?;
        let starts = members.numbers_of("categories_segments", nodes.len())?;
        let sizes = members.numbers_of("categories_sizes", nodes.len())?;
        let all = members.numbers("categories")?;
        for (node, (start, size)) in nodes.iter().zip(starts.iter().zip(sizes)) {
            let wrong = |problem: &str| malformed(members.place("categories_nodes"), problem);
            let node = index(*node).and_then(|node| usize::try_from(node).ok());
            let node = node
                .filter(|node| *node < count)
                .ok_or_else(|| wrong("not a node"))?;
            if sets.nodes.last().is_some_and(|last| last.0 >= node) {
                return Err(wrong("not in order"));
            }
            let listed = slice(all, *start, *size).filter(|listed| !listed.is_empty());
            let listed = listed.ok_or_else(|| wrong("categories that are not there"))?;
            sets.nodes.push((node, set(listed, members, context)?));
        }
        let categorical = kinds.iter().enumerate().filter(|(_, kind)| **kind != 0.0);
        if !categorical
            .map(|(at, _)| at)
            .eq(sets.nodes.iter().map(|node| node.0))
        {
            let problem = "not the nodes that have categories";
            return Err(malformed(members.place("split_type"), problem));
        }
        Ok(sets)
    }
}

fn slice(all: &[f64], start: f64, size: f64) -> Option<&[f64]> {
    let start = usize::try_from(index(start)?).ok()?;
    let end = start.checked_add(usize::try_from(index(size)?).ok()?)?;
    all.get(start..end)
}

fn set(
    listed: &[f64],
    members: &Members<'_>,
    context: &mut Context<'_>,
) -> Result<Vec<u64>, ModelError> {
    let mut set = Vec::new();
    for category in listed {
        let category = index(*category);
        let category =
            category.ok_or_else(|| malformed(members.place("categories"), "not a category"))?;
        Limits::check(
            "the number of a category",
            category,
            context.limits.categories,
        )?;
        let word = (category / 64) as usize;
        if set.len() <= word {
            set.resize(word + 1, 0_u64);
        }
        if let Some(word) = set.get_mut(word) {
            *word |= 1 << (category % 64);
        }
    }
    context.words = context.words.saturating_add(set.len() as u64);
    Limits::check(
        "words of sets of categories",
        context.words,
        context.limits.nodes,
    )?;
    Ok(set)
}
