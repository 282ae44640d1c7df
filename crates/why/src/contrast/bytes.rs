//! A history as bytes: a cache file. Whatever is not exactly what was written is refused, and the history is made anew from
//! the ledger; a file that was made to look right is read within bounds.
//!
//! ```text
//! magic, 8 bytes, with the version of the format
//! checksum of all that follows, 8 bytes
//! covered, decisions, spread_at, familiar_at   8 bytes each; familiar 4 bytes, more_fields 1 byte
//! versions, decisions                          names
//! index 8, version 2, decision 2, score 8, standing 1 bytes a decision, column after column
//! columns: pointer, digits, spread, flags, words, blocks of numbers, blocks of codes
//! ```
//!
//! Numbers are little-endian; a text and a list are led by their length in 4 bytes.

use super::column::{BLOCK, Codes, Column, Word, Words};
use super::digits::Digits;
use super::history::{Growth, History, NAME_BYTES_MAX, Names, Standing};
use super::limits::{HistoryError, Limits};

const MAGIC: &[u8; 8] = b"causehi\x01";
const HEADER_BYTES: usize = 16;

impl History {
    /// The history as bytes, for a cache file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(self.memory() + 4096));
        out.0.extend_from_slice(MAGIC);
        out.u64(0);
        out.u64(self.covered);
        out.u64(self.index.len() as u64);
        out.u64(self.growth.spread_at as u64);
        out.u64(self.growth.familiar_at as u64);
        out.single(self.familiar.unwrap_or(f32::NAN));
        out.byte(u8::from(self.more_fields));
        out.names(&self.versions);
        out.names(&self.decisions);
        self.index.iter().for_each(|index| out.u64(*index));
        self.version.iter().for_each(|code| out.u16(*code));
        self.decision.iter().for_each(|code| out.u16(*code));
        self.score.iter().for_each(|score| out.u64(score.to_bits()));
        self.standing
            .iter()
            .for_each(|standing| out.byte(*standing as u8));
        out.length(self.columns.len());
        for (pointer, column) in self.pointers.iter().zip(&self.columns) {
            out.text(pointer);
            out.column(column);
        }
        let checksum = checksum(&out.0[HEADER_BYTES..]);
        out.0[MAGIC.len()..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        out.0
    }

    /// The history that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`HistoryError::Damaged`] for anything else, and for what is beyond the limits.
    pub fn from_bytes(bytes: &[u8], limits: Limits) -> Result<Self, HistoryError> {
        let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
            return Err(damaged("header", "cut off"));
        };
        if !header.starts_with(MAGIC) {
            return Err(damaged("header", "of another format or version"));
        }
        if header[MAGIC.len()..] != checksum(body).to_le_bytes() {
            return Err(damaged("checksum", "does not fit"));
        }
        let mut reader = Reader { rest: body };
        let history = reader.history(limits)?;
        if !reader.rest.is_empty() {
            return Err(damaged("end", "more follows"));
        }
        Ok(history)
    }
}

