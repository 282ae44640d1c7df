//! Dicts, lists, tuples, sets, numbers of any size, `None`, `True`, `False` and the scalars of `NumPy`; other calls,
//! such as `datetime.date(2024, 6, 1)`, are kept as their text. Strings are the chapter beside this one.

use std::collections::HashSet;

use crate::text::{push_string, quoted};
use crate::{NESTING_MAX, Reason, number};

/// Reads one value at the beginning of `text` (blanks before it allowed), and how many bytes it takes.
///
/// # Errors
/// [`Reason::Python`] with the place in `text`.
pub(crate) fn read_value(text: &str) -> Result<(String, usize), Reason> {
    let mut reader = Repr {
        text,
        at: 0,
        depth: 0,
    };
    let mut json = String::new();
    reader.value(&mut json)?;
    Ok((json, reader.at))
}
/// A place in a text, moved forward by what is read.
pub(super) struct Repr<'a> {
    text: &'a str,
    pub(super) at: usize,
    depth: usize,
}

impl<'a> Repr<'a> {
    fn value(&mut self, out: &mut String) -> Result<(), Reason> {
        self.skip_blanks();
        if self.depth >= NESTING_MAX {
            return self.fail(format!("nested more than {NESTING_MAX} deep"));
        }
        self.depth += 1;
        match self.peek() {
            Some(b'{') => self.dict_or_set(out)?,
            Some(b'[') => self.list(out, b']')?,
            Some(b'(') => self.tuple(out)?,
            Some(b'\'' | b'"') => {
                let value = self.string()?;
                push_string(out, &value);
            }
            Some(b'-' | b'0'..=b'9') => self.number(out)?,
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.word(out)?,
            Some(_) => return self.fail("no Python value begins like this"),
            None => return self.fail("a value is missing"),
        }
        self.depth -= 1;
        Ok(())
    }

