//! Objectives: what is done with the sums, by LightGBM's `ConvertOutput` in `src/objective/`.

use super::{malformed, unsupported};
use crate::link::Link;
use crate::{ModelError, Scale, Task};

/// What an objective decides about predictions.
#[derive(Debug)]
pub(super) struct Objective {
    pub(super) task: Task,
    pub(super) scale: Scale,
    pub(super) link: Link,
    /// Outputs, where it says how many.
    pub(super) classes: Option<usize>,
}

impl Objective {
    /// From the header's line; without one the model was trained with a function of its user's, and sums are given as they are.
    pub(super) fn read(line: Option<&str>) -> Result<Self, ModelError> {
        let mut words = line
            .unwrap_or("custom")
            .split(' ')
            .filter(|word| !word.is_empty());
        let name = words.next().unwrap_or_default();
        let mut parameters = Parameters::default();
        for word in words {
            parameters.take(word)?;
        }
        let plain = (Task::Regression, Scale::Value, Link::Identity);
        let (task, scale, link) = match name {
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" => {
                let link = if parameters.root {
                    Link::SignedSquare
                } else {
                    Link::Identity
                };
                (Task::Regression, Scale::Value, link)
            }
            "lambdarank" | "rank_xendcg" | "custom" => plain,
            "poisson" | "gamma" | "tweedie" => (Task::Regression, Scale::Log, Link::Exp),
            "binary" => (Task::Binary, Scale::LogOdds, parameters.sigmoid()?),
            "multiclass" => (Task::Multiclass, Scale::LogOdds, Link::Softmax),
            "multiclassova" => (Task::Multiclass, Scale::LogOdds, parameters.sigmoid()?),
            "cross_entropy" => (Task::Regression, Scale::LogOdds, Link::Sigmoid(1.0)),
            "cross_entropy_lambda" => (Task::Regression, Scale::Value, Link::LogOnePlusExp),
            _ => return Err(unsupported(format!("the objective {name:?}"))),
        };
        let classes = match (task, parameters.classes) {
            (Task::Multiclass, None) => return Err(malformed("objective", "num_class is missing")),
            (Task::Multiclass, classes) => classes,
            _ => Some(1),
        };
        let classes = classes.filter(|_| name != "custom");
        Ok(Self {
            task,
            scale,
            link,
            classes,
        })
    }
}

#[derive(Default)]
struct Parameters {
    sigmoid: Option<f64>,
    classes: Option<usize>,
    root: bool,
}

impl Parameters {
    fn take(&mut self, word: &str) -> Result<(), ModelError> {
        match word.split_once(':') {
            None if word == "sqrt" => self.root = true,
            Some(("sigmoid", text)) => self.sigmoid = atof(text),
            Some(("num_class", text)) => self.classes = text.parse().ok(),
            _ => return Err(unsupported(format!("the objective's parameter {word:?}"))),
        }
        Ok(())
    }

    fn sigmoid(&self) -> Result<Link, ModelError> {
        let factor = self
            .sigmoid
            .filter(|factor| *factor > 0.0 && factor.is_finite());
        let missing = || malformed("objective", "its sigmoid is missing or not above 0");
        factor.map(Link::Sigmoid).ok_or_else(missing)
    }
}

/// `Common::Atof` in `include/LightGBM/utils/common.h`, which does not round as other readers of numbers do. Numbers of more
/// than 15 digits, or with an exponent beyond 22, are not read: LightGBM writes 6.
fn atof(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent: i32 = exponent.parse().ok()?;
    if !digits(whole)
        || !digits(fraction)
        || mantissa.len() < 2 && fraction.is_empty() && whole.is_empty()
    {
        return None;
    }
    if whole.len() + fraction.len() > 15 || exponent.abs() > 22 {
        return None;
    }
    let number = |text: &str| {
        if text.is_empty() {
            Some(0.0)
        } else {
            text.parse::<f64>().ok()
        }
    };
    // Powers of ten up to the 22nd are exact, so that the way to them does not matter.
    let value = number(whole)? + number(fraction)? / 10_f64.powi(fraction.len() as i32);
    let scale = 10_f64.powi(exponent.abs());
    Some(if exponent < 0 {
        value / scale
    } else {
        value * scale
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_read_as_lightgbm_reads_it() {
        assert_eq!(atof("1"), Some(1.0));
        assert_eq!(atof("0.7"), Some(0.7));
        assert_eq!(atof("2.5e-05"), Some(2.5 / 1e5));
        for refused in ["", ".", "-1", "1e", "nan", "12345678901234567", "1e300"] {
            assert_eq!(atof(refused), None, "{refused}");
        }
    }

    #[test]
    fn an_objective_that_is_not_known_is_refused_by_its_name() {
        let refused = Objective::read(Some("regression_of_tomorrow")).unwrap_err();
        assert!(refused.to_string().contains("regression_of_tomorrow"));
        let refused = Objective::read(Some("binary sigmoid:1 twist:2")).unwrap_err();
        assert!(refused.to_string().contains("twist:2"));
    }
}
