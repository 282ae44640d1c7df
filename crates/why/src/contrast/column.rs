//! The values of one field over all decisions, in blocks of [`BLOCK`] decisions, and the loops that compare a block with one
//! value. The loops are plain passes over slices, so that the compiler makes vector instructions of them.
//!
//! A field may hold numbers in some records and words in others: it then has both kinds of blocks. What a block does not
//! reach is missing, so that a field that appears late costs nothing before.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::digits::Digits;
use super::limits::Limits;
use crate::fields::Scalar;

/// Decisions in a block: two sums of them and a block of numbers stay in a first-level cache together.
pub(super) const BLOCK: usize = 2048;

/// The values of a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// Numbers by block; NaN is missing.
    pub(super) numbers: Vec<Vec<f32>>,
    /// Words and truth values by block; 0 is missing.
    pub(super) codes: Vec<Codes>,
    /// What the codes stand for.
    pub(super) words: Words,
    /// How many decisions have a word or truth value here.
    pub(super) coded: u64,
    /// What the numbers have in common.
    pub(super) digits: Digits,
    /// It is left out of distances for good.
    pub(super) free_text: bool,
    /// 1st and 99th percentile of the numbers, as of the last time that they were taken.
    pub(super) spread: Option<(f32, f32)>,
    /// So many distinct words, as of then, that nearly each is of one decision.
    pub(super) nearly_unique: bool,
}

/// A block of codes, as narrow as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

/// Distinct words and truth values; the code of each is its place here and one.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// Empty where the last decision that had it was removed.
    pub(super) names: Vec<Option<Word>>,
    codes: BTreeMap<Word, u16>,
    bytes: usize,
}

/// A word or a truth value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    Boolean(bool),
    Text(Arc<str>),
}

/// A value as a column compares it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Missing,
    Number(f32),
    /// 0 for a word that has never occurred.
    Word(u16),
}

impl Column {
    /// Puts the value of decision `row`, which is after all others.
    pub(super) fn push(&mut self, row: usize, value: &Scalar, limits: &Limits) {
        match value {
            Scalar::Missing => {}
            Scalar::Number(number) => {
                let Some(single) = single(*number) else {
                    return;
                };
                self.digits.see(*number);
                let block = block_of(&mut self.numbers, row, Vec::new);
                block.resize(row % BLOCK, f32::NAN);
                block.push(single);
            }
            Scalar::Boolean(value) => self.push_word(row, Word::Boolean(*value), limits),
            Scalar::Text(text) => self.push_word(row, Word::Text(text.as_str().into()), limits),
        }
    }

    fn push_word(&mut self, row: usize, word: Word, limits: &Limits) {
        if self.free_text {
            return;
        }
        let Some(code) = self.words.code_for(word, limits) else {
            self.free_text = true;
            self.codes = Vec::new();
            self.words = Words::default();
            self.coded = 0;
            return;
        };
        self.coded += 1;
        block_of(&mut self.codes, row, || Codes::Narrow(Vec::new())).put(row % BLOCK, code);
    }

    /// How a value given from outside compares with this column.
    pub(super) fn value(&self, value: &Scalar) -> Value {
        match value {
            Scalar::Missing => Value::Missing,
            Scalar::Number(number) => single(*number).map_or(Value::Missing, Value::Number),
            Scalar::Boolean(value) => Value::Word(self.words.find(&Word::Boolean(*value))),
            Scalar::Text(text) => Value::Word(self.words.find(&Word::Text(text.as_str().into()))),
        }
    }

    /// The value of a decision.
    pub(super) fn at(&self, row: usize) -> Value {
        let number = self.numbers.get(row / BLOCK);
        if let Some(number) = number.and_then(|block| block.get(row % BLOCK))
            && !number.is_nan()
        {
            return Value::Number(*number);
        }
        match self
            .codes
            .get(row / BLOCK)
            .map(|block| block.get(row % BLOCK))
        {
            None | Some(0) => Value::Missing,
            Some(code) => Value::Word(code),
        }
    }

