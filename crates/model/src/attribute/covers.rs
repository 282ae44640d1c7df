//! Path-dependent TreeSHAP: what XGBoost's `pred_contribs` and LightGBM's `pred_contrib` report.
//!
//! The game: a coalition's columns lead the way as the row has them; at a split on any other column both ways are taken,
//! weighted by the share of the training rows (their cover) that went there. A leaf's worth for a coalition is then a product over
//! the columns on its path: 1 or 0 for those in it (does the row go there?), the product of the shares for the others.
//! Lundberg's algorithm 2 counts coalitions by size while it walks, and takes columns out of the count again by division.
//! Here the same Shapley values come from Owen's integral (1972): with every other column in the coalition with probability `t`,
//!
//! `value of i = ∫ Σ over leaves: leaf (here_i - share_i) Π over j ≠ i: (t here_j + (1 - t) share_j) dt`, from 0 to 1.
//!
//! The integrand is a polynomial in `t` of a degree below the depth, so that a few points give the integral exactly
//! ([`super::quadrature`]); all factors are positive, so that nothing cancels in deep trees, and a tree costs its nodes times half
//! its depth instead of its leaves times the square of it.

use super::quadrature::{Point, points};
use super::shape::Shape;
use crate::{Ensemble, ModelError, Node, Tree};

/// Nodes times points: some seconds.
const WORK: u64 = 1 << 31;

/// Base and value of every column, for one output of a row. None if a split lacks covers.
pub(super) fn path_dependent(
    ensemble: &Ensemble,
    row: &[f64],
    output: usize,
) -> Result<Option<(f64, Vec<f64>)>, ModelError> {
    let shape = Shape::of(ensemble)?;
    if !ensemble.trees.iter().all(covered) {
        return Ok(None);
    }
    let degree = shape.depth.min(ensemble.columns).saturating_sub(1);
    let points = points(degree);
    let work = shape.nodes.saturating_mul(points.len() as u64);
    if work > WORK {
        return Err(ModelError::TooLarge {
            what: "nodes of the model times half their depth",
            found: work,
            most: WORK,
        });
    }
    let mut walk = Walk {
        tree: &[],
        row,
        output,
        products: vec![1.0; points.len() * (shape.depth + 1)],
        sums: vec![0.0; points.len() * (shape.depth + 1)],
        on_path: vec![Factor::NONE; ensemble.columns],
        base: ensemble.base.get(output).copied().unwrap_or(0.0),
        values: vec![0.0; ensemble.columns],
        points,
    };
    for tree in &ensemble.trees {
        walk.tree = &tree.nodes;
        walk.visit(0, 0, 1.0);
    }
    Ok(Some((walk.base, walk.values)))
}

/// Whether every split has a cover that its children's can be divided by.
fn covered(tree: &Tree) -> bool {
    tree.nodes.iter().all(|node| match node {
        Node::Leaf(_) => true,
        Node::Split(split) => {
            let children = [split.left, split.right];
            let mut covers = children.iter().map(|child| cover(&tree.nodes, *child));
            split.cover.is_some_and(|cover| cover > 0.0)
                && covers.all(|cover| cover.is_some_and(|cover| cover >= 0.0))
        }
    })
}

fn cover(nodes: &[Node], at: u32) -> Option<f64> {
    match nodes.get(at as usize)? {
        Node::Leaf(leaf) => leaf.cover,
        Node::Split(split) => split.cover,
    }
}

/// What a column does to the worth of everything below, by its splits on the path so far.
#[derive(Clone, Copy, Debug)]
struct Factor {
    /// The row goes this way at all of them.
    here: bool,
    /// Of the training rows that met them, those that went this way.
    share: f64,
}

impl Factor {
    /// Of a column without a split on the path: in a coalition or not, it is worth the same.
    const NONE: Factor = Factor {
        here: true,
        share: 1.0,
    };

    /// With the column in the coalition with probability `t`.
    fn at(self, t: f64) -> f64 {
        let here = if self.here { t } else { 0.0 };
        here + (1.0 - t) * self.share
    }

    /// What the column's coming changes.
    fn difference(self) -> f64 {
        f64::from(self.here) - self.share
    }
}

struct Walk<'a> {
    tree: &'a [Node],
    row: &'a [f64],
    output: usize,
    points: Vec<Point>,
    /// For every level of the path, at every point: the factors of all columns on it, multiplied.
    products: Vec<f64>,
    /// For every level, at every point: leaves below times their products.
    sums: Vec<f64>,
    on_path: Vec<Factor>,
    base: f64,
    values: Vec<f64>,
}

impl Walk<'_> {
    /// Leaves the sums of everything below a node at its level. `reach` is the share of the training rows that come by.
    fn visit(&mut self, at: u32, level: usize, reach: f64) {
        let count = self.points.len();
        let here = level * count..(level + 1) * count;
        match &self.tree[at as usize] {
            Node::Leaf(leaf) => {
                let mut values = leaf.values.iter();
                let value = values.find(|(of, _)| *of as usize == self.output);
                let value = value.map_or(0.0, |(_, value)| *value);
                self.base += value * reach;
                for (sum, product) in self.sums[here.clone()].iter_mut().zip(&self.products[here]) {
                    *sum = value * product;
                }
            }
            Node::Split(split) => {
                let column = split.column as usize;
                let left = split.goes_left(self.row[column]);
                let whole = split.cover.unwrap_or(1.0);
                self.sums[here].fill(0.0);
                for (child, goes) in [(split.left, left), (split.right, !left)] {
                    let share = cover(self.tree, child).unwrap_or(0.0) / whole;
                    self.descend(child, level, column, goes, share, reach * share);
                }
            }
        }
    }

    fn descend(
        &mut self,
        child: u32,
        level: usize,
        column: usize,
        goes: bool,
        share: f64,
        reach: f64,
    ) {
        let before = self.on_path[column];
        let after = Factor {
            here: before.here && goes,
            share: before.share * share,
        };
        if !after.here && after.share == 0.0 {
            // Worth nothing to any coalition.
            return;
        }
        let count = self.points.len();
        let (above, below) = (level * count, (level + 1) * count);
        for (number, point) in self.points.iter().enumerate() {
            self.products[below + number] =
                self.products[above + number] * (after.at(point.at) / before.at(point.at));
        }
        self.on_path[column] = after;
        self.visit(child, level + 1, reach);
        self.on_path[column] = before;
        let mut value = 0.0;
        for (number, point) in self.points.iter().enumerate() {
            let sum = self.sums[below + number];
            // The column's split above, if there is one, gives it its due for all leaves below; these have another one.
            let change =
                after.difference() / after.at(point.at) - before.difference() / before.at(point.at);
            value += point.weight * sum * change;
            self.sums[above + number] += sum;
        }
        self.values[column] += value;
    }
}
