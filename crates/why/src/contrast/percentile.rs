//! Where the values of a decision lie among all recorded ones: exact counts over the decisions of a version.

use std::collections::BTreeSet;

use super::column::{BLOCK, Codes, Column, Value};
use super::history::{History, Standing};
use crate::document::Percentile;
use crate::fields::{Fields, Scalar};

/// Below this share of the decisions, or outside as many of a hundred on either side, a value is rare.
const RARE: f64 = 0.01;

/// What a column's values are counted into.
#[derive(Debug, Default)]
struct Counts {
    below: u64,
    equal: u64,
    numbers: u64,
    words: u64,
    same_word: u64,
}

impl History {
    /// The place of every value among the decisions of `version`, or of all versions: those that stand, those that were
    /// superseded or overridden, and the decision itself if it is in the history. Fields that the decision does not have,
    /// and others have, are missing. Free text is left out.
    pub fn percentiles(&self, version: Option<&str>, fields: &Fields) -> Vec<Percentile> {
        let version = match version.map(|version| self.versions.find(version)) {
            Some(None) => return Vec::new(),
            Some(version) => version,
            None => None,
        };
        let counted = self.counted(version);
        let decisions = counted.iter().filter(|counts| **counts).count() as u64;
        if decisions == 0 {
            return Vec::new();
        }
        let pointers: BTreeSet<&String> = fields.keys().chain(&self.pointers).collect();
        let found = |pointer: &String| {
            let column = &self.columns[*self.by_pointer.get(pointer)?];
            let given = fields.get(pointer).unwrap_or(&Scalar::Missing);
            place(pointer, column, given, &counted, decisions)
        };
        pointers.into_iter().filter_map(found).collect()
    }

    /// Which decisions are counted.
    pub(super) fn counted(&self, version: Option<u16>) -> Vec<bool> {
        let both = self.version.iter().zip(&self.standing);
        both.map(|(of, standing)| {
            version.is_none_or(|wanted| wanted == *of) && (*standing != Standing::Removed)
        })
        .collect()
    }
}

fn place(
    pointer: &str,
    column: &Column,
    given: &Scalar,
    counted: &[bool],
    decisions: u64,
) -> Option<Percentile> {
    let value = column.value(given);
    let counts = Counts::of(column, value, counted);
    let occurs = counts.numbers + counts.words;
    let share = |count: u64| count as f64 / decisions as f64;
    let (percentile, share) = match value {
        // A column of another version only has nothing to say of this one.
        Value::Missing if occurs == 0 => return None,
        Value::Missing if column.free_text => return None,
        Value::Missing => (None, Some(share(decisions - occurs))),
        Value::Number(_) if counts.numbers > 0 => {
            let below = counts.below as f64 + counts.equal as f64 / 2.0;
            (Some(100.0 * below / counts.numbers as f64), None)
        }
        Value::Number(_) => (None, Some(0.0)),
        Value::Word(_) if column.free_text || column.nearly_unique => return None,
        Value::Word(_) => (None, Some(share(counts.same_word))),
    };
    let outside = |percentile: f64| !(RARE * 100.0..=100.0 - RARE * 100.0).contains(&percentile);
    Some(Percentile {
        field: pointer.to_owned(),
        value: given.clone(),
        percentile,
        share,
        rare: percentile.is_some_and(outside) || share.is_some_and(|share| share < RARE),
    })
}

impl Counts {
    fn of(column: &Column, value: Value, counted: &[bool]) -> Self {
        let mut counts = Self::default();
        let number = match value {
            Value::Number(number) => number,
            Value::Missing | Value::Word(_) => f32::NAN,
        };
        let code = match value {
            Value::Word(code) => code,
            Value::Missing | Value::Number(_) => 0,
        };
        for (block, counted) in counted.chunks(BLOCK).enumerate() {
            if let Some(numbers) = column.numbers.get(block) {
                counts.add_numbers(numbers, counted, number);
            }
            match column.codes.get(block) {
                Some(Codes::Narrow(codes)) => {
                    counts.add_words(codes, counted, u8::try_from(code).unwrap_or(0));
                }
                Some(Codes::Wide(codes)) => counts.add_words(codes, counted, code),
                None => {}
            }
        }
        counts
    }

    #[allow(clippy::float_cmp, reason = "equal is meant")]
    fn add_numbers(&mut self, numbers: &[f32], counted: &[bool], number: f32) {
        // Wrapping, because a check of every sum would keep the compiler from vectors; a block is small.
        let (mut below, mut equal, mut known) = (0u32, 0u32, 0u32);
        for (value, counts) in numbers.iter().zip(counted) {
            below = below.wrapping_add(u32::from((*value < number) & counts));
            equal = equal.wrapping_add(u32::from((*value == number) & counts));
            known = known.wrapping_add(u32::from(!value.is_nan() & counts));
        }
        self.below += u64::from(below);
        self.equal += u64::from(equal);
        self.numbers += u64::from(known);
    }

    fn add_words<T: Copy + PartialEq + Default>(&mut self, codes: &[T], counted: &[bool], code: T) {
        let missing = T::default();
        let (mut same, mut known) = (0u32, 0u32);
        for (value, counts) in codes.iter().zip(counted) {
            let occurs = (*value != missing) & counts;
            same = same.wrapping_add(u32::from((*value == code) & occurs));
            known = known.wrapping_add(u32::from(occurs));
        }
        self.same_word += u64::from(same);
        self.words += u64::from(known);
    }
}
