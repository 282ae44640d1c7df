//! Trees whose leaves are added up: the one form that every tree model is read into.

use crate::ModelError;

/// An additive ensemble of decision trees.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// Columns of a row.
    pub columns: usize,
    /// What every output starts with, or ends with: see [`Arithmetic`]. As many as there are outputs.
    pub base: Vec<f64>,
    /// The trees, in the order in which they are added.
    pub trees: Vec<Tree>,
    /// How sums are rounded.
    pub arithmetic: Arithmetic,
}

/// How an ensemble adds its leaves. The order matters to the last bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `f32`, the base first (XGBoost).
    SingleBaseFirst,
    /// `f32`, the base last (ONNX Runtime).
    SingleBaseLast,
    /// `f64`, the base first (LightGBM).
    Double,
}

/// A decision tree: node 0 is its root.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Splits and leaves. A child's number is greater than its parent's, so that no walk can go round.
    pub nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Asks one column.
    Split(Split),
    /// Answers.
    Leaf(Leaf),
}

/// A question about one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The column.
    pub column: u32,
    /// What leads to the left child.
    pub test: Test,
    /// Where a missing value leads.
    pub missing: Missing,
    /// The child for a yes.
    pub left: u32,
    /// The child for a no.
    pub right: u32,
    /// Weight of the training rows that came by, where the format keeps it.
    pub cover: Option<f64>,
}

/// What a leaf adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Outputs and what is added to each; an output is named once.
    pub values: Vec<(u32, f64)>,
    /// Weight of the training rows that ended here, where the format keeps it.
    pub cover: Option<f64>,
}

/// A comparison; the row's value stands on the left.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `<`.
    Less(f64),
    /// `<=`.
    LessOrEqual(f64),
    /// `>`.
    Greater(f64),
    /// `>=`.
    GreaterOrEqual(f64),
    /// `==`.
    Equal(f64),
    /// `!=`.
    NotEqual(f64),
    /// Its whole number, fractions cut off, is one of these categories: bit `n` of word `n / 64` (LightGBM).
    In(Vec<u64>),
    /// It is negative, or its whole number, fractions cut off, is none of these categories (XGBoost).
    NotIn(Vec<u64>),
}

/// What happens to a missing value (NaN) at a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It goes left.
    Left,
    /// It goes right.
    Right,
    /// It is compared as 0 (LightGBM without missing values).
    Zero,
    /// It and everything within [`ZERO`] of 0 goes left (LightGBM with `zero_as_missing`).
    LeftWithZero,
    /// It and everything within [`ZERO`] of 0 goes right.
    RightWithZero,
}

/// LightGBM's `kZeroThreshold`, which is written as a single there.
pub const ZERO: f64 = 1e-35_f32 as f64;

impl Split {
    /// Whether a row with this value in the split's column goes to the left child.
    pub fn goes_left(&self, value: f64) -> bool {
        match self.missing {
            Missing::Left if value.is_nan() => true,
            Missing::Right if value.is_nan() => false,
            Missing::LeftWithZero if value.is_nan() || value.abs() <= ZERO => true,
            Missing::RightWithZero if value.is_nan() || value.abs() <= ZERO => false,
            Missing::Zero if value.is_nan() => self.test.holds(0.0),
            _ => self.test.holds(value),
        }
    }
}

impl Test {
    #[allow(clippy::float_cmp, reason = "the models compare so")]
    fn holds(&self, value: f64) -> bool {
        match self {
            Test::Less(threshold) => value < *threshold,
            Test::LessOrEqual(threshold) => value <= *threshold,
            Test::Greater(threshold) => value > *threshold,
            Test::GreaterOrEqual(threshold) => value >= *threshold,
            Test::Equal(threshold) => value == *threshold,
            Test::NotEqual(threshold) => value != *threshold,
            Test::In(set) => contains(set, value),
            // A negative fraction is cut off to category 0 by LightGBM, and is no category for XGBoost.
            Test::NotIn(set) => value < 0.0 || !contains(set, value),
        }
    }
}

/// Fractions are cut off; what is then negative, or beyond LightGBM's whole numbers, is no category.
fn contains(set: &[u64], value: f64) -> bool {
    if !(value > -1.0 && value < 2_147_483_648.0) {
        return false;
    }
    let category = value as u64;
    set.get((category / 64) as usize)
        .is_some_and(|word| word >> (category % 64) & 1 == 1)
}

impl Tree {
    /// The leaf that a row comes to.
    pub fn leaf(&self, row: &[f64]) -> Option<(usize, &Leaf)> {
        let mut at = 0;
        loop {
            match self.nodes.get(at)? {
                Node::Leaf(leaf) => return Some((at, leaf)),
                Node::Split(split) => {
                    let value = row.get(split.column as usize).copied()?;
                    at = if split.goes_left(value) {
                        split.left
                    } else {
                        split.right
                    } as usize;
                }
            }
        }
    }
}

impl Ensemble {
    /// The sums of a row: as many as there are outputs.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the row has another number of columns.
    pub fn margins(&self, row: &[f64]) -> Result<Vec<f64>, ModelError> {
        if row.len() != self.columns {
            return Err(ModelError::Input {
                input: "row".to_owned(),
                problem: format!("{} columns, the model has {}", row.len(), self.columns),
            });
        }
        Ok(match self.arithmetic {
            Arithmetic::Double => self.sums(row, self.base.clone(), |sum, value| sum + value),
            Arithmetic::SingleBaseFirst => self.sums(row, self.base.clone(), single),
            Arithmetic::SingleBaseLast => {
                let sums = self.sums(row, vec![0.0; self.base.len()], single);
                let with_base = sums.iter().zip(&self.base);
                with_base.map(|(sum, base)| single(*sum, *base)).collect()
            }
        })
    }

    fn sums(&self, row: &[f64], mut sums: Vec<f64>, add: fn(f64, f64) -> f64) -> Vec<f64> {
        for tree in &self.trees {
            let Some((_, leaf)) = tree.leaf(row) else {
                continue;
            };
            for (output, value) in &leaf.values {
                if let Some(sum) = sums.get_mut(*output as usize) {
                    *sum = add(*sum, *value);
                }
            }
        }
        sums
    }
}

/// A sum of two singles, rounded to single: what both stand for is kept in doubles.
fn single(sum: f64, value: f64) -> f64 {
    f64::from(sum as f32 + value as f32)
}
