//! JSON text in small pieces: write a string, list the members of an object, follow a path. Nothing is ever decoded to
//! a number, so digits pass through as they are.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::Reason;

/// Appends a string as JSON text.
pub(crate) fn push_string(out: &mut String, value: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(value.get(plain_from..at).unwrap_or_default());
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                out.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            }
        }
    }
    out.push_str(value.get(plain_from..).unwrap_or_default());
    out.push('"');
}

/// A string as JSON text.
pub(crate) fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    push_string(&mut out, value);
    out
}

/// The string that a JSON string text denotes; `None` if the text is not a string.
pub(crate) fn unquoted(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str::<String>(json).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Members of an object in the order of the text, names unescaped, values as they stand.
///
/// # Errors
/// [`Reason::Json`] for text that is not JSON, [`Reason::NotAnObject`], [`Reason::Duplicate`].
pub(crate) fn members(json: &str) -> Result<Vec<(String, &str)>, Reason> {
    if !json.trim_start().starts_with('{') {
        return Err(match serde_json::from_str::<serde::de::IgnoredAny>(json) {
            Ok(_) => Reason::NotAnObject,
            Err(error) => not_json(&error),
        });
    }
    let Members(members) = serde_json::from_str(json).map_err(|error| not_json(&error))?;
    let mut seen = HashSet::with_capacity(members.len());
    for (name, _) in &members {
        if !seen.insert(name.as_str()) {
            return Err(Reason::Duplicate { name: name.clone() });
        }
    }
    Ok(members)
}

/// Elements of an array, as they stand; `None` if the text is not an array.
pub(crate) fn elements(json: &str) -> Option<Vec<&str>> {
    let Elements(elements) = serde_json::from_str(json).ok()?;
    Some(elements)
}

/// The value at a path of member names and array positions below `json`.
pub(crate) fn at<'a>(json: &'a str, path: &[String]) -> Option<&'a str> {
    let mut value = json;
    for token in path {
        value = if value.trim_start().starts_with('[') {
            let index: usize = token.parse().ok()?;
            elements(value)?.get(index).copied()?
        } else {
            members(value)
                .ok()?
                .into_iter()
                .find(|(name, _)| name == token)?
                .1
        };
    }
    Some(value)
}

/// Text cut to a length that a message can carry.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN_CHARS: usize = 60;
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// `YYYY-MM-DD` and nothing else.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn not_json(error: &serde_json::Error) -> Reason {
    Reason::Json {
        problem: error.to_string(),
    }
}

struct Members<'a>(Vec<(String, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de str)>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    members.push((name, map.next_value::<&'de RawValue>()?.get()));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

struct Elements<'a>(Vec<&'a str>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<&'de str>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(value) = seq.next_element::<&'de RawValue>()? {
                    elements.push(value.get());
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_seq(Collect).map(Elements)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_keep_order_and_digits_and_refuse_doubles() {
        let members = members(r#"{"b": 1.50, "a\u0041": {"x": 9007199254740993}}"#).unwrap();
        assert_eq!(members[0], ("b".to_owned(), "1.50"));
        assert_eq!(members[1], ("aA".to_owned(), r#"{"x": 9007199254740993}"#));
        assert_eq!(
            super::members(r#"{"a":1,"\u0061":2}"#),
            Err(Reason::Duplicate { name: "a".into() })
        );
        assert_eq!(super::members("[1]"), Err(Reason::NotAnObject));
        assert!(matches!(
            super::members("{'a':1}"),
            Err(Reason::Json { .. })
        ));
    }

    #[test]
    fn a_path_goes_through_objects_and_arrays() {
        let path =
            |tokens: &[&str]| -> Vec<String> { tokens.iter().copied().map(String::from).collect() };
        let json = r#"{"a":{"b":[10,{"c":1e400}]}}"#;
        assert_eq!(at(json, &path(&["a", "b", "1", "c"])), Some("1e400"));
        assert_eq!(at(json, &path(&["a", "x"])), None);
        assert_eq!(at(json, &path(&[])), Some(json));
    }

    proptest! {
        #[test]
        fn any_string_survives_being_quoted(value: String) {
            let json = quoted(&value);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value.clone());
            prop_assert_eq!(unquoted(&json).unwrap(), value);
        }
    }
}
