//! The values that have occurred in a field: what a counterfactual may set it to.

use std::collections::BTreeMap;

use super::column::{Column, Value};
use super::history::{History, why_left_out};
use crate::fields::Scalar;

/// Decisions that values are taken from; all of them in a history that has no more.
const SAMPLE: usize = 65_536;
/// Most different numbers and words of a field.
const MOST_NUMBERS: usize = 1024;
const MOST_WORDS: usize = 256;

/// The values that have occurred, by field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// By pointer.
    pub fields: BTreeMap<String, SeenField>,
}

/// The values that have occurred in a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenField {
    /// Different numbers, rising: all of them, or as many quantiles as are kept (1,024).
    pub numbers: Vec<f64>,
    /// 1st and 99th percentile of the numbers.
    pub middle: Option<(f64, f64)>,
    /// What all numbers are whole multiples of, if anything.
    pub step: Option<f64>,
    /// Different words and truth values: all of them, or the 256 that occur most, in the order of their names.
    pub words: Vec<Scalar>,
    /// Why it is taken for an identifier, a date or free text, if it is.
    pub unique: Option<&'static str>,
}

impl History {
    /// The values that have occurred in decisions of `version`, or of all versions. It is made once and used for many
    /// decisions.
    pub fn seen(&self, version: Option<&str>) -> Seen {
        let version = match version.map(|version| self.versions.find(version)) {
            Some(None) => return Seen::default(),
            Some(version) => version,
            None => None,
        };
        let counted = self.counted(version);
        let rows: Vec<usize> = (0..counted.len()).filter(|row| counted[*row]).collect();
        let sample = rows.len().min(SAMPLE);
        let picked: Vec<usize> = (0..sample)
            .map(|place| rows[place * rows.len() / sample])
            .collect();
        let columns = self.pointers.iter().zip(&self.columns);
        let fields = columns.map(|(pointer, column)| {
            let mut field = seen_in(column, &picked);
            field.unique = why_left_out(pointer, column);
            if field.unique.is_none() && are_dates(&field.words) {
                field.unique = Some("its values are dates");
            }
            (pointer.clone(), field)
        });
        Seen {
            fields: fields.collect(),
        }
    }
}

fn seen_in(column: &Column, rows: &[usize]) -> SeenField {
    let mut numbers = Vec::new();
    let mut words: BTreeMap<u16, usize> = BTreeMap::new();
    for row in rows {
        match column.at(*row) {
            Value::Missing => {}
            Value::Number(number) => numbers.push(number),
            Value::Word(code) => *words.entry(code).or_insert(0) += 1,
        }
    }
    numbers.sort_by(f32::total_cmp);
    let middle = numbers.len().checked_sub(1).map(|last| {
        let (low, high) = (numbers[last / 100], numbers[(last * 99).div_ceil(100)]);
        (low, high)
    });
    let step = column.digits.step();
    let as_given = |number: f32| as_given(number, step);
    SeenField {
        middle: middle.map(|(low, high)| (as_given(low), as_given(high))),
        numbers: spaced(different(numbers))
            .into_iter()
            .map(as_given)
            .collect(),
        step,
        words: most_frequent(column, words),
        unique: None,
    }
}

#[allow(clippy::float_cmp, reason = "equal is meant")]
fn different(mut sorted: Vec<f32>) -> Vec<f32> {
    sorted.dedup_by(|one, other| one == other);
    sorted
}

/// At most [`MOST_NUMBERS`], evenly by rank, with the first and the last.
fn spaced(sorted: Vec<f32>) -> Vec<f32> {
    if sorted.len() <= MOST_NUMBERS {
        return sorted;
    }
    let last = sorted.len() - 1;
    (0..MOST_NUMBERS)
        .map(|place| sorted[place * last / (MOST_NUMBERS - 1)])
        .collect()
}

/// The number that was given, of which a single was kept: the nearest step, or the shortest text that is this single.
fn as_given(number: f32, step: Option<f64>) -> f64 {
    match step {
        Some(step) => to_step(f64::from(number), step),
        None => number.to_string().parse().unwrap_or(f64::from(number)),
    }
}

/// The nearest whole multiple of a step, without the digits that multiplying adds.
pub(crate) fn to_step(number: f64, step: f64) -> f64 {
    let multiple = (number / step).round() * step;
    let decimals = decimals(step);
    let power = 10f64.powi(decimals);
    let clean = (multiple * power).round() / power;
    if clean.is_finite() { clean } else { multiple }
}

/// Decimal places of a step, up to 12.
#[allow(
    clippy::float_cmp,
    reason = "a decimal number is equal to itself after rounding"
)]
fn decimals(step: f64) -> i32 {
    (0..12)
        .find(|places| {
            let power = 10f64.powi(*places);
            (step * power).round() / power == step
        })
        .unwrap_or(12)
}

fn most_frequent(column: &Column, counts: BTreeMap<u16, usize>) -> Vec<Scalar> {
    let mut counts: Vec<(u16, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    counts.truncate(MOST_WORDS);
    let names = counts.iter().filter_map(|(code, _)| {
        let place = usize::from(*code) - 1;
        column.words.names.get(place)?.as_ref()
    });
    let mut words: Vec<_> = names.collect();
    words.sort();
    words.into_iter().map(super::column::Word::scalar).collect()
}

/// Whether all words begin as a date does in ISO 8601: `2024-06-01`.
fn are_dates(words: &[Scalar]) -> bool {
    let is_date = |word: &Scalar| match word {
        Scalar::Text(text) => {
            let bytes = text.as_bytes();
            bytes.len() >= 10
                && bytes[..10]
                    .iter()
                    .enumerate()
                    .all(|(place, byte)| match place {
                        4 | 7 => *byte == b'-',
                        _ => byte.is_ascii_digit(),
                    })
        }
        _ => false,
    };
    !words.is_empty() && words.iter().all(is_date)
}