/// Against accidents, not against people: a file that was forged is read within bounds all the same.
fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = bytes.len() as u64 ^ PRIME;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        sum = (sum ^ u64::from_le_bytes(*word))
            .wrapping_mul(PRIME)
            .rotate_left(29);
    }
    for byte in rest {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(PRIME).rotate_left(29);
    }
    sum ^ (sum >> 32)
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn single(&mut self, value: f32) {
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    fn length(&mut self, value: usize) {
        self.0.extend_from_slice(&(value as u32).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn names(&mut self, names: &Names) {
        self.length(names.names.len());
        names.names.iter().for_each(|name| self.text(name));
    }

    fn column(&mut self, column: &Column) {
        let Digits {
            seen,
            decimals,
            divisor,
            none,
        } = column.digits;
        self.u64(seen);
        self.u64(divisor);
        self.byte(decimals);
        self.byte(u8::from(none));
        let (low, high) = column.spread.unwrap_or((f32::NAN, f32::NAN));
        self.single(low);
        self.single(high);
        self.byte(u8::from(column.free_text));
        self.byte(u8::from(column.nearly_unique));
        self.u64(column.coded);
        self.length(column.words.names.len());
        for word in &column.words.names {
            match word {
                None => self.byte(0),
                Some(Word::Boolean(value)) => self.byte(1 + u8::from(*value)),
                Some(Word::Text(text)) => {
                    self.byte(3);
                    self.text(text);
                }
            }
        }
        self.length(column.numbers.len());
        for block in &column.numbers {
            self.u16(block.len() as u16);
            block.iter().for_each(|number| self.single(*number));
        }
        self.length(column.codes.len());
        for block in &column.codes {
            self.u16(block.len() as u16);
            match block {
                Codes::Narrow(codes) => {
                    self.byte(1);
                    self.0.extend_from_slice(codes);
                }
                Codes::Wide(codes) => {
                    self.byte(2);
                    codes.iter().for_each(|code| self.u16(*code));
                }
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn history(&mut self, limits: Limits) -> Result<History, HistoryError> {
        let covered = self.u64()?;
        let rows = self.count(self.rest.len(), limits.decisions)?;
        let growth = Growth {
            spread_at: self.u64()? as usize,
            familiar_at: self.u64()? as usize,
        };
        let familiar = self.single()?;
        let more_fields = self.flag()?;
        let versions = self.names("versions")?;
        let decisions = self.names("decisions")?;
        let index = self.numbers(rows, u64::from_le_bytes)?;
        let version = self.numbers(rows, u16::from_le_bytes)?;
        let decision = self.numbers(rows, u16::from_le_bytes)?;
        let score = self.numbers(rows, |bytes| f64::from_bits(u64::from_le_bytes(bytes)))?;
        let standing: Option<Vec<_>> = self
            .take(rows)?
            .iter()
            .map(|byte| standing(*byte))
            .collect();
        let standing = standing.ok_or_else(|| damaged("decisions", "an unknown standing"))?;
        if !index.is_sorted_by(|one, other| one < other)
            || index.last().is_some_and(|last| *last >= covered)
        {
            return Err(damaged("decisions", "not in the ledger's order"));
        }
        within(&version, versions.names.len(), "versions")?;
        within(&decision, decisions.names.len(), "decisions")?;
        let mut history = History {
            index,
            version,
            decision,
            score,
            standing,
            versions,
            decisions,
            covered,
            more_fields,
            growth,
            familiar: Some(familiar).filter(|familiar| familiar.is_finite()),
            ..History::new(limits)
        };
        self.columns(&mut history)?;
        Ok(history)
    }

    fn columns(&mut self, history: &mut History) -> Result<(), HistoryError> {
        let (rows, limits) = (history.index.len(), history.limits);
        for _ in 0..self.length(limits.fields)? {
            let pointer = self.text()?;
            let column = self.column(rows, &limits)?;
            let place = history.columns.len();
            if history.by_pointer.insert(pointer.clone(), place).is_some() {
                return Err(damaged("fields", "one occurs twice"));
            }
            history.pointers.push(pointer);
            history.columns.push(column);
        }
        Ok(())
    }

    fn column(&mut self, rows: usize, limits: &Limits) -> Result<Column, HistoryError> {
        let mut column = Column {
            digits: Digits {
                seen: self.u64()?,
                divisor: self.u64()?,
                decimals: self.byte()?,
                none: self.flag()?,
            },
            ..Column::default()
        };
        if column.digits.decimals > 6 {
            return Err(damaged("field", "decimal places"));
        }
        let (low, high) = (self.single()?, self.single()?);
        column.spread = (low.is_finite() && high.is_finite()).then_some((low, high));
        column.free_text = self.flag()?;
        column.nearly_unique = self.flag()?;
        column.coded = self.u64()?;
        column.words = self.words(limits)?;
        let words = column.words.names.len();
        let blocks = rows.div_ceil(BLOCK);
        for number in 0..self.length(blocks)? {
            let length = self.block_length(rows, number)?;
            let block = self.numbers(length, |bytes| f32::from_bits(u32::from_le_bytes(bytes)))?;
            if block.iter().any(|number| number.is_infinite()) {
                return Err(damaged("numbers", "an infinite one"));
            }
            column.numbers.push(block);
        }
        let mut coded = 0;
        for number in 0..self.length(blocks)? {
            let length = self.block_length(rows, number)?;
            let block = self.codes(length, words)?;
            coded += (0..block.len()).filter(|at| block.get(*at) != 0).count() as u64;
            column.codes.push(block);
        }
        if coded != column.coded {
            return Err(damaged("codes", "another number than was counted"));
        }
        Ok(column)
    }

    fn words(&mut self, limits: &Limits) -> Result<Words, HistoryError> {
        let mut words = Words::default();
        for _ in 0..self.length(limits.categories)? {
            let word = match self.byte()? {
                0 => None,
                1 => Some(Word::Boolean(false)),
                2 => Some(Word::Boolean(true)),
                3 => Some(Word::Text(self.long_text()?.into())),
                _ => return Err(damaged("words", "of an unknown kind")),
            };
            if words.add(word, limits).is_none() {
                return Err(damaged("words", "one occurs twice, or there are too many"));
            }
        }
        Ok(words)
    }

    fn codes(&mut self, length: usize, words: usize) -> Result<Codes, HistoryError> {
        match self.byte()? {
            1 => {
                let codes = self.take(length)?.to_vec();
                let wide: Vec<u16> = codes.iter().map(|code| u16::from(*code)).collect();
                within(&wide, words, "codes")?;
                Ok(Codes::Narrow(codes))
            }
            2 => {
                let codes = self.numbers(length, u16::from_le_bytes)?;
                within(&codes, words, "codes")?;
                Ok(Codes::Wide(codes))
            }
            _ => Err(damaged("codes", "of an unknown kind")),
        }
    }

    fn names(&mut self, what: &'static str) -> Result<Names, HistoryError> {
        let mut names = Names::default();
        for _ in 0..self.length(usize::from(u16::MAX))? {
            let name = self.text()?;
            if names.add(name).is_none() {
                return Err(damaged(what, "one occurs twice"));
            }
        }
        Ok(names)
    }

    fn block_length(&mut self, rows: usize, number: usize) -> Result<usize, HistoryError> {
        let [low, high] = self.array()?;
        let length = usize::from(u16::from_le_bytes([low, high]));
        let most = BLOCK.min(rows.saturating_sub(number * BLOCK));
        if length > most {
            return Err(damaged("block", "longer than there are decisions"));
        }
        Ok(length)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], HistoryError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(damaged("end", "cut off"));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HistoryError> {
        let Some((taken, rest)) = self.rest.split_first_chunk() else {
            return Err(damaged("end", "cut off"));
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// Takes memory for what is there only.
    fn numbers<const N: usize, T>(
        &mut self,
        count: usize,
        number: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, HistoryError> {
        let bytes = count
            .checked_mul(N)
            .ok_or_else(|| damaged("end", "cut off"))?;
        let (chunks, _) = self.take(bytes)?.as_chunks::<N>();
        Ok(chunks.iter().map(|chunk| number(*chunk)).collect())
    }

    fn byte(&mut self) -> Result<u8, HistoryError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn flag(&mut self) -> Result<bool, HistoryError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(damaged("flag", "neither 0 nor 1")),
        }
    }

    fn u64(&mut self) -> Result<u64, HistoryError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn single(&mut self) -> Result<f32, HistoryError> {
        Ok(f32::from_bits(u32::from_le_bytes(self.array()?)))
    }

    fn count(&mut self, most: usize, limit: usize) -> Result<usize, HistoryError> {
        let count = self.u64()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= most.min(limit))
            .ok_or_else(|| damaged("decisions", "more than there can be"))
    }

    fn length(&mut self, most: usize) -> Result<usize, HistoryError> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        if length > most {
            return Err(damaged("list", "longer than it can be"));
        }
        Ok(length)
    }

    fn text(&mut self) -> Result<String, HistoryError> {
        let length = self.length(NAME_BYTES_MAX)?;
        self.utf8(length)
    }

    fn long_text(&mut self) -> Result<String, HistoryError> {
        let length = self.length(self.rest.len())?;
        self.utf8(length)
    }

    fn utf8(&mut self, length: usize) -> Result<String, HistoryError> {
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| damaged("text", "not UTF-8"))
    }
}

fn within(codes: &[u16], names: usize, place: &'static str) -> Result<(), HistoryError> {
    if codes.iter().any(|code| usize::from(*code) > names) {
        return Err(damaged(place, "a code without a name"));
    }
    Ok(())
}

fn standing(byte: u8) -> Option<Standing> {
    let all = [
        Standing::InForce,
        Standing::Superseded,
        Standing::Overridden,
        Standing::Removed,
    ];
    all.get(usize::from(byte)).copied()
}

fn damaged(place: &'static str, problem: impl Into<String>) -> HistoryError {
    HistoryError::Damaged {
        place,
        problem: problem.into(),
    }
}
