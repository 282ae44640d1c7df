//! Python's `repr` of plain data, to JSON text and back. Read: dicts, lists, tuples, sets, strings and bytes with their
//! escapes, numbers of any size, `None`, `True`, `False`, scalars of `NumPy`; other calls, such as `datetime.date(2024, 6,
//! 1)`, are kept as their text. Nothing is evaluated.

use std::collections::HashSet;

use crate::text::{elements, members, push_string, quoted};
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

/// Python's `repr` of a JSON value; numbers keep their digits.
///
/// # Errors
/// [`Reason::Json`] for text that is not JSON, [`Reason::Value`] for nesting beyond the limit.
pub(crate) fn write_value(json: &str) -> Result<String, Reason> {
    let mut out = String::new();
    write(&mut out, json.trim(), 0)?;
    Ok(out)
}

fn write(out: &mut String, json: &str, depth: usize) -> Result<(), Reason> {
    if depth > NESTING_MAX {
        return Err(Reason::Json {
            problem: format!("nested more than {NESTING_MAX} deep"),
        });
    }
    match json.bytes().next() {
        Some(b'{') => {
            out.push('{');
            for (index, (name, value)) in members(json)?.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_string(out, &name);
                out.push_str(": ");
                write(out, value, depth + 1)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            out.push('[');
            for (index, value) in elements(json).unwrap_or_default().into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(out, value, depth + 1)?;
            }
            out.push(']');
        }
        Some(b'"') => {
            let value: String = serde_json::from_str(json).map_err(|error| Reason::Json {
                problem: error.to_string(),
            })?;
            write_string(out, &value);
        }
        Some(b'n') => out.push_str("None"),
        Some(b't') => out.push_str("True"),
        Some(b'f') => out.push_str("False"),
        _ => out.push_str(json),
    }
    Ok(())
}

/// Python's `repr` of a string: single quotes unless it holds one and no double quote; what does not print is escaped.
fn write_string(out: &mut String, value: &str) {
    let quote = if value.contains('\'') && !value.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            _ if prints(character) => out.push(character),
            _ => match u32::from(character) {
                code @ ..=0xff => push_hex(out, "\\x", code, 2),
                code @ ..=0xffff => push_hex(out, "\\u", code, 4),
                code => push_hex(out, "\\U", code, 8),
            },
        }
    }
    out.push(quote);
}

fn push_hex(out: &mut String, escape: &str, code: u32, digits: u32) {
    out.push_str(escape);
    for place in (0..digits).rev() {
        out.extend(char::from_digit(code >> (4 * place) & 15, 16));
    }
}

/// Whether Python's `str.isprintable` says yes, as far as the standard library's table of printable characters agrees
/// with Python's. Behind another character, so that combining marks are judged as text, not as the start of one.
fn prints(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return true;
    }
    let mut probe = String::from("a");
    probe.push(character);
    probe.escape_debug().nth(1) == Some(character)
}

