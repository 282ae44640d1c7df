//! Reading the attributes of trees: lists with one entry per node and one per weight of a leaf.

use crate::{Arithmetic, Ensemble, Leaf, Limits, Missing, ModelError, Node, Split, Test, Tree};

use super::attributes::Attributes;
use super::labels::Labels;
use super::proto::too_large;
use super::scores::Transform;
use super::tensor::Data;
use super::trees::{Classes, Trees};
use super::{malformed, unsupported};

type Got<T> = Result<T, ModelError>;

/// How many times as many nodes there may be as in the file.
const SHARED: usize = 16;

/// Lists of the attributes. Every list of nodes is of one length, and so is every list of weights.
struct Lists<'a> {
    operator: &'static str,
    trees: Vec<i64>,
    nodes: Vec<i64>,
    columns: Vec<i64>,
    modes: Vec<&'a str>,
    thresholds: Vec<f64>,
    yes: Vec<i64>,
    no: Vec<i64>,
    missing_yes: Vec<i64>,
    weight_trees: Vec<i64>,
    weight_nodes: Vec<i64>,
    outputs: Vec<i64>,
    weights: Vec<f64>,
    doubles: bool,
}

pub(super) fn classifier(attributes: &mut Attributes<'_>, limits: &Limits) -> Got<Trees> {
    const OPERATOR: &str = "TreeEnsembleClassifier";
    let labels = Labels::read(attributes, "classlabels_int64s", "classlabels_strings")?;
    let transform = Transform::read(attributes)?;
    let lists = Lists::read(attributes, OPERATOR, "class", limits)?;
    let base = base(attributes, lists.doubles, OPERATOR)?;
    let positive = lists.weights.iter().all(|weight| *weight >= 0.0);
    let first_only = lists.outputs.iter().all(|class| *class == 0);
    let binary = labels.len() == 2;
    let what = |what: &str| unsupported(&format!("{OPERATOR} {what}"));
    match labels.len() {
        1 => return Err(what("of one class")),
        2 if !first_only => return Err(what("of two classes with a weight for each")),
        2 if base.len() > 1 => return Err(what("of two classes with two base_values")),
        2 if transform == Transform::Softmax => return Err(what("of two classes with SOFTMAX")),
        2 if transform == Transform::Logistic && positive => {
            // ONNX Runtime then leaves LOGISTIC out.
            return Err(what("with LOGISTIC whose weights are all positive"));
        }
        _ => {}
    }
    let outputs = if binary { 1 } else { labels.len() };
    let based = !base.is_empty();
    let ensemble = lists.ensemble(base, outputs, limits)?;
    Ok(Trees {
        operator: OPERATOR,
        doubles: lists.doubles,
        ensemble,
        averaged: None,
        transform,
        classes: Some(Classes { labels, binary }),
        positive,
        based,
    })
}

pub(super) fn regressor(attributes: &mut Attributes<'_>, limits: &Limits) -> Got<Trees> {
    const OPERATOR: &str = "TreeEnsembleRegressor";
    let average = match attributes.text("aggregate_function")?.unwrap_or("SUM") {
        "SUM" => false,
        "AVERAGE" => true,
        other => return Err(unsupported(&format!("the aggregate_function {other}"))),
    };
    let transform = Transform::read(attributes)?;
    let outputs = attributes.integer("n_targets", 0)?;
    let outputs = usize::try_from(outputs).ok().filter(|count| *count > 0);
    let outputs = outputs.ok_or_else(|| malformed(OPERATOR, "it has no targets"))?;
    if outputs == 1 && transform != Transform::None {
        // ONNX Runtime leaves it out where there is one target, the specification does not.
        let what = format!("{OPERATOR} of one target with {}", transform.name());
        return Err(unsupported(&what));
    }
    let lists = Lists::read(attributes, OPERATOR, "target", limits)?;
    let base = base(attributes, lists.doubles, OPERATOR)?;
    let positive = lists.weights.iter().all(|weight| *weight >= 0.0);
    let based = !base.is_empty();
    let ensemble = lists.ensemble(base, outputs, limits)?;
    Ok(Trees {
        operator: OPERATOR,
        doubles: lists.doubles,
        averaged: average.then(|| Trees::divided(&ensemble)),
        ensemble,
        transform,
        classes: None,
        positive,
        based,
    })
}

