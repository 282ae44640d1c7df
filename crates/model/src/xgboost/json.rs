//! XGBoost's JSON: RFC 8259, and `NaN` and `Infinity`, which XGBoost writes for numbers that are none. Singles are read from
//! their text in one rounding, as XGBoost does; a general reader's double would be rounded twice.

use super::document::{Budget, Item, array, object, passed_over, whole};
use super::malformed;
use crate::{Limits, ModelError};

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Item, ModelError> {
    let mut reader = Reader {
        bytes,
        at: 0,
        budget: Budget::new(limits),
    };
    let item = reader.item(0, true)?;
    reader.space();
    match reader.peek() {
        None => Ok(item),
        Some(_) => reader.wrong("something follows the document"),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    budget: Budget,
}

impl Reader<'_> {
    fn wrong<T>(&self, problem: impl Into<String>) -> Result<T, ModelError> {
        Err(malformed(format!("byte {}", self.at), problem))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn word(&mut self, word: &str) -> Result<(), ModelError> {
        if !self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            return self.wrong("not a value of JSON");
        }
        self.at += word.len();
        Ok(())
    }

    /// A value; what is not kept is read all the same, so that it must be well-formed.
    fn item(&mut self, depth: u64, keep: bool) -> Result<Item, ModelError> {
        self.budget.depth(depth)?;
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth, keep),
            Some(b'[') => self.array(depth, keep),
            Some(b'"') => Ok(Item::Text(self.text(keep)?)),
            Some(b'n') => self.word("null").map(|()| Item::Null),
            Some(b't') => self.word("true").map(|()| Item::Flag(true)),
            Some(b'f') => self.word("false").map(|()| Item::Flag(false)),
            Some(_) => self.number().map(Item::Number),
            None => self.wrong("the document ends within a value"),
        }
    }

    fn object(&mut self, depth: u64, keep: bool) -> Result<Item, ModelError> {
        let mut members = Vec::new();
        self.at += 1;
        if self.takes(b'}') {
            return Ok(Item::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.wrong("a name is missing");
            }
            let name = self.text(true)?;
            if !self.takes(b':') {
                return self.wrong("a colon is missing");
            }
            let keep = keep && !passed_over(&name);
            let item = self.item(depth + 1, keep)?;
            if keep {
                self.budget.item()?;
                members.push((name, item));
            }
            if self.takes(b'}') {
                break;
            }
            if !self.takes(b',') {
                return self.wrong("a comma or a closing brace is missing");
            }
        }
        object(members).or_else(|problem| self.wrong(problem))
    }

    fn array(&mut self, depth: u64, keep: bool) -> Result<Item, ModelError> {
        let (mut numbers, mut items) = (Vec::new(), Vec::new());
        self.at += 1;
        if self.takes(b']') {
            return Ok(Item::Numbers(numbers));
        }
        loop {
            match self.item(depth + 1, keep)? {
                _ if !keep => {}
                Item::Number(number) => {
                    self.budget.numbers(1)?;
                    numbers.push(number);
                }
                item => {
                    self.budget.item()?;
                    items.push(item);
                }
            }
            if self.takes(b']') {
                break;
            }
            if !self.takes(b',') {
                return self.wrong("a comma or a closing bracket is missing");
            }
        }
        array(numbers, items).or_else(|problem| self.wrong(problem))
    }

    fn number(&mut self) -> Result<f64, ModelError> {
        let from = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        match self.peek() {
            Some(b'N') if !negative => return self.word("NaN").map(|()| f64::NAN),
            Some(b'I') => {
                self.word("Infinity")?;
                return Ok(if negative {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                });
            }
            _ => {}
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut fractional = false;
        if self.peek() == Some(b'.') {
            fractional = true;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            fractional = true;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = self.bytes.get(from..self.at).unwrap_or_default();
        let text = std::str::from_utf8(text).unwrap_or_default();
        let number = if fractional {
            text.parse::<f32>().ok().map(f64::from)
        } else {
            text.parse().ok().and_then(whole)
        };
        number.map_or_else(|| self.wrong("a whole number that is too large"), Ok)
    }

    fn digits(&mut self) -> Result<(), ModelError> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from {
            return self.wrong("not a value of JSON");
        }
        Ok(())
    }

    fn text(&mut self, keep: bool) -> Result<String, ModelError> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let from = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            if keep {
                text.extend_from_slice(self.bytes.get(from..self.at).unwrap_or_default());
            }
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    let mut character = [0; 4];
                    let escaped = self.escaped()?.encode_utf8(&mut character);
                    if keep {
                        text.extend_from_slice(escaped.as_bytes());
                    }
                }
                _ => return self.wrong("a text that does not end, or holds a control character"),
            }
        }
        self.at += 1;
        String::from_utf8(text).or_else(|_| self.wrong("a text that is not UTF-8"))
    }

    fn escaped(&mut self) -> Result<char, ModelError> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.wrong("an escape that JSON does not know"),
        })
    }

    fn unicode(&mut self) -> Result<char, ModelError> {
        let first = self.hexadecimal()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            self.word("\\u")?;
            let second = self.hexadecimal()?;
            let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
            low.map(|low| 0x10000 + ((first - 0xd800) << 10) + low)
        } else {
            Some(first)
        };
        let character = code.and_then(char::from_u32);
        character.map_or_else(|| self.wrong("half a surrogate pair"), Ok)
    }

    fn hexadecimal(&mut self) -> Result<u32, ModelError> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return self.wrong("an escape that JSON does not know");
        }
        self.at += 4;
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        u32::from_str_radix(digits, 16).or_else(|_| self.wrong("an escape that JSON does not know"))
    }
}