    /// Takes the value of a decision away, and the word with it if no other decision has it.
    pub(super) fn remove(&mut self, row: usize) {
        if let Some(number) = self
            .numbers
            .get_mut(row / BLOCK)
            .and_then(|block| block.get_mut(row % BLOCK))
        {
            *number = f32::NAN;
        }
        let Value::Word(code) = self.at(row) else {
            return;
        };
        if let Some(block) = self.codes.get_mut(row / BLOCK) {
            block.put(row % BLOCK, 0);
        }
        self.coded -= 1;
        if !self.codes.iter().any(|block| block.contains(code)) {
            self.words.forget(code);
        }
    }

    /// Bytes that it takes.
    pub(super) fn memory(&self) -> usize {
        let numbers: usize = self.numbers.iter().map(|block| block.capacity() * 4).sum();
        let codes: usize = self.codes.iter().map(Codes::memory).sum();
        let blocks = self.numbers.len() + self.codes.len();
        numbers + codes + blocks * 32 + self.words.bytes * 2 + self.words.names.len() * 64
    }
}

/// A number as it is kept: `f32`, never infinite. What is no number is missing.
pub(super) fn single(number: f64) -> Option<f32> {
    (!number.is_nan()).then(|| (number as f32).clamp(f32::MIN, f32::MAX))
}

fn block_of<T>(blocks: &mut Vec<T>, row: usize, empty: impl FnMut() -> T) -> &mut T {
    let number = row / BLOCK;
    if blocks.len() <= number {
        blocks.resize_with(number + 1, empty);
    }
    &mut blocks[number]
}

impl Codes {
    pub(super) fn len(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.len(),
            Codes::Wide(codes) => codes.len(),
        }
    }

    pub(super) fn get(&self, at: usize) -> u16 {
        match self {
            Codes::Narrow(codes) => codes.get(at).map_or(0, |code| u16::from(*code)),
            Codes::Wide(codes) => codes.get(at).copied().unwrap_or(0),
        }
    }

    fn put(&mut self, at: usize, code: u16) {
        if let (Codes::Narrow(codes), true) = (&*self, code > u16::from(u8::MAX)) {
            *self = Codes::Wide(codes.iter().map(|code| u16::from(*code)).collect());
        }
        match self {
            Codes::Narrow(codes) => put(codes, at, code as u8),
            Codes::Wide(codes) => put(codes, at, code),
        }
    }

    fn contains(&self, code: u16) -> bool {
        match self {
            Codes::Narrow(codes) => u8::try_from(code).is_ok_and(|code| codes.contains(&code)),
            Codes::Wide(codes) => codes.contains(&code),
        }
    }

    fn memory(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.capacity(),
            Codes::Wide(codes) => codes.capacity() * 2,
        }
    }
}

fn put<T: Copy + Default>(codes: &mut Vec<T>, at: usize, code: T) {
    if codes.len() <= at {
        codes.resize(at + 1, T::default());
    }
    codes[at] = code;
}

impl Words {
    /// The code of a word, a new one if it has none; nothing if there are too many.
    fn code_for(&mut self, word: Word, limits: &Limits) -> Option<u16> {
        if let Some(code) = self.codes.get(&word) {
            return Some(*code);
        }
        self.add(Some(word), limits)
    }

    /// Adds a new word, or the place of one that was forgotten.
    pub(super) fn add(&mut self, word: Option<Word>, limits: &Limits) -> Option<u16> {
        let bytes = self.bytes + word.as_ref().map_or(0, Word::bytes);
        let most = limits.categories.min(super::limits::MOST_CODES);
        if self.names.len() >= most || bytes > limits.category_bytes {
            return None;
        }
        self.bytes = bytes;
        let code = self.names.len() as u16 + 1;
        if let Some(word) = &word
            && self.codes.insert(word.clone(), code).is_some()
        {
            return None;
        }
        self.names.push(word);
        Some(code)
    }

