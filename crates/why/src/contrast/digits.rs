//! What the numbers of a field have in common: how many decimal places they have, and what they are multiples of.

/// Decimal places that are looked for; amounts of money and rates have fewer.
const MOST_DECIMALS: u8 = 6;
/// Whole numbers below it are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// From this many numbers on, what they are all multiples of is taken for their step; fewer may be so by chance.
const ENOUGH: u64 = 30;

/// Grows with every number that is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digits {
    pub(super) seen: u64,
    pub(super) decimals: u8,
    /// In units of the last decimal place; 0 as long as only 0 was seen.
    pub(super) divisor: u64,
    /// There is a number with more places, or too large to tell.
    pub(super) none: bool,
}

impl Digits {
    pub(super) fn see(&mut self, number: f64) {
        self.seen = self.seen.saturating_add(1);
        if self.none {
            return;
        }
        while let Some(false) = self.fits(number) {
            let Some(divisor) = self.divisor.checked_mul(10) else {
                self.none = true;
                return;
            };
            if self.decimals == MOST_DECIMALS {
                self.none = true;
                return;
            }
            self.decimals += 1;
            self.divisor = divisor;
        }
        let units = (number * power(self.decimals)).round().abs();
        if units >= EXACT {
            self.none = true;
        } else if self.divisor != 1 {
            self.divisor = greatest_common_divisor(self.divisor, units as u64);
        }
    }

    /// Whether a number has no more places than all before; none if it is too large to tell.
    #[allow(
        clippy::float_cmp,
        reason = "a decimal number is equal to itself after rounding"
    )]
    fn fits(self, number: f64) -> Option<bool> {
        let power = power(self.decimals);
        let units = number * power;
        (units.abs() < EXACT).then(|| units.round() / power == number)
    }

    /// What all numbers are multiples of, if anything.
    pub(crate) fn step(&self) -> Option<f64> {
        if self.none || self.seen == 0 {
            return None;
        }
        let units = if self.seen < ENOUGH || self.divisor == 0 {
            1
        } else {
            self.divisor
        };
        Some(units as f64 / power(self.decimals))
    }
}

fn power(decimals: u8) -> f64 {
    10f64.powi(i32::from(decimals))
}

fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
        let mut digits = Digits::default();
        numbers.into_iter().for_each(|number| digits.see(number));
        digits.step()
    }

    #[test]
    fn whole_numbers_have_step_one_until_enough_are_multiples_of_more() {
        assert_eq!(step([100.0, 300.0]), Some(1.0));
        assert_eq!(step((0..40).map(|n| f64::from(n) * 50.0)), Some(50.0));
        assert_eq!(step((0..40).map(f64::from)), Some(1.0));
    }

    #[test]
    fn decimal_places_are_seen_in_whatever_order() {
        assert_eq!(step([3.0, 0.29, 1.5]), Some(0.01));
        assert_eq!(step((0..40).map(|n| f64::from(n) / 20.0)), Some(0.05));
    }

    #[test]
    fn what_has_more_places_has_no_step() {
        assert_eq!(step([1.0, 1.0 / 3.0]), None);
        assert_eq!(step([1e300]), None);
        assert_eq!(step([]), None);
    }

    #[test]
    fn zeros_and_negative_numbers_count() {
        assert_eq!(step([0.0, -0.0]), Some(1.0));
        assert_eq!(step((-20..20).map(|n| f64::from(n) * 12.0)), Some(12.0));
    }
}
