//! Permutation SHAP: Shapley values of any model, estimated from random orders, with the error of the estimate.
//!
//! For every background row and a random order of the players, the row's values replace the background row's player by player,
//! and what the model's answer changes by is the player's (Štrumbelj and Kononenko 2014, Knowledge and Information Systems 41).
//! Each order is walked forwards and backwards (antithetic: a player that came early comes late; Mitchell et al. 2022, JMLR 23).
//!
//! Every background row gets as many orders as every other, and each its own. So the background is not sampled, the changes of
//! each walk add up to the row's answer minus the background row's, and the values to the row's minus the mean of the
//! background. What is random is the orders alone, and the standard error tells of that: from the spread, within each background row,
//! of the means of a pair of walks. One and two players have no other orders than a pair walks: these values are exact.

use super::random::Random;
use crate::{ModelError, Value};

/// Calls of the model that are spent where they buy accuracy: about half a second at 10 microseconds a call.
const CALLS: u64 = 50_000;

/// Calls that are never exceeded: with two pairs for every background row, fewer than which have no error, this is as
/// far as a large background goes.
const CALLS_MOST: u64 = 2_000_000;

/// Pairs for every background row, at most: after these the error falls too slowly.
const PAIRS_MOST: u64 = 64;

/// The fewest pairs that show a spread.
const PAIRS_FEWEST: u64 = 2;

/// Values of the players and their standard errors, with the mean of the background.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) base: f64,
    pub(super) values: Vec<f64>,
    pub(super) errors: Vec<f64>,
}

/// A row, what it is compared with, and who is who.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) row: &'a [Value],
    pub(super) background: &'a [Vec<Value>],
    pub(super) player_of_input: &'a [usize],
    pub(super) players: usize,
}

/// Estimates; `value` is what the model says of the row, and `model` runs it.
pub(super) fn estimate(
    question: Question<'_>,
    value: f64,
    seed: u64,
    mut model: impl FnMut(&[Value]) -> Result<f64, ModelError>,
) -> Result<Estimate, ModelError> {
    let players = question.players;
    let pairs = pairs(question.background.len(), players)?;
    let mut inputs = vec![Vec::new(); players];
    for (input, player) in question.player_of_input.iter().enumerate() {
        inputs[*player].push(input);
    }
    let mut walk = Walk {
        question,
        inputs,
        value,
        changes: vec![0.0; players],
    };
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..players).collect();
    let mut base = 0.0;
    let mut values = vec![0.0; players];
    let mut variances = vec![0.0; players];
    for background in question.background {
        let from = model(background)?;
        base += from;
        let mut spread = Spread::new(players);
        for _ in 0..pairs {
            random.shuffle(&mut order);
            walk.changes.fill(0.0);
            walk.go(background, from, &order, &mut model)?;
            order.reverse();
            walk.go(background, from, &order, &mut model)?;
            spread.take(&walk.changes);
        }
        for player in 0..players {
            values[player] += spread.means[player];
            variances[player] += spread.variance_of_mean(player);
        }
    }
    let rows = question.background.len() as f64;
    let exact = players <= 2;
    let errors = variances.iter();
    let errors = errors.map(|variance| if exact { 0.0 } else { variance.sqrt() / rows });
    Ok(Estimate {
        base: base / rows,
        values: values.iter().map(|value| value / rows).collect(),
        errors: errors.collect(),
    })
}

/// Pairs for every background row.
fn pairs(rows: usize, players: usize) -> Result<u64, ModelError> {
    if players <= 2 {
        return Ok(1);
    }
    // The ends of a walk are known: the background row's answer and the row's.
    let pair = 2 * (players as u64 - 1) * rows as u64;
    if pair * PAIRS_FEWEST > CALLS_MOST {
        return Err(ModelError::TooLarge {
            what: "runs of the model to estimate attributions (rows of the background times players)",
            found: pair * PAIRS_FEWEST,
            most: CALLS_MOST,
        });
    }
    Ok((CALLS / pair).clamp(PAIRS_FEWEST, PAIRS_MOST))
}

struct Walk<'a> {
    question: Question<'a>,
    /// Of every player.
    inputs: Vec<Vec<usize>>,
    value: f64,
    /// Means over the walks of a pair.
    changes: Vec<f64>,
}

impl Walk<'_> {
    fn go(
        &mut self,
        background: &[Value],
        from: f64,
        order: &[usize],
        model: &mut impl FnMut(&[Value]) -> Result<f64, ModelError>,
    ) -> Result<(), ModelError> {
        let mut row = background.to_vec();
        let mut before = from;
        for (place, player) in order.iter().enumerate() {
            let mut same = true;
            for input in &self.inputs[*player] {
                let value = &self.question.row[*input];
                same &= row[*input] == *value;
                row[*input].clone_from(value);
            }
            let after = if place + 1 == order.len() {
                self.value
            } else if same {
                before
            } else {
                model(&row)?
            };
            self.changes[*player] += (after - before) / 2.0;
            before = after;
        }
        Ok(())
    }
}

/// Means and variances as they come (Welford).
struct Spread {
    count: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Spread {
    fn new(players: usize) -> Self {
        Self {
            count: 0.0,
            means: vec![0.0; players],
            squares: vec![0.0; players],
        }
    }

    fn take(&mut self, values: &[f64]) {
        self.count += 1.0;
        let sums = self.means.iter_mut().zip(&mut self.squares);
        for ((mean, square), value) in sums.zip(values) {
            let away = value - *mean;
            *mean += away / self.count;
            *square += away * (value - *mean);
        }
    }

    fn variance_of_mean(&self, player: usize) -> f64 {
        self.squares[player] / (self.count * (self.count - 1.0)).max(1.0)
    }
}

#[cfg(test)]
#[allow(clippy::needless_range_loop, clippy::unnecessary_wraps)]
mod tests {
    use super::*;
    use crate::attribute::reference;

