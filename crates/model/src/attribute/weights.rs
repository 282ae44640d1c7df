//! How often a player is the last of its side to come, over all orders of those whose side matters.

/// `(mine - 1)! others! / (mine + others)!` for every pair up to a number of players: the probability that, in a random order, a
/// given one of `mine` players comes after all the rest of them and before all of the `others`.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    side: usize,
    table: Vec<f64>,
}

impl Weights {
    /// For up to this many players on either side. Every entry comes from the one before by a ratio, so that no factorial
    /// overflows; what underflows to 0 is smaller than any sum it would be added to.
    pub(super) fn up_to(players: usize) -> Self {
        let side = players + 1;
        let mut table = vec![0.0; side * side];
        for others in 0..side {
            let mut weight = 1.0 / (others + 1) as f64;
            for mine in 1..side {
                table[mine * side + others] = weight;
                weight *= mine as f64 / (mine + others + 1) as f64;
            }
        }
        Self { side, table }
    }

    /// 0 if there are none on this side.
    pub(super) fn get(&self, mine: usize, others: usize) -> f64 {
        self.table[mine * self.side + others]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_the_ratios_of_factorials() {
        let factorial = |n: usize| (1..=n).map(|n| n as f64).product::<f64>();
        let weights = Weights::up_to(12);
        for mine in 1..=12 {
            for others in 0..=12 {
                let expected = factorial(mine - 1) * factorial(others) / factorial(mine + others);
                let found = weights.get(mine, others);
                assert!(
                    (found / expected - 1.0).abs() < 1e-14,
                    "{mine} {others}: {found} {expected}"
                );
            }
        }
        assert_eq!(weights.get(0, 3).to_bits(), 0);
    }

    #[test]
    fn weights_of_a_thousand_players_are_finite() {
        let weights = Weights::up_to(1_024);
        assert!((weights.get(1_024, 0) * 1_024.0 - 1.0).abs() < 1e-12);
        assert!(weights.get(512, 512).is_finite());
    }
}
