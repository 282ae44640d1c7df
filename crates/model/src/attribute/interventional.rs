//! Exact interventional TreeSHAP: a row against a background of rows.
//!
//! For one background row the game is: a coalition of players has its columns from the row, the others have theirs from the
//! background row, and the worth is what the trees then say. Walked from the root, row and background row go together until a
//! split parts them. Its player is then in two minds: in coalitions with it the walk goes the row's way, in coalitions
//! without it the background row's. Later splits on any column of the same player follow the side that was taken. A leaf that is
//! reached with `u` players on the row's side and `v` on the background's is reached by exactly the coalitions that hold the
//! `u` and none of the `v`: it gives each of the `u` its value times `(u-1)! v! / (u+v)!`, and takes from each of the `v`
//! its value times `u! (v-1)! / (u+v)!` (Lundberg et al. 2020, Nature Machine Intelligence 2, algorithm 3, with players for
//! columns).
//!
//! A walk asks of a background row only which way it goes at a split, and that does not depend on the row that is explained. So
//! the ways are kept as bits ([`Directions`]), and 128 background rows are walked at once: those that go the same way stay
//! together, and the set divides where they do not. Its cost is at most that of walking them one by one.

use super::shape::Shape;
use super::weights::Weights;
use crate::{Ensemble, ModelError, Node, Split, Tree};

/// Background rows that are walked together.
const BLOCK: usize = u128::BITS as usize;

/// Splits times background rows: 256 MiB of bits, and some seconds of comparisons.
const CELLS: u64 = 1 << 31;

/// Which way every row of a background goes at every split of an ensemble.
#[derive(Clone, Debug)]
pub(super) struct Directions {
    rows: usize,
    /// Per tree: for every block of rows, for every split in the order of the nodes, the rows that go left.
    trees: Vec<Vec<u128>>,
    weights: Weights,
    /// Mean of the background, per output.
    base: Vec<f64>,
}

impl Directions {
    /// Of rows of columns, each as long as the ensemble asks.
    pub(super) fn new(ensemble: &Ensemble, rows: &[Vec<f64>]) -> Result<Self, ModelError> {
        let shape = Shape::of(ensemble)?;
        let cells = shape.splits.saturating_mul(rows.len() as u64);
        if cells > CELLS {
            return Err(ModelError::TooLarge {
                what: "splits of the model times rows of the background",
                found: cells,
                most: CELLS,
            });
        }
        let trees = ensemble.trees.iter();
        Ok(Self {
            rows: rows.len(),
            trees: trees.map(|tree| directions(tree, rows)).collect(),
            weights: Weights::up_to(shape.depth),
            base: means(ensemble, rows),
        })
    }

    /// Mean of an output over the background, and what every player contributes to it for a row. None if these are not
    /// directions in this ensemble.
    pub(super) fn attribute(
        &self,
        ensemble: &Ensemble,
        row: &[f64],
        player_of_column: &[usize],
        players: usize,
        output: usize,
    ) -> Option<(f64, Vec<f64>)> {
        let base = *self.base.get(output)?;
        if self.trees.len() != ensemble.trees.len() {
            return None;
        }
        let mut walk = Walk {
            steps: Vec::new(),
            sides: vec![Side::Open; players],
            weights: &self.weights,
            values: vec![0.0; players],
        };
        for (tree, directions) in ensemble.trees.iter().zip(&self.trees) {
            if !tree_says(tree, output) {
                continue;
            }
            let splits = walk.set_out(tree, row, player_of_column, output);
            if splits * self.rows.div_ceil(BLOCK) != directions.len() {
                return None;
            }
            for (block, directions) in directions.chunks(splits.max(1)).enumerate() {
                walk.meet(directions);
                walk.visit(0, everybody(self.rows - block * BLOCK), 0, 0);
            }
        }
        let rows = self.rows as f64;
        let values = walk.values.iter().map(|value| value / rows);
        Some((base, values.collect()))
    }
}

fn directions(tree: &Tree, rows: &[Vec<f64>]) -> Vec<u128> {
    let mut bits = Vec::new();
    for block in rows.chunks(BLOCK) {
        bits.extend(splits(tree).map(|split| {
            let column = split.column as usize;
            let left = block.iter().map(|row| split.goes_left(row[column]));
            left.enumerate()
                .fold(0, |bits, (at, left)| bits | u128::from(left) << at)
        }));
    }
    bits
}

fn splits(tree: &Tree) -> impl Iterator<Item = &Split> {
    tree.nodes.iter().filter_map(|node| match node {
        Node::Split(split) => Some(split),
        Node::Leaf(_) => None,
    })
}

/// The first so many rows of a block.
fn everybody(rows: usize) -> u128 {
    if rows >= BLOCK {
        u128::MAX
    } else {
        (1 << rows) - 1
    }
}

