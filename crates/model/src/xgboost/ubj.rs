//! XGBoost's Universal Binary JSON (ubjson.org, draft 12): big-endian, typed arrays, sizes before everything. A size is
//! believed only as far as there are bytes behind it.

use super::document::{Budget, Item, array, object, passed_over, whole};
use super::malformed;
use crate::{Limits, ModelError};

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Item, ModelError> {
    let mut reader = Reader {
        bytes,
        at: 0,
        budget: Budget::new(limits),
    };
    let marker = reader.byte()?;
    let item = reader.item(marker, 0, true)?;
    if reader.at != bytes.len() {
        return reader.wrong("something follows the document");
    }
    Ok(item)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn wrong<T>(&self, problem: impl Into<String>) -> Result<T, ModelError> {
        Err(malformed(format!("byte {}", self.at), problem))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ModelError> {
        let end = self.at.checked_add(count);
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return self.wrong("the document ends within a value");
        };
        self.at += count;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let taken = self.take(N)?;
        taken
            .try_into()
            .or_else(|_| self.wrong("the document ends within a value"))
    }

    fn byte(&mut self) -> Result<u8, ModelError> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// A value; what is not kept is read all the same, so that it must be well-formed.
    fn item(&mut self, marker: u8, depth: u64, keep: bool) -> Result<Item, ModelError> {
        self.budget.depth(depth)?;
        match marker {
            b'{' => self.object(depth, keep),
            b'[' => self.array(depth, keep),
            b'S' => {
                let marker = self.byte()?;
                Ok(Item::Text(self.text(marker, keep)?))
            }
            b'Z' => Ok(Item::Null),
            b'T' => Ok(Item::Flag(true)),
            b'F' => Ok(Item::Flag(false)),
            _ => self.number(marker).map(Item::Number),
        }
    }

    fn number(&mut self, marker: u8) -> Result<f64, ModelError> {
        let number = match marker {
            b'd' => return Ok(f64::from(f32::from_be_bytes(self.fixed()?))),
            b'D' => return Ok(f64::from_be_bytes(self.fixed()?)),
            b'i' => i64::from(i8::from_be_bytes(self.fixed()?)),
            b'U' => i64::from(self.byte()?),
            b'I' => i64::from(i16::from_be_bytes(self.fixed()?)),
            b'l' => i64::from(i32::from_be_bytes(self.fixed()?)),
            b'L' => i64::from_be_bytes(self.fixed()?),
            _ => return self.wrong(format!("{:?} begins no value", char::from(marker))),
        };
        whole(number).map_or_else(|| self.wrong("a whole number that is too large"), Ok)
    }

    fn size(&mut self, marker: u8) -> Result<usize, ModelError> {
        let size = match marker {
            b'i' => i64::from(i8::from_be_bytes(self.fixed()?)),
            b'U' => i64::from(self.byte()?),
            b'I' => i64::from(i16::from_be_bytes(self.fixed()?)),
            b'l' => i64::from(i32::from_be_bytes(self.fixed()?)),
            b'L' => i64::from_be_bytes(self.fixed()?),
            _ => return self.wrong(format!("{:?} begins no size", char::from(marker))),
        };
        usize::try_from(size).or_else(|_| self.wrong("a size below 0"))
    }

    fn text(&mut self, marker: u8, keep: bool) -> Result<String, ModelError> {
        let size = self.size(marker)?;
        let bytes = self.take(size)?;
        match std::str::from_utf8(bytes) {
            Ok(text) if keep => Ok(text.to_owned()),
            Ok(_) => Ok(String::new()),
            Err(_) => self.wrong("a text that is not UTF-8"),
        }
    }

    fn object(&mut self, depth: u64, keep: bool) -> Result<Item, ModelError> {
        let mut members = Vec::new();
        loop {
            let marker = self.byte()?;
            if marker == b'}' {
                break;
            }
            let name = self.text(marker, true)?;
            let keep = keep && !passed_over(&name);
            let marker = self.byte()?;
            let item = self.item(marker, depth + 1, keep)?;
            if keep {
                self.budget.item()?;
                members.push((name, item));
            }
        }
        object(members).or_else(|problem| self.wrong(problem))
    }

    fn array(&mut self, depth: u64, keep: bool) -> Result<Item, ModelError> {
        if self.peek() == Some(b'$') {
            return self.typed_array(keep);
        }
        let (mut numbers, mut items) = (Vec::new(), Vec::new());
        let mut left = None;
        if self.peek() == Some(b'#') {
            self.at += 1;
            let marker = self.byte()?;
            left = Some(self.size(marker)?);
        }
        loop {
            if left == Some(0) {
                break;
            }
            left = left.map(|left| left - 1);
            let marker = self.byte()?;
            if left.is_none() && marker == b']' {
                break;
            }
            match self.item(marker, depth + 1, keep)? {
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
        }
        array(numbers, items).or_else(|problem| self.wrong(problem))
    }

    /// `[$`, the type, `#`, the size, and then nothing but the numbers.
    fn typed_array(&mut self, keep: bool) -> Result<Item, ModelError> {
        self.at += 1;
        let kind = self.byte()?;
        let width = match kind {
            b'i' | b'U' => 1,
            b'I' => 2,
            b'l' | b'd' => 4,
            b'L' | b'D' => 8,
            _ => return self.wrong(format!("an array of {:?}", char::from(kind))),
        };
        if self.byte()? != b'#' {
            return self.wrong("an array with a type and without a size");
        }
        let marker = self.byte()?;
        let size = self.size(marker)?;
        let end = size
            .checked_mul(width)
            .and_then(|width| width.checked_add(self.at));
        let Some(end) = end.filter(|end| *end <= self.bytes.len()) else {
            return self.wrong("the document ends within an array");
        };
        if !keep {
            self.at = end;
            return Ok(Item::Numbers(Vec::new()));
        }
        self.budget.numbers(size as u64)?;
        let numbers: Result<Vec<f64>, ModelError> = (0..size).map(|_| self.number(kind)).collect();
        numbers.map(Item::Numbers)
    }
}
