//! Words with `*`, which stands for any text, also none.

/// A word of one or more parts; between two of them any text may stand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob {
    parts: Vec<String>,
}

impl Glob {
    /// The word as it stands; a `*` in it is a `*`.
    pub fn exact(text: impl Into<String>) -> Self {
        Self {
            parts: vec![text.into()],
        }
    }

    /// The word with each `*` standing for any text.
    pub fn with_wildcards(text: &str) -> Self {
        let mut parts: Vec<String> = text.split('*').map(str::to_owned).collect();
        // `**` is `*`.
        let last = parts.len() - 1;
        let mut nth = 0;
        parts.retain(|part| {
            let inner = nth > 0 && nth < last;
            nth += 1;
            !inner || !part.is_empty()
        });
        Self { parts }
    }

    /// The word, if it has no wildcard.
    pub fn as_exact(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The texts between the wildcards.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether it is the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        match self.parts.as_slice() {
            [] => text.is_empty(),
            [only] => only == text,
            [first, middle @ .., last] => {
                let Some(rest) = text.strip_prefix(first.as_str()) else {
                    return false;
                };
                let Some(rest) = rest.strip_suffix(last.as_str()) else {
                    return false;
                };
                in_order(middle, rest)
            }
        }
    }

    /// Whether it is somewhere in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        in_order(&self.parts, text)
    }

    /// Whether it is somewhere in `text`, whatever the case of that; it is in lower case itself.
    pub fn is_in_any_case(&self, text: &str) -> bool {
        may_be_in(self, text) && self.is_in(&text.to_lowercase())
    }

    pub(crate) fn to_lowercase(&self) -> Self {
        Self {
            parts: self.parts.iter().map(|part| part.to_lowercase()).collect(),
        }
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.parts.iter().all(String::is_empty)
    }
}

/// Whether the text, or the JSON text of values, does not rule out that the word is in it. Most are ruled out here,
/// before anything is taken apart or changed.
pub(crate) fn may_be_in(glob: &Glob, text: &str) -> bool {
    // What JSON escapes is spelled otherwise there, and letters beyond ASCII may fold into it.
    let spelled = |part: &&String| {
        part.bytes()
            .all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\')
    };
    let mut spelled_parts = glob.parts.iter().filter(spelled);
    !text.is_ascii() || spelled_parts.all(|part| contains(text.as_bytes(), part.as_bytes()))
}

/// Whether `part`, in lower case, is in a text of any case.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else {
        return true;
    };
    let Some(end) = text.len().checked_sub(rest.len()) else {
        return false;
    };
    let upper = first.to_ascii_uppercase();
    let starts = text.iter().take(end).enumerate();
    starts
        .filter(|(_, byte)| *byte == first || **byte == upper)
        .any(|(at, _)| {
            text.get(at + 1..at + 1 + rest.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(rest))
        })
}

fn in_order(parts: &[String], text: &str) -> bool {
    let mut rest = text;
    for part in parts {
        let Some(at) = rest.find(part.as_str()) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (glob, text, whole, within) in [
            ("a", "a", true, true),
            ("a", "ab", false, true),
            ("a*", "ab", true, true),
            ("*b", "ab", true, true),
            ("a*b*c", "a-b-c", true, true),
            ("a*b*c", "a-c-b", false, false),
            ("a*a", "a", false, false),
            ("*", "", true, true),
            ("**", "x", true, true),
            ("3.*", "3.10.2", true, true),
            ("ü*", "übung", true, true),
            ("a**b", "ab", true, true),
        ] {
            let glob = Glob::with_wildcards(glob);
            assert_eq!(glob.matches(text), whole, "{glob:?} {text}");
            assert_eq!(glob.is_in(text), within, "{glob:?} {text}");
        }
        assert!(!Glob::exact("a*").matches("ab"));
    }
}