    const PLAYERS: usize = 5;

    /// Products of neighbours and a step: nothing that adds up.
    fn model(row: &[Value]) -> Result<f64, ModelError> {
        let numbers: Vec<f64> = row
            .iter()
            .map(|value| match value {
                Value::Number(number) => *number,
                Value::Missing => -1.0,
                Value::Text(text) => text.len() as f64,
            })
            .collect();
        let products = numbers.windows(2).map(|two| two[0] * two[1]);
        Ok(products.sum::<f64>() + f64::from(numbers[0] > numbers[5]))
    }

    fn rows() -> (Vec<Value>, Vec<Vec<Value>>) {
        let row = |start: f64| -> Vec<Value> {
            let mut row: Vec<Value> = (0..6)
                .map(|at| Value::Number((start * 7.3 + f64::from(at) * 1.7).sin() * 3.0))
                .collect();
            row[2] = Value::Text("word".to_owned());
            row
        };
        let mut background: Vec<Vec<Value>> = (1..=10).map(|start| row(f64::from(start))).collect();
        background[3][4] = Value::Missing;
        (row(0.0), background)
    }

    /// The last two inputs are one player.
    const OWNERS: [usize; 6] = [0, 1, 2, 3, 4, 4];

    fn exact(row: &[Value], background: &[Vec<Value>]) -> Vec<f64> {
        reference::shapley(PLAYERS, |coalition| {
            let worths = background.iter().map(|from| {
                let mixed: Vec<Value> = (0..6)
                    .map(|at| {
                        if coalition[OWNERS[at]] {
                            row[at].clone()
                        } else {
                            from[at].clone()
                        }
                    })
                    .collect();
                model(&mixed).unwrap()
            });
            worths.sum::<f64>() / background.len() as f64
        })
    }

    fn question<'a>(row: &'a [Value], background: &'a [Vec<Value>]) -> Question<'a> {
        Question {
            row,
            background,
            player_of_input: &OWNERS,
            players: PLAYERS,
        }
    }

    #[test]
    fn estimates_add_up_and_lie_within_their_errors() {
        let (row, background) = rows();
        let value = model(&row).unwrap();
        let exact = exact(&row, &background);
        let (mut within_two, mut all) = (0, 0);
        for seed in 0..40 {
            let found = estimate(question(&row, &background), value, seed, model).unwrap();
            let sum: f64 = found.base + found.values.iter().sum::<f64>();
            assert!((sum - value).abs() < 1e-12, "seed {seed}: {sum} {value}");
            for player in 0..PLAYERS {
                let away = (found.values[player] - exact[player]).abs();
                let error = found.errors[player];
                assert!(
                    away <= 5.0 * error + 1e-12,
                    "seed {seed}: {away}, error {error}"
                );
                within_two += i32::from(away <= 2.0 * error + 1e-12);
                all += 1;
            }
        }
        assert!(within_two * 100 >= all * 90, "{within_two} of {all}");
    }

    #[test]
    fn errors_are_of_the_size_of_what_seeds_differ_by() {
        let (row, background) = rows();
        let value = model(&row).unwrap();
        let exact = exact(&row, &background);
        let runs: Vec<Estimate> = (100..200)
            .map(|seed| estimate(question(&row, &background), value, seed, model).unwrap())
            .collect();
        for player in 0..PLAYERS {
            let mean = |of: &dyn Fn(&Estimate) -> f64| runs.iter().map(of).sum::<f64>() / 100.0;
            let spread = mean(&|run| (run.values[player] - exact[player]).powi(2)).sqrt();
            let error = mean(&|run| run.errors[player].powi(2)).sqrt();
            assert!(
                (0.75..1.33).contains(&(spread / error)) || spread < 1e-12,
                "{spread} {error}"
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bits() {
        let (row, background) = rows();
        let value = model(&row).unwrap();
        let run = |seed| estimate(question(&row, &background), value, seed, model).unwrap();
        assert_eq!(run(3), run(3));
        assert_ne!(run(3).values, run(4).values);
    }

    #[test]
    fn two_players_are_exact() {
        let (row, background) = rows();
        let owners = [0, 0, 1, 1, 1, 0];
        let value = model(&row).unwrap();
        let two = Question {
            player_of_input: &owners,
            players: 2,
            ..question(&row, &background)
        };
        let found = estimate(two, value, 1, model).unwrap();
        let other = estimate(two, value, 2, model).unwrap();
        for player in 0..2 {
            assert!((found.values[player] - other.values[player]).abs() < 1e-12);
            assert_eq!(found.errors[player].to_bits(), 0);
        }
    }

    #[test]
    fn runs_of_the_model_are_bounded() {
        let (row, _) = rows();
        let background = vec![rows().1[0].clone(); 5_000];
        let mut calls = 0_u64;
        let counted = |row: &[Value]| {
            calls += 1;
            model(row)
        };
        let value = model(&row).unwrap();
        estimate(question(&row, &background), value, 0, counted).unwrap();
        assert!(calls <= 5_000 * (1 + 2 * 2 * 4), "{calls}");
        let error = pairs(1_000_000, PLAYERS).unwrap_err();
        assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
    }
}