fn base(attributes: &mut Attributes<'_>, doubles: bool, operator: &str) -> Got<Vec<f64>> {
    let singles = attributes.singles("base_values")?;
    match attributes.tensor("base_values_as_tensor")? {
        None => Ok(singles.into_iter().map(f64::from).collect()),
        Some(tensor) => {
            let same = matches!(tensor.data, Data::Double(_)) == doubles && singles.is_empty();
            let list = tensor.data.doubles().filter(|_| same);
            list.ok_or_else(|| unsupported(&format!("{operator} of singles and doubles")))
        }
    }
}

impl<'a> Lists<'a> {
    fn read(
        attributes: &mut Attributes<'a>,
        operator: &'static str,
        weighted: &str,
        limits: &Limits,
    ) -> Got<Self> {
        let mut doubles = Vec::new();
        let mut numbers = |attributes: &mut Attributes<'a>, name: &str| -> Got<Vec<f64>> {
            let singles = attributes.singles(name)?;
            match attributes.tensor(&format!("{name}_as_tensor"))? {
                None => Ok(singles.into_iter().map(f64::from).collect()),
                Some(tensor) => {
                    doubles.push(matches!(tensor.data, Data::Double(_)));
                    let list = tensor.data.doubles().filter(|_| singles.is_empty());
                    list.ok_or_else(|| malformed(operator, "its numbers are given twice"))
                }
            }
        };
        let thresholds = numbers(attributes, "nodes_values")?;
        let weights = numbers(attributes, &format!("{weighted}_weights"))?;
        let mut integers =
            |name: &str| -> Got<Vec<i64>> { Ok(attributes.integers(name)?.unwrap_or_default()) };
        let lists = Self {
            operator,
            trees: integers("nodes_treeids")?,
            nodes: integers("nodes_nodeids")?,
            columns: integers("nodes_featureids")?,
            yes: integers("nodes_truenodeids")?,
            no: integers("nodes_falsenodeids")?,
            missing_yes: integers("nodes_missing_value_tracks_true")?,
            weight_trees: integers(&format!("{weighted}_treeids"))?,
            weight_nodes: integers(&format!("{weighted}_nodeids"))?,
            outputs: integers(&format!("{weighted}_ids"))?,
            modes: attributes.texts("nodes_modes")?,
            thresholds,
            weights,
            doubles: doubles.contains(&true),
        };
        attributes.skip("nodes_hitrates");
        attributes.skip("nodes_hitrates_as_tensor");
        if doubles.contains(&true) && doubles.contains(&false) {
            return Err(unsupported(&format!("{operator} of singles and doubles")));
        }
        lists.checked(limits)
    }

    fn checked(self, limits: &Limits) -> Got<Self> {
        let count = self.nodes.len();
        if count as u64 > limits.nodes {
            return Err(too_large("nodes of the trees", count as u64, limits.nodes));
        }
        let lengths = [
            self.trees.len(),
            self.columns.len(),
            self.modes.len(),
            self.thresholds.len(),
            self.yes.len(),
            self.no.len(),
        ];
        let missing = self.missing_yes.len();
        if lengths.iter().any(|length| *length != count) || (missing != count && missing != 0) {
            return Err(malformed(
                self.operator,
                "its lists of nodes are not of one length",
            ));
        }
        let count = self.weights.len();
        let lengths = [
            self.weight_trees.len(),
            self.weight_nodes.len(),
            self.outputs.len(),
        ];
        if lengths.iter().any(|length| *length != count) {
            return Err(malformed(
                self.operator,
                "its lists of weights are not of one length",
            ));
        }
        if count == 0 {
            return Err(malformed(self.operator, "it has no leaves"));
        }
        Ok(self)
    }

    fn ensemble(&self, mut base: Vec<f64>, outputs: usize, limits: &Limits) -> Got<Ensemble> {
        if outputs as u64 > limits.outputs {
            return Err(too_large(
                "outputs of the trees",
                outputs as u64,
                limits.outputs,
            ));
        }
        if base.is_empty() {
            base = vec![0.0; outputs];
        }
        if base.len() != outputs {
            let problem = format!("{} base_values for {outputs} outputs", base.len());
            return Err(malformed(self.operator, &problem));
        }
        let splits = self.modes.iter().zip(&self.columns);
        let columns = splits
            .filter(|(mode, _)| **mode != "LEAF")
            .map(|(_, column)| *column)
            .max()
            .unwrap_or(0);
        let columns = u64::try_from(columns).unwrap_or(0).saturating_add(1);
        if columns > limits.columns {
            return Err(too_large("columns of the trees", columns, limits.columns));
        }
        Ok(Ensemble {
            columns: columns as usize,
            base,
            trees: Planter::new(self, outputs, limits)?.trees(limits)?,
            arithmetic: if self.doubles {
                Arithmetic::Double
            } else {
                Arithmetic::SingleBaseLast
            },
        })
    }
}