    fn find(&self, word: &Word) -> u16 {
        self.codes.get(word).copied().unwrap_or(0)
    }

    fn forget(&mut self, code: u16) {
        let place = usize::from(code) - 1;
        if let Some(word) = self.names.get_mut(place).and_then(Option::take) {
            self.bytes -= word.bytes();
            self.codes.remove(&word);
        }
    }

    /// How many distinct ones there are.
    pub(super) fn distinct(&self) -> usize {
        self.codes.len()
    }
}

impl Word {
    fn bytes(&self) -> usize {
        match self {
            Word::Boolean(_) => 1,
            Word::Text(text) => text.len(),
        }
    }

    pub(super) fn scalar(&self) -> Scalar {
        match self {
            Word::Boolean(value) => Scalar::Boolean(*value),
            Word::Text(text) => Scalar::Text(text.to_string()),
        }
    }
}

/// The sums of a block: weighted differences, and weights of the fields that both have.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) differences: [f32; BLOCK],
    pub(super) weights: [f32; BLOCK],
}

impl Sums {
    /// Adds a field: `value` against all that the column holds in this block.
    pub(super) fn add(&mut self, column: &Column, block: usize, value: Value, weight: f32) {
        let numbers = column.numbers.get(block).map_or(&[][..], Vec::as_slice);
        let codes = column.codes.get(block);
        match value {
            Value::Missing => {}
            Value::Number(number) => {
                match column.spread {
                    Some((low, high)) if high > low => {
                        self.add_near(numbers, number, 1.0 / (high - low), weight);
                    }
                    _ => self.add_equal(numbers, number, weight),
                }
                self.add_codes(codes, 0, weight);
            }
            Value::Word(code) => {
                self.add_equal(numbers, f32::NAN, weight);
                self.add_codes(codes, code, weight);
            }
        }
    }

    fn add_near(&mut self, numbers: &[f32], number: f32, inverse: f32, weight: f32) {
        let sums = self.differences.iter_mut().zip(&mut self.weights);
        for (value, (difference, sum)) in numbers.iter().zip(sums) {
            let part = (value - number).abs() * inverse;
            let part = if part < 1.0 { part } else { 1.0 };
            let known = !value.is_nan();
            *difference += if known { part * weight } else { 0.0 };
            *sum += if known { weight } else { 0.0 };
        }
    }

    /// For numbers that have no spread, or against something that is no number (NaN): equal or not.
    #[allow(clippy::float_cmp, reason = "equal is meant")]
    fn add_equal(&mut self, numbers: &[f32], number: f32, weight: f32) {
        let sums = self.differences.iter_mut().zip(&mut self.weights);
        for (value, (difference, sum)) in numbers.iter().zip(sums) {
            let known = !value.is_nan();
            let differs = known && *value != number;
            *difference += if differs { weight } else { 0.0 };
            *sum += if known { weight } else { 0.0 };
        }
    }

    fn add_codes(&mut self, codes: Option<&Codes>, code: u16, weight: f32) {
        match codes {
            None => {}
            Some(Codes::Wide(codes)) => self.add_words(codes, code, weight),
            Some(Codes::Narrow(codes)) => {
                // No narrow block holds a wide code; like an unknown word it differs from every known one.
                self.add_words(codes, u8::try_from(code).unwrap_or(0), weight);
            }
        }
    }

    #[allow(
        clippy::needless_bitwise_bool,
        reason = "without a branch the loop is vectorised"
    )]
    fn add_words<T: Copy + PartialEq + Default>(&mut self, codes: &[T], code: T, weight: f32) {
        let missing = T::default();
        let sums = self.differences.iter_mut().zip(&mut self.weights);
        for (value, (difference, sum)) in codes.iter().zip(sums) {
            let known = *value != missing;
            let differs = known & (*value != code);
            *difference += if differs { weight } else { 0.0 };
            *sum += if known { weight } else { 0.0 };
        }
    }
}
