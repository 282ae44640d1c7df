//! The words of JSON: strings, numbers and literals, each checked and written in its one form.

use super::fault::{Fault, FaultKind};
use super::{Read, Reader};
use crate::text::{plain_length, push_char};

impl Reader<'_> {
    /// Whether there is an escape in what was written.
    pub(super) fn string(&mut self) -> Read<bool> {
        let mut escaped = false;
        let mut written = self.at;
        self.at += 1;
        loop {
            match self.skip_plain() {
                Some(b'"') => {
                    self.at += 1;
                    self.out.push_str(&self.input[written..self.at]);
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    self.out.push_str(&self.input[written..self.at]);
                    let ch = self.escape()?;
                    escaped |= push_char(&mut self.out, ch);
                    written = self.at;
                }
                Some(_) => {
                    return Err(self.fault(
                        "a control character in a string",
                        Some("escape it: \\n, \\t, \\u0007"),
                    ));
                }
                None => return Err(self.fault("a string that does not end", None)),
            }
        }
    }

    /// Moves to the next byte of a string that does not stand for itself.
    fn skip_plain(&mut self) -> Option<u8> {
        self.at += plain_length(&self.input.as_bytes()[self.at..]);
        self.peek()
    }

    /// Reads an escape, and the second one of a surrogate pair.
    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 1;
        let ch = match self.peek() {
            Some(ch @ (b'"' | b'\\' | b'/')) => ch as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => {
                self.at = start;
                return Err(self.fault("an escape that JSON does not have", None));
            }
        };
        self.at += 1;
        Ok(ch)
    }

    fn unicode_escape(&mut self, start: usize) -> Read<char> {
        let unit = self.hex4(start)?;
        let code = match unit {
            0xd800..=0xdbff if self.input[self.at..].starts_with("\\u") => {
                self.at += 1;
                match self.hex4(self.at - 1)? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
                    _ => unit,
                }
            }
            _ => unit,
        };
        char::from_u32(code).ok_or_else(|| Fault::new(start, FaultKind::LoneSurrogate))
    }

    /// Reads `uXXXX` of the escape that starts at `start`.
    fn hex4(&mut self, start: usize) -> Read<u32> {
        let digits = self
            .input
            .as_bytes()
            .get(self.at + 1..self.at + 5)
            .unwrap_or_default();
        let unit = digits.iter().try_fold(0, |unit, &byte| {
            Some((unit << 4) | (byte as char).to_digit(16)?)
        });
        match unit {
            Some(unit) if digits.len() == 4 => {
                self.at += 5;
                Ok(unit)
            }
            _ => {
                self.at = start;
                Err(self.fault("a \\u escape without four hexadecimal digits", None))
            }
        }
    }

    /// Reads `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` and keeps it as written.
    pub(super) fn number(&mut self) -> Read {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        match self.skip_digits() {
            0 => return Err(self.unexpected("a digit")),
            1 => {}
            _ if self.input.as_bytes()[whole] == b'0' => {
                self.at = whole;
                return Err(self.fault(
                    "a number with a leading zero",
                    Some("write it without, or as a string"),
                ));
            }
            _ => {}
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.expect_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.expect_digits()?;
        }
        self.out.push_str(&self.input[start..self.at]);
        Ok(())
    }

    fn expect_digits(&mut self) -> Read {
        if self.skip_digits() == 0 {
            Err(self.unexpected("a digit"))
        } else {
            Ok(())
        }
    }

    fn skip_digits(&mut self) -> usize {
        let digits = self.input.as_bytes()[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += digits;
        digits
    }

    pub(super) fn literal(&mut self, word: &str) -> Read {
        if !self.input[self.at..].starts_with(word) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        self.out.push_str(word);
        Ok(())
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.input.as_bytes().get(self.at).copied()
    }

    pub(super) fn advance_writing(&mut self, punctuation: char) {
        self.at += 1;
        self.out.push(punctuation);
    }
}
