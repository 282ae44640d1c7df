//! What a history says about itself as a whole: how far the values of a field spread, and how near decisions usually are to
//! each other. Both are taken from a sample that depends on nothing but the number of decisions, at fixed sizes of the
//! history, so that the answer does not depend on who asked when.

use super::column::{BLOCK, Value};
use super::history::{History, Standing};
use super::scan::Probe;

/// Values of a field that its spread is taken from; all of them in a history that has no more.
const SAMPLE: usize = 16_384;
/// Up to here the spread is taken anew with every decision, from there on whenever an eighth has come.
const EVERY: usize = 64;
/// Decisions whose nearest is looked for, and blocks that it is looked for in.
const FAMILIAR_SAMPLE: usize = 128;
const FAMILIAR_BLOCKS: usize = 8;
/// In a smaller history nothing is said of what is usual.
const FAMILIAR_LEAST: usize = 32;
/// Fewer distinct words than this are never taken for free text.
const UNIQUE_LEAST: usize = 50;

impl History {
    /// After a decision was added.
    pub(super) fn grown(&mut self) {
        let rows = self.index.len();
        if rows <= EVERY || rows >= self.growth.spread_at {
            self.take_spread();
            self.growth.spread_at = rows + rows / 8;
        }
        if rows >= self.growth.familiar_at.max(FAMILIAR_LEAST) {
            self.familiar = self.usual_distance();
            self.growth.familiar_at = rows * 2;
        }
    }

    fn take_spread(&mut self) {
        let rows = self.index.len();
        let sample = rows.min(SAMPLE);
        let mut numbers = Vec::with_capacity(sample);
        for column in &mut self.columns {
            numbers.clear();
            if !column.numbers.is_empty() {
                let picked = (0..sample).map(|place| column.at(place * rows / sample));
                numbers.extend(picked.filter_map(|value| match value {
                    Value::Number(number) => Some(number),
                    Value::Missing | Value::Word(_) => None,
                }));
            }
            column.spread = middle(&mut numbers);
            let distinct = column.words.distinct();
            column.nearly_unique = distinct >= UNIQUE_LEAST && distinct as u64 * 2 > column.coded;
        }
    }

    /// The distance that 99 in a hundred of the sample's decisions have to their nearest. In a large history the nearest is
    /// looked for in some blocks only, which makes it larger: then "nothing similar" is said too seldom, not too often.
    fn usual_distance(&self) -> Option<f32> {
        let rows = self.index.len();
        let blocks = rows.div_ceil(BLOCK);
        let looked = blocks.min(FAMILIAR_BLOCKS);
        let picked: Vec<usize> = (0..looked).map(|place| place * blocks / looked).collect();
        let sample = rows.min(FAMILIAR_SAMPLE);
        let mut distances: Vec<f32> = (0..sample)
            .map(|place| place * rows / sample)
            .filter(|row| self.standing[*row] != Standing::Removed)
            .filter_map(|row| {
                let probe = Probe::of_row(self, row);
                let nearest = picked.iter().map(|block| probe.least(self, *block, row));
                Some(nearest.fold(f32::INFINITY, f32::min)).filter(|least| least.is_finite())
            })
            .collect();
        distances.sort_by(f32::total_cmp);
        let last = distances.len().checked_sub(1)?;
        distances.get((last * 99).div_ceil(100)).copied()
    }
}

/// The 1st and 99th percentile, by the nearest number outside them.
fn middle(numbers: &mut [f32]) -> Option<(f32, f32)> {
    let last = numbers.len().checked_sub(1)?;
    let (low, high) = (last / 100, (last * 99).div_ceil(100));
    let low = *numbers.select_nth_unstable_by(low, f32::total_cmp).1;
    let high = *numbers.select_nth_unstable_by(high, f32::total_cmp).1;
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::middle;

    #[test]
    fn the_middle_of_few_numbers_is_all_of_them_and_of_many_leaves_out_one_in_a_hundred_on_each_side()
     {
        let mut few = [3.0, 1.0, 2.0];
        assert_eq!(middle(&mut few), Some((1.0, 3.0)));
        let mut many: Vec<f32> = (0..=1000u16).rev().map(f32::from).collect();
        assert_eq!(middle(&mut many), Some((10.0, 990.0)));
        assert_eq!(middle(&mut []), None);
    }
}
