//! `TreeEnsembleClassifier` and `TreeEnsembleRegressor`.
//!
//! ONNX Runtime with one thread starts every sum at 0, adds the leaves in the order of the trees, then divides for an
//! average, then adds the base; all in `f32`, or in `f64` if the columns are doubles. So does this.

use crate::{Arithmetic, Ensemble, Leaf, Node, Scale};

use super::labels::Labels;
use super::scores::{Transform, logistic};
use super::tensor::{Data, Tensor};
use super::work::{Done, Trouble, Work, unfit};

/// An operator of trees.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trees {
    pub(super) operator: &'static str,
    /// Leaves as they are added, before an average is taken.
    pub(super) ensemble: Ensemble,
    /// What attributions are of: the same, but for an average, whose leaves are divided here.
    pub(super) averaged: Option<Ensemble>,
    /// Thresholds or leaves are doubles, and so must columns be.
    pub(super) doubles: bool,
    pub(super) transform: Transform,
    pub(super) classes: Option<Classes>,
    /// No leaf is negative, for labels.
    pub(super) positive: bool,
    /// It has base values; then every class counts for the label, whether a leaf names it or not.
    pub(super) based: bool,
}

/// What a classifier has besides.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Classes {
    pub(super) labels: Labels,
    /// Two classes, and sums of the second only.
    pub(super) binary: bool,
}

/// Sums, rounded after every addition to what the columns are of.
trait Number: Copy + PartialOrd {
    const ZERO: Self;
    fn of(value: f64) -> Self;
    fn plus(self, other: Self) -> Self;
    fn over(self, count: usize) -> Self;
    fn double(self) -> f64;
}

impl Number for f32 {
    const ZERO: Self = 0.0;
    fn of(value: f64) -> Self {
        value as f32
    }
    fn plus(self, other: Self) -> Self {
        self + other
    }
    fn over(self, count: usize) -> Self {
        self / count as f32
    }
    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    fn of(value: f64) -> Self {
        value
    }
    fn plus(self, other: Self) -> Self {
        self + other
    }
    fn over(self, count: usize) -> Self {
        self / count as f64
    }
    fn double(self) -> f64 {
        self
    }
}

/// A sum, and whether anything was added to it.
type Sums = Vec<(f64, bool)>;

impl Trees {
    pub(super) fn columns(&self, given: &Tensor) -> Done<Vec<f64>> {
        // There may be columns that no tree asks for.
        let fits = |(rows, columns)| rows == 1 && columns >= self.ensemble.columns;
        if !given.rows_and_columns().is_some_and(fits) {
            return Err(unfit(self.operator, &[given]));
        }
        match &given.data {
            Data::Single(list) if !self.doubles => {
                Ok(list.iter().copied().map(f64::from).collect())
            }
            Data::Double(list) => Ok(list.clone()),
            // A whole number is compared with thresholds as a single.
            Data::Integer(list) if !self.doubles => {
                Ok(list.iter().map(|whole| f64::from(*whole as f32)).collect())
            }
            _ => Err(unfit(self.operator, &[given])),
        }
    }

    pub(super) fn run(&self, given: &Tensor, work: &mut Work) -> Done<Vec<Tensor>> {
        let columns = self.columns(given)?;
        work.steps(columns.len() + self.ensemble.trees.len())?;
        let sums = if matches!(given.data, Data::Double(_)) {
            self.sums::<f64>(&columns)
        } else {
            self.sums::<f32>(&columns)
        };
        work.margins = Some(sums.iter().map(|(sum, _)| *sum).collect());
        let Some(classes) = &self.classes else {
            let mut values: Vec<f32> = sums.iter().map(|(sum, _)| *sum as f32).collect();
            if values.len() > 1 {
                self.transform.apply(&mut values);
            }
            return Ok(vec![Tensor::row(Data::Single(values))]);
        };
        let (class, values) = self.classified(classes, &sums);
        let label = classes.labels.at(class).ok_or_else(|| {
            Trouble::Row("no class has the highest score: all are missing".to_owned())
        })?;
        let label = Tensor {
            dims: vec![1],
            data: label,
        };
        Ok(vec![label, Tensor::row(Data::Single(values))])
    }

