//! Python's string and bytes literals: one quote or three, and every escape but `\\N{...}`. Half a surrogate pair, which
//! Python can hold and JSON cannot, is refused.

use super::read::Repr;
use crate::Reason;

impl Repr<'_> {
    pub(super) fn string(&mut self) -> Result<String, Reason> {
        let mut value = String::new();
        let quote = self.opening_quote();
        loop {
            if self.closing_quote(quote) {
                return Ok(value);
            }
            let Some(character) = self.rest().chars().next() else {
                return self.fail("the string is not closed");
            };
            if character != '\\' {
                value.push(character);
                self.at += character.len_utf8();
                continue;
            }
            self.at += 1;
            let from = self.at;
            match self.escape()? {
                Escape::Byte(byte) => value.push(char::from(byte)),
                Escape::Hex(digits) => {
                    let code = self.hex(digits)?;
                    let Some(character) = char::from_u32(code) else {
                        self.at = from;
                        return self.fail("half a surrogate pair is no character");
                    };
                    value.push(character);
                }
                Escape::Name => {
                    self.at = from;
                    return self.fail("\\N{...} is not read: no repr writes it");
                }
                Escape::Nothing => value.push('\\'),
                Escape::LineEnd => {}
            }
        }
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Reason> {
        let mut value = Vec::new();
        let quote = self.opening_quote();
        loop {
            if self.closing_quote(quote) {
                return Ok(value);
            }
            let Some(byte) = self.peek() else {
                return self.fail("the bytes are not closed");
            };
            if !byte.is_ascii() {
                return self.fail("bytes are written in ASCII");
            }
            self.at += 1;
            if byte != b'\\' {
                value.push(byte);
                continue;
            }
            let from = self.at;
            match self.escape()? {
                Escape::Byte(byte) => value.push(byte),
                Escape::Hex(2) => value.push(u8::try_from(self.hex(2)?).unwrap_or_default()),
                Escape::Hex(_) | Escape::Name | Escape::Nothing => {
                    self.at = from;
                    value.push(b'\\');
                }
                Escape::LineEnd => {}
            }
        }
    }

    /// What stands behind a backslash; the letter of a known escape is consumed, its hexadecimal digits are not.
    fn escape(&mut self) -> Result<Escape, Reason> {
        let Some(letter) = self.peek() else {
            return self.fail("the string ends in a backslash");
        };
        let escape = match letter {
            b'\\' | b'\'' | b'"' => Escape::Byte(letter),
            b'a' => Escape::Byte(7),
            b'b' => Escape::Byte(8),
            b'f' => Escape::Byte(12),
            b'n' => Escape::Byte(b'\n'),
            b'r' => Escape::Byte(b'\r'),
            b't' => Escape::Byte(b'\t'),
            b'v' => Escape::Byte(11),
            b'x' => Escape::Hex(2),
            b'u' => Escape::Hex(4),
            b'U' => Escape::Hex(8),
            b'N' => Escape::Name,
            b'\n' => Escape::LineEnd,
            b'0'..=b'7' => return self.octal(),
            _ => return Ok(Escape::Nothing),
        };
        self.at += 1;
        Ok(escape)
    }

    fn octal(&mut self) -> Result<Escape, Reason> {
        let mut code = 0_u32;
        for _ in 0..3 {
            let Some(digit @ b'0'..=b'7') = self.peek() else {
                break;
            };
            code = code * 8 + u32::from(digit - b'0');
            self.at += 1;
        }
        match u8::try_from(code) {
            Ok(byte) => Ok(Escape::Byte(byte)),
            Err(_) => self.fail("an octal escape ends at \\377"),
        }
    }

    fn hex(&mut self, digits: usize) -> Result<u32, Reason> {
        let written = self.rest().get(..digits).unwrap_or_default();
        let is_hex =
            written.len() == digits && written.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u32::from_str_radix(written, 16) {
            Ok(code) if is_hex => {
                self.at += digits;
                Ok(code)
            }
            _ => self.fail(format!("the escape needs {digits} hexadecimal digits")),
        }
    }

    /// Passes over a string inside a call that is kept as text.
    pub(super) fn skip_string(&mut self) -> Result<(), Reason> {
        let quote = self.opening_quote();
        while !self.closing_quote(quote) {
            let step = match self.rest().chars().next() {
                None => return self.fail("the string is not closed"),
                Some('\\') => 1 + self.rest().chars().nth(1).map_or(0, char::len_utf8),
                Some(character) => character.len_utf8(),
            };
            self.at += step;
        }
        Ok(())
    }

    /// One quote or three; with nothing but the two of an empty string, one.
    fn opening_quote(&mut self) -> &'static str {
        let quote = QUOTES
            .into_iter()
            .find(|quote| self.rest().starts_with(quote))
            .unwrap_or("'");
        self.at += quote.len();
        quote
    }

    fn closing_quote(&mut self, quote: &str) -> bool {
        let closes = self.rest().starts_with(quote);
        if closes {
            self.at += quote.len();
        }
        closes
    }
}

enum Escape {
    Byte(u8),
    Hex(usize),
    Name,
    /// No escape: Python keeps the backslash.
    Nothing,
    LineEnd,
}

const QUOTES: [&str; 4] = ["'''", "\"\"\"", "'", "\""];
