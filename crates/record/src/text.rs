//! Canonical strings: how RFC 8785 writes them, how they are read back, and how it orders them as
//! keys.
//!
//! Only `"`, `\` and the controls below U+0020 are escaped; all else stands as itself. Every string
//! has one text.

use std::borrow::Cow;
use std::cmp::Ordering;

/// The canonical JSON text of a string, with its quotes.
pub fn string_text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    push_string(&mut out, value);
    out
}

/// The string that a canonical string text denotes; `None` where the text is not one.
pub fn string_value(text: &str) -> Option<Cow<'_, str>> {
    unescape(text.strip_prefix('"')?.strip_suffix('"')?)
}

pub(crate) fn push_string(out: &mut String, value: &str) {
    out.push('"');
    if has_escaped(value) {
        for ch in value.chars() {
            push_char(out, ch);
        }
    } else {
        out.push_str(value);
    }
    out.push('"');
}

/// Appends one character of a string as it stands between the quotes. Whether it is escaped there.
pub(crate) fn push_char(out: &mut String, ch: char) -> bool {
    match ch {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        '\0'..='\u{1f}' => {
            out.push_str(if ch < '\u{10}' { "\\u000" } else { "\\u001" });
            out.extend(char::from_digit(ch as u32 & 0xf, 16));
        }
        _ => {
            out.push(ch);
            return false;
        }
    }
    true
}

fn has_escaped(value: &str) -> bool {
    plain_length(value.as_bytes()) < value.len()
}

/// Whether a byte of a string cannot stand between quotes as itself.
fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes from the start of `bytes` stand for themselves in a string.
///
/// Eight bytes are looked at in one step. The subtractions set the high bit of a byte that is zero,
/// or below the bound, and of a byte above such a one at most: the lowest bit set is always right.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, rest) = bytes.as_chunks::<8>();
    for (nth, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let found = controls | quotes | backslashes;
        if found != 0 {
            return nth * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let plain = rest.iter().take_while(|byte| !is_escaped(**byte)).count();
    words.len() * 8 + plain
}

/// Reads what stands between the quotes of a canonical string. `None` where a character is escaped
/// that should not be, is not but should be, or is escaped in another way.
pub(crate) fn unescape(inner: &str) -> Option<Cow<'_, str>> {
    if !has_escaped(inner) {
        return Some(Cow::Borrowed(inner));
    }
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(ch) = chars.next() {
        value.push(match ch {
            '\\' => unescape_one(&mut chars)?,
            '"' | '\0'..='\u{1f}' => return None,
            _ => ch,
        });
    }
    Some(Cow::Owned(value))
}

fn unescape_one(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        '"' => '"',
        '\\' => '\\',
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'f' => '\u{c}',
        'r' => '\r',
        'u' => {
            let digits = chars.as_str().get(..4)?;
            *chars = chars.as_str().get(4..)?.chars();
            let ch = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            let mut canonical = String::with_capacity(6);
            push_char(&mut canonical, ch);
            if canonical.strip_prefix("\\u")? != digits {
                return None;
            }
            ch
        }
        _ => return None,
    })
}

/// A key in canonical text: as it stands between its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) text: &'a str,
    /// Whether there is an escape in it. Without one, it is its own value.
    pub(crate) escaped: bool,
}

impl<'a> Key<'a> {
    /// The string that it denotes; `None` where it is not escaped canonically.
    pub(crate) fn value(self) -> Option<Cow<'a, str>> {
        if self.escaped {
            unescape(self.text)
        } else {
            Some(Cow::Borrowed(self.text))
        }
    }

    /// Orders keys as RFC 8785 section 3.2.3 does: by the UTF-16 code units of their values.
    pub(crate) fn order(self, other: Key<'_>) -> Ordering {
        if self.escaped || other.escaped {
            let left = self.value().unwrap_or_default();
            let right = other.value().unwrap_or_default();
            return utf16_order(&left, &right);
        }
        utf16_order(self.text, other.text)
    }
}

/// Orders strings by UTF-16 code units without making any.
///
/// UTF-8 bytes order by code point, and the two orders differ only where U+E000..=U+FFFF (lead
/// bytes EE, EF) meet the characters above (lead bytes F0..=F4), which UTF-16 writes with
/// surrogates, below E000. So EE and EF are ranked last.
pub(crate) fn utf16_order(left: &str, right: &str) -> Ordering {
    let rank = |byte: u8| {
        if matches!(byte, 0xee | 0xef) {
            byte | 0xf0
        } else {
            byte
        }
    };
    match left.bytes().zip(right.bytes()).find(|(a, b)| a != b) {
        Some((a, b)) => rank(a).cmp(&rank(b)),
        None => left.len().cmp(&right.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(text: &str) -> Key<'_> {
        Key {
            text: &text[1..text.len() - 1],
            escaped: text.contains('\\'),
        }
    }

    #[test]
    fn strings_are_escaped_as_rfc_8785_does() {
        assert_eq!(
            string_text("a/é\u{7f}\u{2028}😀"),
            "\"a/é\u{7f}\u{2028}😀\""
        );
        assert_eq!(
            string_text("\"\\\u{8}\t\n\u{c}\r\0\u{1f}\u{b}"),
            r#""\"\\\b\t\n\f\r\u0000\u001f\u000b""#
        );
    }

    #[test]
    fn a_string_has_one_text_and_reads_back_from_it_alone() {
        for ch in (0..0x300).filter_map(char::from_u32) {
            let value = format!("a{ch}b");
            assert_eq!(string_value(&string_text(&value)).unwrap(), value);
        }
        for text in [
            "",
            "\"",
            "a",
            "\"a",
            "a\"",
            "\"\\\"",
            "\"a\"b\"",
            "\"\n\"",
            r#""\/""#,
            r#""\u0041""#,
            r#""\u000a""#,
            r#""\u001F""#,
            r#""\u00""#,
            r#""\u+001""#,
            r#""\ud83d""#,
            r#""\x""#,
            r#""\u00é""#,
        ] {
            assert_eq!(string_value(text), None, "{text}");
        }
    }

    #[test]
    fn the_length_that_stands_for_itself_is_found_at_every_place() {
        for length in 0..20 {
            let plain = "é~\u{7f}!#[]^"
                .as_bytes()
                .iter()
                .copied()
                .cycle()
                .take(length);
            let plain: Vec<u8> = plain.collect();
            assert_eq!(plain_length(&plain), length);
            for byte in (0..0x20).chain([b'"', b'\\']) {
                for place in 0..length {
                    let mut bytes = plain.clone();
                    bytes[place] = byte;
                    assert_eq!(plain_length(&bytes), place, "{byte}");
                    bytes[length - 1] = b'"';
                    assert_eq!(plain_length(&bytes), place, "{byte}");
                }
            }
        }
    }

    #[test]
    fn keys_are_ordered_by_utf_16_code_units() {
        let chars =
            "\0\n \"0Z\\a\u{7f}é\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}😀\u{10ffff}";
        let one = chars.chars().map(String::from);
        let two = chars
            .chars()
            .flat_map(|a| chars.chars().map(move |b| format!("{a}{b}")));
        let keys: Vec<(String, String)> = one
            .chain(two)
            .map(|value| (string_text(&value), value))
            .collect();
        for (left_text, left) in &keys {
            for (right_text, right) in &keys {
                let expected = left.encode_utf16().cmp(right.encode_utf16());
                assert_eq!(
                    key_of(left_text).order(key_of(right_text)),
                    expected,
                    "{left:?} {right:?}"
                );
            }
        }
    }
}