/// Builds trees whose children stand behind their parents.
struct Planter<'l> {
    lists: &'l Lists<'l>,
    outputs: usize,
    /// Tree, node and place of every node, sorted.
    index: Vec<(i64, i64, usize)>,
    /// Places of nodes and of weights, sorted by node, then in the order of the file.
    weights: Vec<(usize, usize)>,
    /// Nodes that trees may still have. A node that two lead to is there twice, as for a set of categories, so there may
    /// be more than in the file, but not many times more.
    left: usize,
    depth_most: u64,
}

impl<'l> Planter<'l> {
    fn new(lists: &'l Lists<'l>, outputs: usize, limits: &Limits) -> Got<Self> {
        let nodes = lists.trees.iter().zip(&lists.nodes).enumerate();
        let mut index: Vec<_> = nodes.map(|(at, (tree, node))| (*tree, *node, at)).collect();
        index.sort_unstable();
        let twice = |pair: &[(i64, i64, usize)]| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1);
        if index.windows(2).any(twice) {
            return Err(malformed(lists.operator, "a node is there twice"));
        }
        let mut planter = Self {
            lists,
            outputs,
            left: index.len().saturating_mul(SHARED).saturating_add(SHARED),
            depth_most: limits.tree_depth,
            index,
            weights: Vec::new(),
        };
        let ids = lists.weight_trees.iter().zip(&lists.weight_nodes);
        let places: Got<Vec<_>> = ids
            .enumerate()
            .map(|(weight, (tree, node))| Ok((planter.find(*tree, *node)?, weight)))
            .collect();
        planter.weights = places?;
        planter.weights.sort_unstable();
        Ok(planter)
    }

    fn find(&self, tree: i64, node: i64) -> Got<usize> {
        let found = self
            .index
            .binary_search_by(|(t, n, _)| (*t, *n).cmp(&(tree, node)));
        let place = found.ok().and_then(|at| self.index.get(at));
        let missing = || malformed(&self.place(tree, node), "there is no such node");
        place.map(|(_, _, at)| *at).ok_or_else(missing)
    }

    fn place(&self, tree: i64, node: i64) -> String {
        format!("{}, tree {tree}, node {node}", self.lists.operator)
    }

    /// A tree begins where the number of the tree changes; its root is its first node.
    fn trees(mut self, limits: &Limits) -> Got<Vec<Tree>> {
        let mut roots: Vec<(i64, usize)> = Vec::new();
        for (at, tree) in self.lists.trees.iter().enumerate() {
            if roots.last().is_none_or(|(last, _)| last != tree) {
                roots.push((*tree, at));
            }
        }
        if roots.len() as u64 > limits.trees {
            return Err(too_large("trees", roots.len() as u64, limits.trees));
        }
        let mut numbers: Vec<i64> = roots.iter().map(|(tree, _)| *tree).collect();
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            let what = format!(
                "{} whose trees are not one after the other",
                self.lists.operator
            );
            return Err(unsupported(&what));
        }
        let roots = roots.into_iter();
        roots.map(|(tree, root)| self.tree(tree, root)).collect()
    }

    fn tree(&mut self, tree: i64, root: usize) -> Got<Tree> {
        let mut nodes: Vec<Node> = Vec::new();
        // Nodes to come: their place, how deep they are, and which child of which parent.
        let mut open = vec![(root, 0, None)];
        while let Some((at, depth, parent)) = open.pop() {
            let number = nodes.len();
            let own = |lists: &Lists<'_>| lists.nodes.get(at).copied().unwrap_or_default();
            let place = self.place(tree, own(self.lists));
            Limits::check("nodes above a leaf", depth, self.depth_most)?;
            let Some(left) = self.left.checked_sub(1) else {
                return Err(unsupported(&format!(
                    "{place}: a tree whose nodes are shared many times"
                )));
            };
            self.left = left;
            if let Some((parent, is_left)) = parent
                && let Some(Node::Split(split)) = nodes.get_mut(parent as usize)
            {
                let child = if is_left {
                    &mut split.left
                } else {
                    &mut split.right
                };
                *child = number as u32;
            }
            let node = self.node(at, &place)?;
            if matches!(node, Node::Split(_)) {
                let child = |list: &[i64]| self.find(tree, list.get(at).copied().unwrap_or(-1));
                open.push((
                    child(&self.lists.no)?,
                    depth + 1,
                    Some((number as u32, false)),
                ));
                open.push((
                    child(&self.lists.yes)?,
                    depth + 1,
                    Some((number as u32, true)),
                ));
            }
            nodes.push(node);
        }
        Ok(Tree { nodes })
    }

    fn node(&self, at: usize, place: &str) -> Got<Node> {
        let threshold = self.lists.thresholds.get(at).copied().unwrap_or(f64::NAN);
        let test = match self.lists.modes.get(at).copied().unwrap_or_default() {
            "LEAF" => return self.leaf(at, place),
            "BRANCH_LEQ" => Test::LessOrEqual(threshold),
            "BRANCH_LT" => Test::Less(threshold),
            "BRANCH_GTE" => Test::GreaterOrEqual(threshold),
            "BRANCH_GT" => Test::Greater(threshold),
            "BRANCH_EQ" => Test::Equal(threshold),
            "BRANCH_NEQ" => Test::NotEqual(threshold),
            other => return Err(unsupported(&format!("the node mode {other:?}"))),
        };
        let column = self.lists.columns.get(at).copied().unwrap_or(-1);
        let column = u32::try_from(column);
        // NaN is unequal to everything, and compares as nothing else.
        let yes = self.lists.missing_yes.get(at) == Some(&1) || matches!(test, Test::NotEqual(_));
        Ok(Node::Split(Split {
            column: column.map_err(|_| malformed(place, "its column is negative"))?,
            test,
            missing: if yes { Missing::Left } else { Missing::Right },
            left: 0,
            right: 0,
            cover: None,
        }))
    }

    fn leaf(&self, at: usize, place: &str) -> Got<Node> {
        let from = self.weights.partition_point(|(node, _)| *node < at);
        let own = self.weights.iter().skip(from);
        let mut values: Vec<(u32, f64)> = Vec::new();
        for (_, weight) in own.take_while(|(node, _)| *node == at) {
            let output = self.lists.outputs.get(*weight).copied().unwrap_or(-1);
            let output = usize::try_from(output).ok().filter(|at| *at < self.outputs);
            let output = output.ok_or_else(|| malformed(place, "its output is none"))? as u32;
            let value = self.lists.weights.get(*weight).copied().unwrap_or(f64::NAN);
            values.push((output, value));
        }
        if values.is_empty() {
            return Err(malformed(place, "it is a leaf without a weight"));
        }
        let mut outputs: Vec<u32> = values.iter().map(|(output, _)| *output).collect();
        outputs.sort_unstable();
        if outputs.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(unsupported(&format!(
                "{place}: a leaf with two weights for one output"
            )));
        }
        Ok(Node::Leaf(Leaf {
            values,
            cover: None,
        }))
    }
}