struct Repr<'a> {
    text: &'a str,
    at: usize,
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

    fn string(&mut self) -> Result<String, Reason> {
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

    fn bytes(&mut self) -> Result<Vec<u8>, Reason> {
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
    fn skip_string(&mut self) -> Result<(), Reason> {
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

    fn end_of_word(&self) -> Result<(), Reason> {
        match self.peek() {
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' => self.fail("not a number"),
            _ => Ok(()),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
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

    fn fail<T>(&self, problem: impl Into<String>) -> Result<T, Reason> {
        Err(Reason::Python {
            at: self.at,
            problem: problem.into(),
        })
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(repr: &str) -> String {
        let (json, used) = read_value(repr).unwrap();
        assert_eq!(used, repr.len(), "{repr}");
        json
    }

    fn problem(repr: &str) -> String {
        read_value(repr).unwrap_err().to_string()
    }

    #[test]
    fn containers_nest_and_take_trailing_commas() {
        assert_eq!(
            json("{'a': [1, (2, 3,), {4, 5}, ()], 'b': {}, 'c': set(), 'd': (6), 'e': (7,), }"),
            r#"{"a":[1,[2,3],[4,5],[]],"b":{},"c":[],"d":6,"e":[7]}"#
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        for digits in [
            "0",
            "-17",
            "123456789012345678901234567890",
            "1e-05",
            "1.50",
            "-0.0",
            "1e+16",
        ] {
            assert_eq!(json(digits), digits);
        }
        assert_eq!(
            json("[nan, inf, -inf]"),
            r#"["NaN","Infinity","-Infinity"]"#
        );
        for not in ["007", "0x10", "1_000", ".5", "5.", "+1", "1j", "- 1", "1e"] {
            assert!(read_value(not).is_err(), "{not}");
        }
    }

    #[test]
    fn strings_take_every_quote_and_escape() {
        assert_eq!(json(r#"'it\'s "x"'"#), r#""it's \"x\"""#);
        assert_eq!(json(r#""it's""#), "\"it's\"");
        assert_eq!(json("'''a'b''c'''"), "\"a'b''c\"");
        assert_eq!(json("\"\"\"a\"b\"\"\""), r#""a\"b""#);
        assert_eq!(json("''"), "\"\"");
        assert_eq!(
            json(r"'\x41\u00e9\U0001f600\n\t\\\d\101\0'"),
            "\"Aé😀\\n\\t\\\\\\\\dA\\u0000\""
        );
        assert_eq!(json("u'old'"), "\"old\"");
        assert!(problem(r"'\N{BULLET}'").contains("\\N"));
        assert!(problem(r"'\ud83d\ude00'").contains("surrogate"));
        assert!(problem(r"'\x4'").contains("2 hexadecimal"));
        assert!(problem("'open").contains("not closed"));
        assert!(problem("r'raw'").contains("prefix"));
    }

    #[test]
    fn constants_bytes_and_calls_are_what_they_say() {
        assert_eq!(json("[None, True, False]"), "[null,true,false]");
        assert_eq!(json(r"b'\x00\xff\u'"), "\"base64:AP9cdQ==\"");
        assert_eq!(
            json("datetime.datetime(2024, 6, 1, tzinfo=tz(')'))"),
            "\"datetime.datetime(2024, 6, 1, tzinfo=tz(')'))\""
        );
        assert_eq!(json("Decimal('1.10')"), "\"Decimal('1.10')\"");
        assert_eq!(
            json("[np.float64(0.5), np.int64(3), np.str_('x'), np.True_, np.float64(nan)]"),
            r#"[0.5,3,"x",true,"NaN"]"#
        );
        assert!(problem("foo").contains("no Python value"));
        assert!(problem("f(").contains("not closed"));
    }

    #[test]
    fn keys_that_are_no_strings_become_their_text() {
        assert_eq!(
            json("{1: 'a', (1, 2): 'b', None: 'c', Decimal('1'): 'd'}"),
            r#"{"1":"a","(1, 2)":"b","None":"c","Decimal('1')":"d"}"#
        );
        assert!(problem("{1: 0, '1': 0}").contains("twice"));
    }

    #[test]
    fn nesting_is_limited() {
        assert!(read_value(&"[".repeat(100_000)).is_err());
        assert!(read_value(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
        assert!(write_value(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_err());
    }

    #[test]
    fn strings_are_written_as_python_writes_them() {
        let repr = |value: &str| write_value(&quoted(value)).unwrap();
        assert_eq!(repr("plain"), "'plain'");
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(
            repr("a\\\n\u{7f}\u{a0}\u{200b}\u{e000}é日\u{301}"),
            "'a\\\\\\n\\x7f\\xa0\\u200b\\ue000é日\u{301}'"
        );
        assert_eq!(repr("\u{10ffff}"), "'\\U0010ffff'");
    }

    /// JSON values of every shape, as compact text.
    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?(e-?[0-9]{1,3})?",
            any::<String>().prop_map(|value| quoted(&value)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4)
                    .prop_map(|list| format!("[{}]", list.join(","))),
                proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|object| {
                    let members: Vec<String> = object
                        .iter()
                        .map(|(key, json)| format!("{}:{json}", quoted(key)))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(value in any_json()) {
            prop_assert_eq!(json(&write_value(&value).unwrap()), value);
        }

        #[test]
        fn no_text_makes_it_fail(text: String, likely in "[\\[\\](){}'\",:bu\\\\xN.0-9e\\- ]{0,30}") {
            let _ = read_value(&text);
            let _ = read_value(&likely);
            let _ = write_value(&text);
        }
    }
}