    fn sums<T: Number>(&self, columns: &[f64]) -> Sums {
        let mut sums = vec![(T::ZERO, false); self.ensemble.base.len()];
        for tree in &self.ensemble.trees {
            let Some((_, leaf)) = tree.leaf(columns) else {
                continue;
            };
            for (output, value) in &leaf.values {
                if let Some((sum, touched)) = sums.get_mut(*output as usize) {
                    *sum = sum.plus(T::of(*value));
                    *touched = true;
                }
            }
        }
        let based = self.ensemble.base.iter().zip(&mut sums);
        for (base, (sum, _)) in based {
            if self.averaged.is_some() {
                *sum = sum.over(self.ensemble.trees.len());
            }
            // None is kept as 0, which changes no sum but -0.
            *sum = sum.plus(T::of(*base));
        }
        let sums = sums.into_iter();
        sums.map(|(sum, touched)| (sum.double(), touched)).collect()
    }

    /// The class, and the score of each.
    fn classified(&self, classes: &Classes, sums: &Sums) -> (usize, Vec<f32>) {
        if classes.binary {
            let sum = sums.first().map_or(0.0, |(sum, _)| *sum);
            let threshold = if self.positive { 0.5 } else { 0.0 };
            let values = if self.positive {
                vec![(1.0 - sum) as f32, sum as f32]
            } else if self.transform == Transform::Logistic {
                vec![logistic(-sum as f32), logistic(sum as f32)]
            } else {
                vec![-sum as f32, sum as f32]
            };
            return (usize::from(sum > threshold), values);
        }
        let mut best: Option<(usize, f64)> = None;
        for (class, (sum, touched)) in sums.iter().enumerate() {
            if (*touched || self.based) && best.is_none_or(|(_, most)| *sum > most) {
                best = Some((class, *sum));
            }
        }
        let mut values: Vec<f32> = sums.iter().map(|(sum, _)| *sum as f32).collect();
        self.transform.apply(&mut values);
        (best.map_or(usize::MAX, |(class, _)| class), values)
    }

    /// Takes as many columns as there are, of which trees may ask for fewer.
    pub(super) fn fit(&mut self, given: &Tensor) {
        if let Some((1, columns)) = given.rows_and_columns() {
            let all = [Some(&mut self.ensemble), self.averaged.as_mut()];
            for ensemble in all.into_iter().flatten() {
                ensemble.columns = ensemble.columns.max(columns);
            }
        }
    }

    /// The sums that attributions are of.
    pub(super) fn terms(&self) -> &Ensemble {
        self.averaged.as_ref().unwrap_or(&self.ensemble)
    }

    pub(super) fn scale(&self) -> Scale {
        match self.transform {
            Transform::Logistic | Transform::Softmax => Scale::LogOdds,
            Transform::None if self.classes.is_none() => Scale::Value,
            Transform::None if self.positive && self.highest() < 1.001 => Scale::Probability,
            Transform::None => Scale::Value,
        }
    }

    /// The highest sum that there can be.
    fn highest(&self) -> f64 {
        let leaves = |node: &Node| match node {
            Node::Leaf(Leaf { values, .. }) => {
                values.iter().map(|(_, value)| *value).fold(0.0, f64::max)
            }
            Node::Split(_) => 0.0,
        };
        let trees = self.ensemble.trees.iter();
        let sum: f64 = trees
            .map(|tree| tree.nodes.iter().map(leaves).fold(0.0, f64::max))
            .sum();
        sum + self.ensemble.base.iter().copied().fold(0.0, f64::max)
    }

    /// Attributions of an average are of leaves that are divided, each a little rounded.
    pub(super) fn divided(ensemble: &Ensemble) -> Ensemble {
        let count = ensemble.trees.len().max(1) as f64;
        let mut divided = ensemble.clone();
        divided.arithmetic = Arithmetic::Double;
        let nodes = divided.trees.iter_mut().flat_map(|tree| &mut tree.nodes);
        for node in nodes {
            if let Node::Leaf(leaf) = node {
                for (_, value) in &mut leaf.values {
                    *value /= count;
                }
            }
        }
        divided
    }
}
