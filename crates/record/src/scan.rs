//! A light reader of canonical text: members, values at pointers, and objects from members.
//!
//! It checks what lets members be told apart (structure, the one text of each key, keys in strict
//! order) and takes values as they stand. Because of that check two different texts never yield the
//! same members.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::RecordError;
use crate::pointer::{is_pointer, push_token, unescape_token};
use crate::text::{Key, plain_length, push_string, utf16_order};

/// The members of a canonical object, in order: unescaped key, canonical text of the value.
///
/// # Errors
/// Refuses text that is not an object, or whose keys are not canonical. What stands inside the
/// values is not looked at.
pub fn members(canonical: &str) -> Result<Vec<(Cow<'_, str>, &str)>, RecordError> {
    let mut scanner = Scanner::new(canonical);
    let mut members = Vec::new();
    let mut object = scanner.open_object()?;
    while let Some(key) = scanner.next_key(&mut object)? {
        members.push((key, scanner.value()?));
    }
    scanner.end()?;
    Ok(members)
}

/// A canonical object from members in any order: unescaped keys, canonical texts of the values,
/// which are placed as they stand. The inverse of [`members`].
///
/// # Errors
/// Refuses one key twice.
pub fn join_members<'a>(
    members: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<String, RecordError> {
    let mut members: Vec<(&str, &str)> = members.into_iter().collect();
    if !members.is_sorted_by(|left, right| utf16_order(left.0, right.0) == Ordering::Less) {
        members.sort_by(|left, right| utf16_order(left.0, right.0));
        if let Some([(key, _), _]) = members
            .array_windows()
            .find(|[one, other]| one.0 == other.0)
        {
            let mut pointer = String::new();
            push_token(&mut pointer, key);
            return Err(RecordError::NotCanonical {
                pointer,
                problem: "key given twice".to_owned(),
            });
        }
    }
    let bytes: usize = members
        .iter()
        .map(|(key, value)| key.len() + value.len() + 4)
        .sum();
    let mut text = String::with_capacity(bytes + 2);
    text.push('{');
    for (nth, (key, value)) in members.iter().enumerate() {
        if nth > 0 {
            text.push(',');
        }
        push_string(&mut text, key);
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    Ok(text)
}

/// The value at a JSON Pointer in canonical text: `value_at(r#"{"input":{"age":30}}"#,
/// "/input/age")` is `Some("30")`.
///
/// Elements of arrays are found by their index. `None` where there is no such place, or the pointer
/// is not one.
pub fn value_at<'a>(canonical: &'a str, pointer: &str) -> Option<&'a str> {
    if !is_pointer(pointer) {
        return None;
    }
    let mut place = canonical;
    for token in pointer.split('/').skip(1) {
        let token = unescape_token(token);
        place = match place.as_bytes().first()? {
            b'{' => member(place, &token)?,
            b'[' => element(place, &token)?,
            _ => return None,
        };
    }
    Some(place)
}

/// The value of one member of a canonical object.
pub(crate) fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let [value] = pick(object, [name]);
    value
}

/// The values of some members of a canonical object, as far as it can be read.
pub(crate) fn pick<'a, const N: usize>(object: &'a str, names: [&str; N]) -> [Option<&'a str>; N] {
    let mut picked = [None; N];
    let mut scanner = Scanner::new(object);
    let Ok(mut open) = scanner.open_object() else {
        return picked;
    };
    while let Ok(Some(key)) = scanner.next_key(&mut open) {
        let Ok(value) = scanner.value() else { break };
        if let Some((_, slot)) = names
            .iter()
            .zip(&mut picked)
            .find(|(name, _)| **name == key)
        {
            *slot = Some(value);
        }
    }
    picked
}

/// The elements of a canonical array; `None` for what is not one.
pub fn elements(array: &str) -> Option<Vec<&str>> {
    let mut scanner = Scanner::new(array);
    let mut elements = Vec::new();
    scanner.take(b'[')?;
    if scanner.take(b']').is_none() {
        loop {
            elements.push(scanner.value().ok()?);
            if scanner.take(b',').is_none() {
                scanner.take(b']')?;
                break;
            }
        }
    }
    Some(elements)
}

fn element<'a>(array: &'a str, index: &str) -> Option<&'a str> {
    let canonical_index = index == "0" || !index.starts_with(['0', '+']);
    let nth: usize = index.parse().ok()?;
    if canonical_index {
        elements(array)?.get(nth).copied()
    } else {
        None
    }
}

