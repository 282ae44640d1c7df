//! Numbers and the values that JSON has no form for: how each is written in a record.
//!
//! | what was given | what is recorded |
//! |---|---|
//! | a number in a text | its digits, as they stand |
//! | a double or float of a typed format | the shortest digits that denote it |
//! | NaN, infinities | the strings `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | a decimal (Parquet) | its digits, with its scale |
//! | bytes (Parquet, Python `b'..'`) | the string `"base64:..."`, RFC 4648 section 4 |
//! | a date, a time of day | the strings `"2024-06-01"`, `"12:00:00"` |
//! | a date with time | RFC 3339, with `Z` if the source says that it is an instant |
//! | a duration | ISO 8601 seconds, `"PT90.5S"` |
//! | an error cell of a worksheet | its text: `"#N/A"` |
//! | a Python `datetime(...)`, `Decimal('..')` and other calls | the text of the call |

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whether a text is a number as JSON writes one (RFC 8259 section 6): no leading zeros, no `+`, no blanks.
pub fn is_json(text: &str) -> bool {
    let bytes = text.as_bytes();
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let (whole, rest) = split_digits(unsigned);
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        Some(after_point) => {
            let (fraction, rest) = split_digits(after_point);
            if fraction.is_empty() {
                return false;
            }
            rest
        }
        None => rest,
    };
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else {
        return rest.is_empty();
    };
    let exponent = exponent
        .strip_prefix(b"+")
        .or_else(|| exponent.strip_prefix(b"-"))
        .unwrap_or(exponent);
    let (digits, rest) = split_digits(exponent);
    !digits.is_empty() && rest.is_empty()
}

/// A double as JSON text.
pub(crate) fn from_f64(value: f64) -> Cow<'static, str> {
    not_finite(value).map_or_else(|| Cow::Owned(format!("{value:?}")), Cow::Borrowed)
}

/// Appends a double as JSON text.
pub(crate) fn push_f64(out: &mut String, value: f64) {
    match not_finite(value) {
        Some(word) => out.push_str(word),
        // Printing into a string does not fail.
        None => drop(write!(out, "{value:?}")),
    }
}

/// Appends a float as JSON text: the shortest digits that denote it among floats, not those of the double it would widen
/// to.
pub(crate) fn push_f32(out: &mut String, value: f32) {
    match not_finite(f64::from(value)) {
        Some(word) => out.push_str(word),
        None => drop(write!(out, "{value:?}")),
    }
}

/// Bytes as JSON text.
pub(crate) fn from_bytes(bytes: &[u8]) -> String {
    format!("\"base64:{}\"", STANDARD.encode(bytes))
}

fn not_finite(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("\"NaN\"")
    } else if value == f64::INFINITY {
        Some("\"Infinity\"")
    } else if value == f64::NEG_INFINITY {
        Some("\"-Infinity\"")
    } else {
        None
    }
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    bytes.split_at(count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_json_writes_is_a_number() {
        for yes in [
            "0",
            "-0",
            "36",
            "-0.191",
            "23.83000",
            "1e5",
            "1E-05",
            "0e0",
            "9007199254740993",
        ] {
            assert!(is_json(yes), "{yes}");
        }
        for no in [
            "", "-", "007", "+1", " 1", "1 ", ".5", "5.", "1e", "NaN", "0x10", "1_000", "1,5",
            "30%", "\u{661}",
        ] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn floats_take_their_own_shortest_digits() {
        let float = |value| {
            let mut out = String::new();
            push_f32(&mut out, value);
            out
        };
        assert_eq!(float(0.1), "0.1");
        assert_eq!(from_f64(0.1), "0.1");
        assert_eq!(from_f64(5.0), "5.0");
        assert_eq!(from_f64(1e300), "1e300");
        assert_eq!(from_f64(f64::NAN), "\"NaN\"");
        assert_eq!(float(f32::NEG_INFINITY), "\"-Infinity\"");
    }

    proptest! {
        #[test]
        fn the_grammar_is_that_of_a_json_parser(text in "[-+0-9.eE ]{0,8}") {
            let parsed = serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.is_number());
            prop_assert_eq!(is_json(&text), parsed && text.trim() == text);
        }

        #[test]
        fn finite_doubles_are_json_numbers_that_read_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            let text = from_f64(value);
            prop_assert!(is_json(&text));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
            let mut pushed = String::new();
            push_f64(&mut pushed, value);
            prop_assert_eq!(pushed, text);
        }
    }
}