    fn dict_or_set(&mut self, out: &mut String) -> Result<(), Reason> {
        self.at += 1;
        self.skip_blanks();
        if self.take(b'}') {
            out.push_str("{}");
            return Ok(());
        }
        let from = self.at;
        let mut first = String::new();
        self.value(&mut first)?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            out.push('[');
            out.push_str(&first);
            return self.list_rest(out, b'}');
        }
        let mut keys = HashSet::new();
        let mut key = self.key(&first, from);
        out.push('{');
        loop {
            if !self.take(b':') {
                return self.fail("a dict needs ':' behind a key");
            }
            out.push_str(&key);
            if !keys.insert(std::mem::take(&mut key)) {
                return self.fail("the dict has the same key twice");
            }
            out.push(':');
            self.value(out)?;
            self.skip_blanks();
            let comma = self.take(b',');
            self.skip_blanks();
            if self.take(b'}') {
                break;
            }
            if !comma {
                return self.fail("a dict needs ',' or '}' behind a value");
            }
            out.push(',');
            let from = self.at;
            let mut json = String::new();
            self.value(&mut json)?;
            key = self.key(&json, from);
            self.skip_blanks();
        }
        out.push('}');
        Ok(())
    }

    /// A dict's key as JSON text. JSON's keys are strings, so that of any other type becomes its Python text.
    fn key(&self, json: &str, from: usize) -> String {
        let written = self.text.get(from..self.at).unwrap_or_default().trim();
        if json.starts_with('"') && written.ends_with(['\'', '"']) {
            return json.to_owned();
        }
        quoted(written)
    }

    fn list(&mut self, out: &mut String, closer: u8) -> Result<(), Reason> {
        self.at += 1;
        out.push('[');
        self.skip_blanks();
        if self.take(closer) {
            out.push(']');
            return Ok(());
        }
        self.value(out)?;
        self.list_rest(out, closer)
    }

    /// The rest of a list whose first element is read.
    fn list_rest(&mut self, out: &mut String, closer: u8) -> Result<(), Reason> {
        loop {
            self.skip_blanks();
            let comma = self.take(b',');
            self.skip_blanks();
            if self.take(closer) {
                out.push(']');
                return Ok(());
            }
            if !comma {
                return self.fail(format!("',' or '{}' is missing", char::from(closer)));
            }
            out.push(',');
            self.value(out)?;
        }
    }

    /// `()`, `(a,)`, `(a, b)`; and `(a)`, which is just `a`.
    fn tuple(&mut self, out: &mut String) -> Result<(), Reason> {
        self.at += 1;
        self.skip_blanks();
        if self.take(b')') {
            out.push_str("[]");
            return Ok(());
        }
        let mut first = String::new();
        self.value(&mut first)?;
        self.skip_blanks();
        if self.take(b')') {
            out.push_str(&first);
            return Ok(());
        }
        out.push('[');
        out.push_str(&first);
        self.list_rest(out, b')')
    }

    fn number(&mut self, out: &mut String) -> Result<(), Reason> {
        let rest = self.rest();
        if rest.starts_with("-inf") {
            self.at += "-inf".len();
            out.push_str("\"-Infinity\"");
            return self.end_of_word();
        }
        let length = rest
            .bytes()
            .enumerate()
            .take_while(|(at, byte)| {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'.' | b'_')
                    || (matches!(byte, b'-' | b'+')
                        && (*at == 0 || rest.as_bytes().get(at - 1) == Some(&b'e')))
            })
            .count();
        let digits = rest.get(..length).unwrap_or_default();
        if !number::is_json(digits) {
            return self.fail(format!(
                "not a number: {:?}",
                crate::text::shortened(digits)
            ));
        }
        out.push_str(digits);
        self.at += length;
        Ok(())
    }

    /// A constant, a prefixed string or a call.
    fn word(&mut self, out: &mut String) -> Result<(), Reason> {
        let from = self.at;
        let length = self
            .rest()
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
            .count();
        let word = self.text.get(from..from + length).unwrap_or_default();
        self.at += length;
        match (word, self.peek()) {
            ("b" | "B", Some(b'\'' | b'"')) => {
                let bytes = self.bytes()?;
                out.push_str(&number::from_bytes(&bytes));
            }
            ("u" | "U", Some(b'\'' | b'"')) => {
                let value = self.string()?;
                push_string(out, &value);
            }
            (_, Some(b'\'' | b'"')) => {
                self.at = from;
                return self.fail(format!("no repr has the string prefix {word:?}"));
            }
            (_, Some(b'(')) => self.call(word, from, out)?,
            ("None", _) => out.push_str("null"),
            ("True" | "np.True_", _) => out.push_str("true"),
            ("False" | "np.False_", _) => out.push_str("false"),
            ("nan" | "np.nan", _) => out.push_str("\"NaN\""),
            ("inf" | "np.inf", _) => out.push_str("\"Infinity\""),
            _ => {
                self.at = from;
                return self.fail(format!(
                    "{:?} is no Python value",
                    crate::text::shortened(word)
                ));
            }
        }
        Ok(())
    }

    /// A call: `NumPy`'s scalars and sets are what they hold, any other is kept as its text.
    fn call(&mut self, name: &str, from: usize, out: &mut String) -> Result<(), Reason> {
        let holds_one = NUMPY_SCALARS.contains(&name.strip_prefix("np.").unwrap_or_default());
        if holds_one || matches!(name, "set" | "frozenset") {
            self.at += 1;
            self.skip_blanks();
            if !holds_one && self.take(b')') {
                out.push_str("[]");
                return Ok(());
            }
            self.value(out)?;
            self.skip_blanks();
            if self.take(b')') {
                return Ok(());
            }
            return self.fail(format!("{name}(...) holds one value"));
        }
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' | b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'(' | b'[' | b'{' => open += 1,
                b')' | b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                push_string(out, self.text.get(from..self.at).unwrap_or_default());
                return Ok(());
            }
        }
        self.fail(format!("the call of {name} is not closed"))
    }
    fn end_of_word(&self) -> Result<(), Reason> {
        match self.peek() {
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' => self.fail("not a number"),
            _ => Ok(()),
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn fail<T>(&self, problem: impl Into<String>) -> Result<T, Reason> {
        Err(Reason::Python {
            at: self.at,
            problem: problem.into(),
        })
    }
}

/// Scalars of `NumPy` whose `repr`, since its version 2, is a call with the value in it.
const NUMPY_SCALARS: [&str; 17] = [
    "float16",
    "float32",
    "float64",
    "longdouble",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "longlong",
    "ulonglong",
    "bool",
    "bool_",
    "str_",
];
