//! What classifiers make of their sums.
//!
//! All in `f32`, in the order of ONNX Runtime, so that trees end in the same bits.

use crate::ModelError;

use super::attributes::Attributes;
use super::unsupported;

/// The attribute `post_transform`. `PROBIT` and `SOFTMAX_ZERO`, which no exporter writes, are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    Logistic,
    Softmax,
}

impl Transform {
    pub(super) fn read(attributes: &mut Attributes<'_>) -> Result<Self, ModelError> {
        match attributes.text("post_transform")?.unwrap_or("NONE") {
            "NONE" => Ok(Transform::None),
            "LOGISTIC" => Ok(Transform::Logistic),
            "SOFTMAX" => Ok(Transform::Softmax),
            other => Err(unsupported(&format!("the post_transform {other}"))),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Transform::None => "NONE",
            Transform::Logistic => "LOGISTIC",
            Transform::Softmax => "SOFTMAX",
        }
    }

    /// Of two sums or more.
    pub(super) fn apply(self, sums: &mut [f32]) {
        match self {
            Transform::None => {}
            Transform::Logistic => {
                for sum in sums {
                    *sum = logistic(*sum);
                }
            }
            Transform::Softmax => softmax(sums),
        }
    }
}

pub(super) fn logistic(sum: f32) -> f32 {
    let upper = 1.0 / (1.0 + (-sum.abs()).exp());
    if sum < 0.0 { 1.0 - upper } else { upper }
}

pub(super) fn softmax(sums: &mut [f32]) {
    let most = sums.iter().copied().fold(-f32::MAX, f32::max);
    let mut total = 0.0_f32;
    for sum in sums.iter_mut() {
        *sum = (*sum - most).exp();
        total += *sum;
    }
    for sum in sums {
        *sum /= total;
    }
}