fn means(ensemble: &Ensemble, rows: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; ensemble.base.len()];
    for row in rows {
        for tree in &ensemble.trees {
            let Some((_, leaf)) = tree.leaf(row) else {
                continue;
            };
            for (output, value) in &leaf.values {
                if let Some(sum) = sums.get_mut(*output as usize) {
                    *sum += value;
                }
            }
        }
    }
    let sums = sums.iter().zip(&ensemble.base);
    sums.map(|(sum, base)| base + sum / rows.len() as f64)
        .collect()
}

/// Whether any leaf adds to the output: in a multiclass model most trees are of other classes.
fn tree_says(tree: &Tree, output: usize) -> bool {
    tree.nodes.iter().any(|node| match node {
        Node::Leaf(leaf) => leaf.values.iter().any(|(of, _)| *of as usize == output),
        Node::Split(_) => false,
    })
}

/// A node as the explained row sees it.
#[derive(Clone, Copy, Debug)]
enum Step {
    Leaf(f64),
    Split {
        player: usize,
        /// The child that the row goes to.
        with: u32,
        /// The other one.
        against: u32,
        row_left: bool,
        /// The background rows that go the row's way.
        agree: u128,
    },
}

/// Whose column a player shows to a split.
#[derive(Clone, Copy, Debug)]
enum Side {
    /// Both go the same way so far.
    Open,
    Row,
    Background,
}

/// Sums of what a leaf gives to each player on the row's side, and takes from each on the background's.
#[derive(Clone, Copy, Debug, Default)]
struct Shares {
    row: f64,
    background: f64,
}

impl Shares {
    fn plus(self, other: Shares) -> Shares {
        Shares {
            row: self.row + other.row,
            background: self.background + other.background,
        }
    }
}

struct Walk<'a> {
    steps: Vec<Step>,
    sides: Vec<Side>,
    weights: &'a Weights,
    values: Vec<f64>,
}

impl Walk<'_> {
    /// Looks at a tree with the eyes of the row; how many splits it has.
    fn set_out(&mut self, tree: &Tree, row: &[f64], players: &[usize], output: usize) -> usize {
        let mut splits = 0;
        self.steps.clear();
        self.steps.extend(tree.nodes.iter().map(|node| match node {
            Node::Leaf(leaf) => {
                let mut values = leaf.values.iter();
                let value = values.find(|(of, _)| *of as usize == output);
                Step::Leaf(value.map_or(0.0, |(_, value)| *value))
            }
            Node::Split(split) => {
                splits += 1;
                let column = split.column as usize;
                let row_left = split.goes_left(row[column]);
                let (with, against) = if row_left {
                    (split.left, split.right)
                } else {
                    (split.right, split.left)
                };
                Step::Split {
                    player: players[column],
                    with,
                    against,
                    row_left,
                    agree: 0,
                }
            }
        }));
        splits
    }

    /// Fills in which rows of a block agree with the row.
    fn meet(&mut self, directions: &[u128]) {
        let splits = self.steps.iter_mut().filter_map(|step| match step {
            Step::Split {
                row_left, agree, ..
            } => Some((*row_left, agree)),
            Step::Leaf(_) => None,
        });
        for ((row_left, agree), left) in splits.zip(directions) {
            *agree = if row_left { *left } else { !*left };
        }
    }

    /// From a node on, for background rows for which the same players took the same sides: so many the row's, so many theirs.
    /// Players that take a side below have got their due; those above get theirs from what is returned.
    fn visit(&mut self, mut at: u32, rows: u128, ours: usize, theirs: usize) -> Shares {
        loop {
            match self.steps[at as usize] {
                Step::Leaf(value) => return self.leaf(value, rows, ours, theirs),
                Step::Split {
                    player,
                    with,
                    against,
                    agree,
                    ..
                } => match self.sides[player] {
                    Side::Row => at = with,
                    Side::Background => {
                        return self.some(with, rows & agree, ours, theirs).plus(self.some(
                            against,
                            rows & !agree,
                            ours,
                            theirs,
                        ));
                    }
                    Side::Open => {
                        let (agreeing, parting) = (rows & agree, rows & !agree);
                        if parting == 0 {
                            at = with;
                            continue;
                        }
                        self.sides[player] = Side::Row;
                        let row = self.visit(with, parting, ours + 1, theirs);
                        self.sides[player] = Side::Background;
                        let background = self.visit(against, parting, ours, theirs + 1);
                        self.sides[player] = Side::Open;
                        self.values[player] += row.row - background.background;
                        let together = self.some(with, agreeing, ours, theirs);
                        return together.plus(row).plus(background);
                    }
                },
            }
        }
    }

    /// Nothing where nobody goes.
    fn some(&mut self, at: u32, rows: u128, ours: usize, theirs: usize) -> Shares {
        if rows == 0 {
            return Shares::default();
        }
        self.visit(at, rows, ours, theirs)
    }

    fn leaf(&self, value: f64, rows: u128, ours: usize, theirs: usize) -> Shares {
        let sum = value * f64::from(rows.count_ones());
        Shares {
            row: sum * self.weights.get(ours, theirs),
            background: sum * self.weights.get(theirs, ours),
        }
    }
}
