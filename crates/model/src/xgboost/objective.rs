//! Objectives: what the starting score is before trees are added to it, and what is done with the sum.
//!
//! Sources: `ProbToMargin` and `PredTransform` in XGBoost 3.2's `src/objective/`. The starting score in a file is in the
//! objective's own terms (a probability for `binary:logistic`), and is taken back to a margin once.

use super::{malformed, unsupported};
use crate::link::Link;
use crate::{ModelError, Scale, Task};

/// What an objective decides about predictions.
#[derive(Debug)]
pub(super) struct Objective {
    pub(super) task: Task,
    pub(super) scale: Scale,
    pub(super) link: Link,
    start: Start,
}

/// What the starting score is in.
#[derive(Clone, Copy, Debug)]
enum Start {
    Margin,
    Probability,
    Quantity,
}

/// XGBoost keeps a probability this far from 0 and 1 (`kRtEps`).
const EDGE: f32 = 1e-6;

impl Objective {
    pub(super) fn named(name: &str) -> Result<Self, ModelError> {
        use {Scale as S, Start as B, Task as T};
        let (task, scale, link, start) = match name {
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:pseudohubererror"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "rank:pairwise"
            | "rank:ndcg"
            | "rank:map" => (T::Regression, S::Value, Link::Identity, B::Margin),
            "reg:logistic" => (
                T::Regression,
                S::LogOdds,
                Link::SigmoidSingle,
                B::Probability,
            ),
            "binary:logistic" => (T::Binary, S::LogOdds, Link::SigmoidSingle, B::Probability),
            "binary:logitraw" => (T::Binary, S::LogOdds, Link::Identity, B::Margin),
            "binary:hinge" => (T::Binary, S::Value, Link::Hinge, B::Margin),
            "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
                (T::Regression, S::Log, Link::ExpSingle, B::Quantity)
            }
            "multi:softmax" => (T::Multiclass, S::LogOdds, Link::Largest, B::Margin),
            "multi:softprob" => (T::Multiclass, S::LogOdds, Link::SoftmaxSingle, B::Margin),
            _ => return Err(unsupported(format!("the objective {name:?}"))),
        };
        Ok(Self {
            task,
            scale,
            link,
            start,
        })
    }

    /// The margin that sums start at.
    pub(super) fn margin(&self, score: f32) -> Result<f64, ModelError> {
        let margin = match self.start {
            Start::Margin => score,
            Start::Probability if (0.0..=1.0).contains(&score) => {
                let bounded = score.clamp(EDGE, 1.0 - EDGE);
                -(1.0 / bounded - 1.0).ln()
            }
            Start::Quantity if score > 0.0 => score.ln(),
            Start::Probability | Start::Quantity => f32::NAN,
        };
        if !margin.is_finite() {
            let problem = format!("{score} is out of the objective's range");
            return Err(malformed("learner.learner_model_param.base_score", problem));
        }
        Ok(f64::from(margin))
    }
}
