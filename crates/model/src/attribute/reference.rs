//! What everything here is held against: Shapley's formula over all coalitions.

/// The values of a game: `worth` is told for every player whether it is in the coalition.
pub(super) fn shapley(players: usize, worth: impl Fn(&[bool]) -> f64) -> Vec<f64> {
    let factorial = |n: usize| (1..=n).map(|n| n as f64).product::<f64>();
    let coalition =
        |bits: usize| -> Vec<bool> { (0..players).map(|player| bits >> player & 1 == 1).collect() };
    let worths: Vec<f64> = (0..1 << players)
        .map(|bits| worth(&coalition(bits)))
        .collect();
    (0..players)
        .map(|player| {
            let without = (0..1_usize << players).filter(|bits| bits >> player & 1 == 0);
            let changes = without.map(|bits| {
                let size = bits.count_ones() as usize;
                let weight = factorial(size) * factorial(players - size - 1) / factorial(players);
                weight * (worths[bits | 1 << player] - worths[bits])
            });
            changes.sum()
        })
        .collect()
}
