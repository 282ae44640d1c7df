//! JSON Pointers (RFC 6901): the names of places in a record, and the paths of its facts.

use std::fmt;
use std::str::FromStr;

use crate::RecordError;

/// A JSON Pointer in its string form. Escaping is unique in RFC 6901, so pointers are equal when
/// their texts are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The text of the pointer, escaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `path` is this place or lies under it.
    pub fn selects(&self, path: &str) -> bool {
        is_at_or_under(path, &self.0)
    }
}

impl FromStr for Pointer {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self, RecordError> {
        if is_pointer(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RecordError::InvalidPointer {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is a pointer: each token led by `/`, and each `~` followed by `0` or `1`.
pub(crate) fn is_pointer(text: &str) -> bool {
    let rooted = text.is_empty() || text.starts_with('/');
    rooted
        && text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
}

/// Whether one place, named by its pointer, is another or lies under it.
pub(crate) fn is_at_or_under(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Appends `/` and the escaped token.
pub(crate) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    if token.bytes().any(|byte| byte == b'~' || byte == b'/') {
        for ch in token.chars() {
            match ch {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                _ => pointer.push(ch),
            }
        }
    } else {
        pointer.push_str(token);
    }
}

/// The string that an escaped token stands for.
pub(crate) fn unescape_token(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_selects_its_place_and_what_lies_under_it() {
        let pointer: Pointer = "/input/a~1b".parse().unwrap();
        assert!(pointer.selects("/input/a~1b"));
        assert!(pointer.selects("/input/a~1b/c"));
        assert!(!pointer.selects("/input/a~1bc"));
        assert!(!pointer.selects("/input"));
        assert!("".parse::<Pointer>().unwrap().selects("/anything"));
        assert!(!"/".parse::<Pointer>().unwrap().selects("/a"));
        assert!("/".parse::<Pointer>().unwrap().selects("//a"));
    }

    #[test]
    fn what_is_not_rfc_6901_is_refused() {
        for text in ["input", "#/input", "/a~", "/a~2", "/~~0"] {
            assert_eq!(
                text.parse::<Pointer>().unwrap_err().code(),
                "invalid-pointer",
                "{text}"
            );
        }
        for text in ["", "/", "//", "/~0~1", "/ü/\u{0}"] {
            assert_eq!(text.parse::<Pointer>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn tokens_are_escaped_and_back() {
        for token in ["", "a", "~", "/", "~1", "~01", "a/b~c", "~~//"] {
            let mut pointer = String::new();
            push_token(&mut pointer, token);
            assert_eq!(unescape_token(&pointer[1..]), token);
            assert!(pointer.parse::<Pointer>().is_ok());
        }
    }
}