/// A position in canonical text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// An object whose members are being read.
pub(crate) struct OpenObject<'a> {
    previous: Option<Key<'a>>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Whether `{}` stands here.
    pub(crate) fn at_empty_object(&self) -> bool {
        self.text
            .as_bytes()
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(b"{}"))
    }

    pub(crate) fn open_object(&mut self) -> Result<OpenObject<'a>, RecordError> {
        self.take(b'{')
            .ok_or_else(|| self.fault("expected an object"))?;
        Ok(OpenObject { previous: None })
    }

    /// Moves to the value of the next member and gives its key; `None` after the last.
    pub(crate) fn next_key(
        &mut self,
        object: &mut OpenObject<'a>,
    ) -> Result<Option<Cow<'a, str>>, RecordError> {
        if self.take(b'}').is_some() {
            return Ok(None);
        }
        if object.previous.is_some() {
            self.take(b',')
                .ok_or_else(|| self.fault("expected `,` or `}`"))?;
        }
        let key = self
            .key()
            .ok_or_else(|| self.fault("expected a key and `:`"))?;
        let value = key
            .value()
            .ok_or_else(|| self.fault("key not escaped canonically"))?;
        if object
            .previous
            .is_some_and(|previous| previous.order(key) != Ordering::Less)
        {
            return Err(self.fault("keys out of order, or twice"));
        }
        object.previous = Some(key);
        Ok(Some(value))
    }

    fn key(&mut self) -> Option<Key<'a>> {
        self.take(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += plain_length(bytes.get(start..)?);
        let escaped = self.peek()? != b'"';
        if escaped {
            self.at = string_end(bytes, start - 1)? - 1;
        }
        let text = self.text.get(start..self.at)?;
        self.take(b'"')?;
        self.take(b':')?;
        Some(Key { text, escaped })
    }

    /// Takes the value that stands here, whole.
    pub(crate) fn value(&mut self) -> Result<&'a str, RecordError> {
        let start = self.at;
        let end = match self.peek() {
            Some(b'"') => self.string_end(),
            Some(b'{' | b'[') => self.container_end(),
            _ => self.scalar_end(),
        };
        self.at = end.ok_or_else(|| self.fault("expected a value"))?;
        self.text
            .get(start..self.at)
            .ok_or_else(|| self.fault("expected a value"))
    }

    pub(crate) fn end(&self) -> Result<(), RecordError> {
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.fault("more after the end"))
        }
    }

    pub(crate) fn fault(&self, problem: &str) -> RecordError {
        RecordError::NotCanonical {
            pointer: String::new(),
            problem: format!("{problem} at byte {}", self.at),
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// The end of the string that starts here.
    fn string_end(&self) -> Option<usize> {
        if self.peek() != Some(b'"') {
            return None;
        }
        string_end(self.text.as_bytes(), self.at)
    }

    /// The end of the array or object that starts here, by counting brackets outside strings.
    fn container_end(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        let mut at = self.at;
        loop {
            match bytes.get(at)? {
                b'"' => {
                    at = string_end(bytes, at)?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }

    fn scalar_end(&self) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let in_scalar =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = rest.iter().take_while(in_scalar).count();
        (length > 0).then_some(self.at + length)
    }
}

/// The end of the string whose opening quote stands at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += plain_length(bytes.get(at..)?);
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_with_their_texts() {
        let text = r#"{"a\"b":"}","c":[{"x":"]"},2],"d":-1.0,"e":{"f":{}}}"#;
        let found = members(text).unwrap();
        let expected = [
            ("a\"b", "\"}\""),
            ("c", r#"[{"x":"]"},2]"#),
            ("d", "-1.0"),
            ("e", r#"{"f":{}}"#),
        ];
        assert_eq!(
            found
                .iter()
                .map(|(key, value)| (key.as_ref(), *value))
                .collect::<Vec<_>>(),
            expected
        );
        assert_eq!(members("{}").unwrap(), []);
    }

    #[test]
    fn members_are_joined_in_canonical_order_and_only_once() {
        assert_eq!(
            join_members([("b", "1"), ("a\n", "{}")]).unwrap(),
            r#"{"a\n":{},"b":1}"#
        );
        assert_eq!(join_members([]).unwrap(), "{}");
        let error = join_members([("b", "1"), ("a", "1"), ("b", "1")]).unwrap_err();
        assert_eq!((error.code(), error.pointer()), ("not-canonical", "/b"));
    }

    #[test]
    fn text_whose_members_cannot_be_told_apart_is_refused() {
        for text in [
            "",
            "1",
            "[]",
            "{",
            "{}x",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1}}",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":2}",
            "{ \"a\":1}",
            "{\"a\" :1}",
            "{\"\\u0061\":1}",
            "{\"\n\":1}",
            "{\"a\":[1}",
            "{\"a\":\"x}",
            "{\"a\\",
        ] {
            assert_eq!(
                members(text).map_err(|error| error.code()),
                Err("not-canonical"),
                "{text}"
            );
        }
    }

    #[test]
    fn values_are_found_by_pointer() {
        let text = r#"{"":0,"a/b":{"~":[10,[],{"c":"d"}]},"input":{"age":30}}"#;
        for (pointer, value) in [
            ("", Some(text)),
            ("/", Some("0")),
            ("/input/age", Some("30")),
            ("/a~1b/~0/0", Some("10")),
            ("/a~1b/~0/1", Some("[]")),
            ("/a~1b/~0/2/c", Some("\"d\"")),
            ("/a~1b/~0/3", None),
            ("/a~1b/~0/00", None),
            ("/a~1b/~0/+1", None),
            ("/a~1b/~0/-", None),
            ("/input/age/x", None),
            ("input", None),
            ("/a~2b", None),
            ("/nothing", None),
        ] {
            assert_eq!(value_at(text, pointer), value, "{pointer}");
        }
    }
}
