//! Canonical strings: how RFC 8785 writes them, how they are read back, and how it orders them as keys.
//!
//! Only `"`, `\` and the controls below U+0020 are escaped; all else stands as itself. Every string has one text.

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
    if value.bytes().any(is_escaped) {
        value.chars().for_each(|ch| push_char(out, ch));
    } else {
        out.push_str(value);
    }
    out.push('"');
}

/// Appends one character of a string as it stands between the quotes.
pub(crate) fn push_char(out: &mut String, ch: char) {
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
        _ => out.push(ch),
    }
}

/// Whether a byte of a string cannot stand between quotes as itself.
pub(crate) fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Reads what stands between the quotes of a canonical string. `None` where a character is escaped that should not be,
/// is not but should be, or is escaped in another way.
pub(crate) fn unescape(inner: &str) -> Option<Cow<'_, str>> {
    if !inner.bytes().any(is_escaped) {
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

/// Orders two keys, given as they stand between their quotes, as RFC 8785 section 3.2.3 does: by UTF-16 code units.
pub(crate) fn key_order(left: &str, right: &str) -> Ordering {
    if left.contains('\\') || right.contains('\\') {
        let left = unescape(left).unwrap_or(Cow::Borrowed(left));
        let right = unescape(right).unwrap_or(Cow::Borrowed(right));
        return utf16_order(&left, &right);
    }
    utf16_order(left, right)
}

/// Orders strings by UTF-16 code units without making any.
///
/// UTF-8 bytes order by code point, and the two orders differ only where U+E000..=U+FFFF (lead bytes EE, EF) meet the
/// characters above (lead bytes F0..=F4), which UTF-16 writes with surrogates, below E000. So EE and EF are ranked last.
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
    fn keys_are_ordered_by_utf_16_code_units() {
        let chars = [
            '\0',
            '\n',
            ' ',
            '"',
            '0',
            'Z',
            '\\',
            'a',
            '\u{7f}',
            'é',
            '\u{7ff}',
            '\u{800}',
            '\u{d7ff}',
            '\u{e000}',
            '\u{ffff}',
            '\u{10000}',
            '😀',
            '\u{10ffff}',
        ];
        let mut keys: Vec<String> = chars.iter().map(char::to_string).collect();
        keys.extend(
            chars
                .iter()
                .flat_map(|a| chars.iter().map(move |b| format!("{a}{b}"))),
        );
        for left in &keys {
            for right in &keys {
                let expected = left.encode_utf16().cmp(right.encode_utf16());
                let (left_text, right_text) = (string_text(left), string_text(right));
                let inner = |text: &str| text[1..text.len() - 1].to_owned();
                assert_eq!(
                    key_order(&inner(&left_text), &inner(&right_text)),
                    expected,
                    "{left:?} {right:?}"
                );
            }
        }
    }
}
