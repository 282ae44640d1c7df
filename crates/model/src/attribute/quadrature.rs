//! Exact integrals of polynomials from 0 to 1 (Gauss and Legendre).

use std::f64::consts::PI;

/// A point and its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) weight: f64,
}

/// As few points as integrate every polynomial of this degree exactly.
pub(super) fn points(degree: usize) -> Vec<Point> {
    let count = degree / 2 + 1;
    (0..count).map(|number| point(number, count)).collect()
}

/// The roots of the Legendre polynomial by Newton's method from Tricomi's estimate, which is close enough that six steps
/// are more than enough for any count.
fn point(number: usize, count: usize) -> Point {
    let n = count as f64;
    let mut root = ((number as f64 + 0.75) / (n + 0.5) * PI).cos();
    let mut slope = 1.0;
    for _ in 0..6 {
        let (value, derivative) = legendre(count, root);
        slope = derivative;
        root -= value / derivative;
    }
    // From -1..1 to 0..1: both are halved.
    Point {
        at: f64::midpoint(1.0, root),
        weight: 1.0 / ((1.0 - root * root) * slope * slope),
    }
}

/// Value and derivative.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=degree {
        let k = k as f64;
        (before, value) = (
            value,
            ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
        );
    }
    let derivative = degree as f64 * (x * value - before) / (x * x - 1.0);
    (value, derivative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly() {
        for degree in 0..40 {
            let points = points(degree);
            for power in 0..=degree {
                let terms = points
                    .iter()
                    .map(|point| point.weight * point.at.powi(power as i32));
                let found: f64 = terms.sum();
                let expected = 1.0 / (power + 1) as f64;
                assert!((found - expected).abs() < 1e-14, "{degree} {power} {found}");
            }
        }
    }

    #[test]
    fn five_hundred_points_lie_within_and_weigh_one() {
        let points = points(1_023);
        assert_eq!(points.len(), 512);
        assert!(points.iter().all(|point| point.at > 0.0 && point.at < 1.0));
        let weight: f64 = points.iter().map(|point| point.weight).sum();
        assert!((weight - 1.0).abs() < 1e-12, "{weight}");
    }
}
