//! From margins to what a library answers, to the last bit: the same steps in the same precision, in the same order.
//!
//! `exp`, `log` and `log1p` are those of the machine's C library, as they are for XGBoost and LightGBM themselves.
//! Sources: XGBoost `src/common/math.h` and `src/objective/`; LightGBM `ConvertOutput` in `src/objective/`, and
//! `Common::Softmax` in `include/LightGBM/utils/common.h`.

/// What is done with margins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Link {
    /// Nothing.
    Identity,
    /// XGBoost's logistic function.
    SigmoidSingle,
    /// XGBoost's exponential.
    ExpSingle,
    /// XGBoost's hinge: 1 above 0, else 0.
    Hinge,
    /// XGBoost's softmax.
    SoftmaxSingle,
    /// XGBoost's `multi:softmax`: the number of the largest margin, the first of several.
    Largest,
    /// LightGBM's logistic function, of the margin times a factor.
    Sigmoid(f64),
    /// LightGBM's exponential.
    Exp,
    /// LightGBM's `reg_sqrt` undone.
    SignedSquare,
    /// LightGBM's `cross_entropy_lambda`.
    LogOnePlusExp,
    /// LightGBM's softmax.
    Softmax,
}

impl Link {
    /// The library's answer.
    pub(crate) fn values(&self, margins: &[f64]) -> Vec<f64> {
        match self {
            Link::Identity => margins.to_vec(),
            Link::SigmoidSingle => singles(margins, sigmoid_single),
            Link::ExpSingle => singles(margins, f32::exp),
            Link::Hinge => singles(margins, |margin| if margin > 0.0 { 1.0 } else { 0.0 }),
            Link::SoftmaxSingle => softmax_single(margins),
            Link::Largest => vec![largest(margins) as f64],
            Link::Sigmoid(factor) => {
                doubles(margins, |margin| 1.0 / (1.0 + (-factor * margin).exp()))
            }
            Link::Exp => doubles(margins, f64::exp),
            Link::SignedSquare => doubles(margins, |margin| sign(margin) * margin * margin),
            Link::LogOnePlusExp => doubles(margins, |margin| margin.exp().ln_1p()),
            Link::Softmax => softmax(margins),
        }
    }

    /// The class that the library names, where it answers with one.
    pub(crate) fn label(&self, margins: &[f64]) -> Option<String> {
        match self {
            Link::Largest => Some(largest(margins).to_string()),
            Link::Hinge if margins.len() == 1 => {
                let positive = margins.first().is_some_and(|margin| *margin > 0.0);
                Some(u8::from(positive).to_string())
            }
            _ => None,
        }
    }
}

fn doubles(margins: &[f64], link: impl Fn(f64) -> f64) -> Vec<f64> {
    margins.iter().map(|margin| link(*margin)).collect()
}

fn singles(margins: &[f64], link: impl Fn(f32) -> f32) -> Vec<f64> {
    doubles(margins, |margin| f64::from(link(margin as f32)))
}

/// `common::Sigmoid`; the bound keeps the exponential finite.
fn sigmoid_single(margin: f32) -> f32 {
    const MOST: f32 = 88.7;
    let negated = -margin;
    let exponent = if MOST < negated { MOST } else { negated };
    1.0 / (exponent.exp() + 1.0 + 1e-16)
}

fn sign(value: f64) -> f64 {
    f64::from(i8::from(value > 0.0) - i8::from(value < 0.0))
}

/// `common::Softmax`: a sum in double, everything else in single.
fn softmax_single(margins: &[f64]) -> Vec<f64> {
    let margins = margins.iter().map(|margin| *margin as f32);
    let largest = margins.clone().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = margins.map(|margin| (margin - largest).exp()).collect();
    let sum = powers
        .iter()
        .fold(0.0, |sum, power| sum + f64::from(*power)) as f32;
    powers.iter().map(|power| f64::from(power / sum)).collect()
}

fn softmax(margins: &[f64]) -> Vec<f64> {
    let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers = doubles(margins, |margin| (margin - largest).exp());
    let sum = powers.iter().fold(0.0, |sum, power| sum + power);
    doubles(&powers, |power| power / sum)
}

fn largest(margins: &[f64]) -> usize {
    let mut best = 0;
    let mut most = f64::NAN;
    for (class, margin) in margins.iter().enumerate() {
        if class == 0 || *margin > most {
            (best, most) = (class, *margin);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_margins_the_first_class_is_named() {
        assert_eq!(Link::Largest.values(&[1.0, 2.0, 2.0]), [1.0]);
        assert_eq!(Link::Largest.label(&[3.0, 2.0, 2.0]).as_deref(), Some("0"));
    }

    #[test]
    fn a_logistic_function_ends_in_bounds() {
        for margin in [-1e30, -100.0, 0.0, 100.0, 1e30] {
            let single = Link::SigmoidSingle.values(&[margin]);
            let double = Link::Sigmoid(1.0).values(&[margin]);
            assert!(
                single
                    .iter()
                    .chain(&double)
                    .all(|value| (0.0..=1.0).contains(value))
            );
        }
        assert_eq!(Link::SigmoidSingle.values(&[0.0]), [0.5]);
    }

    #[test]
    fn a_softmax_adds_up_to_one() {
        let values = Link::Softmax.values(&[1.0, 2.0, 3.0]);
        assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        let values = Link::SoftmaxSingle.values(&[1.0, 2.0, 3.0]);
        assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_square_keeps_its_sign() {
        assert_eq!(
            Link::SignedSquare.values(&[-3.0, 0.0, 2.0]),
            [-9.0, 0.0, 4.0]
        );
    }
}
