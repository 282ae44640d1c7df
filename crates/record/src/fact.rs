//! Facts: what a record says, one path and one value at a time.
//!
//! Objects are descended to [`DESCENT_MAX`](crate::DESCENT_MAX) tokens; every other value, and an
//! empty object, is a fact. The facts and the canonical text of a document determine each other,
//! which is what lets commitments to facts stand for the text.

use std::borrow::Cow;
use std::ops::Range;

use crate::member::{Layout, Member, Runs};
use crate::pointer::{push_token, unescape_token};
use crate::scan::Scanner;
use crate::text::{push_string, utf16_order};
use crate::{DESCENT_MAX, FACTS_MAX, PATH_BYTES_MAX, RecordError};

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<'a> {
    /// Where it stands: a JSON Pointer (RFC 6901).
    pub path: Cow<'a, str>,
    /// The canonical text of its value.
    pub text: &'a str,
}

/// The facts of a canonical object, sorted by the bytes of their paths. The fact at place `i` is
/// the one that commitment `i` is made of.
///
/// # Errors
/// Refuses what is not an object in canonical form (values of facts are taken as they stand: they
/// are hashed so), more than [`FACTS_MAX`](crate::FACTS_MAX) facts, and paths longer than
/// [`PATH_BYTES_MAX`](crate::PATH_BYTES_MAX).
pub fn facts(canonical: &str) -> Result<Vec<Fact<'_>>, RecordError> {
    let index = FactIndex::of(canonical)?;
    Ok(index
        .iter(canonical)
        .map(|(path, text)| Fact {
            path: Cow::Owned(path.to_owned()),
            text,
        })
        .collect())
}

/// Where the facts of one text lie. It holds the paths, and spans of the text instead of values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FactIndex {
    paths: String,
    spans: Vec<Span>,
}

/// Where a fact lies: bytes of the paths, and bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    path: Range<u32>,
    text: Range<u32>,
}

impl Span {
    /// The same fact in a text that holds it elsewhere.
    fn moved(&self, from: usize, to: usize) -> Self {
        let moved = |at: u32| (at as usize - from + to) as u32;
        Self {
            path: self.path.clone(),
            text: moved(self.text.start)..moved(self.text.end),
        }
    }
}

impl FactIndex {
    pub(crate) fn of(canonical: &str) -> Result<Self, RecordError> {
        let mut index = FactIndex::with_capacity(canonical.len());
        let mut walk = Walk {
            scanner: Scanner::new(canonical),
            base: 0,
            path: String::with_capacity(64),
            index: &mut index,
        };
        if walk.scanner.at_empty_object() {
            walk.fact()?;
        } else {
            walk.object(0)?;
        }
        walk.scanner.end()?;
        index.sort();
        Ok(index)
    }

    pub(crate) fn with_capacity(path_bytes: usize) -> Self {
        Self {
            paths: String::with_capacity(path_bytes),
            spans: Vec::with_capacity(64),
        }
    }

    /// Notes a fact, whose path is not longer than one may be.
    pub(crate) fn note(&mut self, path: &str, text: Range<usize>) -> Result<(), RecordError> {
        if self.spans.len() == FACTS_MAX {
            return Err(RecordError::TooManyFacts { max: FACTS_MAX });
        }
        let start = self.paths.len();
        self.paths.push_str(path);
        self.spans.push(Span {
            path: start as u32..self.paths.len() as u32,
            text: text.start as u32..text.end as u32,
        });
        Ok(())
    }

    /// Notes the facts of one member of a record, whose value `canonical` lies at `base` of the text.
    fn note_value(
        &mut self,
        pointer: &str,
        canonical: &str,
        base: usize,
    ) -> Result<(), RecordError> {
        let mut walk = Walk {
            scanner: Scanner::new(canonical),
            base,
            path: pointer.to_owned(),
            index: self,
        };
        if canonical.starts_with('{') && !walk.scanner.at_empty_object() {
            walk.object(1)
        } else {
            walk.fact()
        }
    }

    /// Puts the facts from `first` on in another order: run after run, each moved within the text from one place to
    /// another.
    pub(crate) fn rearrange(
        &mut self,
        first: usize,
        runs: impl Iterator<Item = (Range<usize>, usize, usize)>,
    ) {
        let spans = self.spans.split_off(first);
        for (run, from, to) in runs {
            let run = spans.get(run.start - first..run.end - first);
            let moved = run.unwrap_or_default().iter();
            self.spans.extend(moved.map(|span| span.moved(from, to)));
        }
    }

    /// Sorts by path, as the digest wants it.
    fn sort(&mut self) {
        let paths = self.paths.as_bytes();
        let path = |span: &Span| &paths[span.path.start as usize..span.path.end as usize];
        let spans = &mut self.spans;
        if !spans.is_sorted_by(|left, right| path(left) < path(right)) {
            spans.sort_unstable_by(|left, right| path(left).cmp(path(right)));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Path and text of each fact, in order. `canonical` is the text that the index was made of.
    pub(crate) fn iter<'i, 't>(
        &'i self,
        canonical: &'t str,
    ) -> impl Iterator<Item = (&'i str, &'t str)> {
        self.spans.iter().map(move |span| {
            (
                &self.paths[span.path.start as usize..span.path.end as usize],
                &canonical[span.text.start as usize..span.text.end as usize],
            )
        })
    }
}

/// The facts of a record's values, noted while they were read, each member's in one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct NotedFacts {
    pub(crate) index: FactIndex,
    pub(crate) runs: Runs,
}

impl NotedFacts {
    /// The facts of a record whose values are those that were read, where there is a run, or others.
    pub(crate) fn of_layout(self, layout: &Layout) -> Result<FactIndex, RecordError> {
        let Self {
            index: FactIndex { paths, spans },
            runs,
        } = self;
        let mut index = FactIndex {
            paths,
            spans: Vec::with_capacity(spans.len() + RECORDED_FACTS),
        };
        for member in Member::all() {
            let Some((start, value)) = layout.value_at(member) else {
                continue;
            };
            match &runs[member as usize] {
                Some((run, from)) => {
                    let noted = spans.get(run.clone()).unwrap_or_default().iter();
                    index
                        .spans
                        .extend(noted.map(|span| span.moved(*from, start)));
                }
                None => index.note_value(member.pointer(), value, start)?,
            }
        }
        if index.spans.len() > FACTS_MAX {
            return Err(RecordError::TooManyFacts { max: FACTS_MAX });
        }
        index.sort();
        Ok(index)
    }
}

/// Facts that the ledger adds to a draft at most: id, kind, the time and how it is known, and what it says about the
/// recording.
pub(crate) const RECORDED_FACTS: usize = 7;

struct Walk<'a> {
    scanner: Scanner<'a>,
    /// Where the text that is walked begins in the whole one.
    base: usize,
    path: String,
    index: &'a mut FactIndex,
}

impl Walk<'_> {
    /// Reads an object whose path has `tokens` tokens.
    fn object(&mut self, tokens: usize) -> Result<(), RecordError> {
        let parent = self.path.len();
        let mut object = self.scanner.open_object()?;
        while let Some(key) = self.scanner.next_key(&mut object)? {
            push_token(&mut self.path, &key);
            if self.path.len() > PATH_BYTES_MAX {
                let bytes = self.path.len();
                self.path.truncate(parent);
                let pointer = std::mem::take(&mut self.path);
                return Err(RecordError::PathTooLong {
                    pointer,
                    bytes,
                    max: PATH_BYTES_MAX,
                });
            }
            let descend = self.scanner.peek() == Some(b'{') && tokens + 1 < DESCENT_MAX;
            if descend && !self.scanner.at_empty_object() {
                self.object(tokens + 1)?;
            } else {
                self.fact()?;
            }
            self.path.truncate(parent);
        }
        Ok(())
    }

    fn fact(&mut self) -> Result<(), RecordError> {
        let start = self.base + self.scanner.at();
        self.scanner.value()?;
        let end = self.base + self.scanner.at();
        self.index.note(&self.path, start..end)
    }
}

/// The canonical object that has exactly the facts given, which are sorted by path. Parents that
/// are left without a fact are not in it. `None` where no object has these facts.
pub(crate) fn join_facts(facts: &[(&str, &str)]) -> Option<String> {
    let mut text = String::new();
    if let [("", whole)] = facts {
        text.push_str(whole);
    } else {
        join_under(0, 0, facts, &mut text)?;
    }
    let index = FactIndex::of(&text).ok()?;
    index.iter(&text).eq(facts.iter().copied()).then_some(text)
}

/// Writes the object whose path is the first `parent` bytes, and the first `tokens` tokens, of each
/// path given.
///
/// In byte order the facts under one token are neighbours, but `/a!` stands between `/a` and
/// `/a/b`, so members are put in the order of keys here, and one token met twice shows when the
/// text is read back.
fn join_under(
    tokens: usize,
    parent: usize,
    facts: &[(&str, &str)],
    out: &mut String,
) -> Option<()> {
    if tokens == DESCENT_MAX {
        return None;
    }
    let mut members = Vec::new();
    for group in facts.chunk_by(|left, right| token(left.0, parent) == token(right.0, parent)) {
        let token = token(group.first()?.0, parent)?;
        members.push((unescape_token(token), parent + 1 + token.len(), group));
    }
    members.sort_by(|left, right| utf16_order(&left.0, &right.0));
    for (nth, (key, path_end, group)) in members.iter().enumerate() {
        out.push(if nth == 0 { '{' } else { ',' });
        push_string(out, key);
        out.push(':');
        match group {
            [(path, text)] if path.len() == *path_end => out.push_str(text),
            _ => join_under(tokens + 1, *path_end, group, out)?,
        }
    }
    out.push('}');
    Some(())
}

/// The token that follows the first `parent` bytes of a path.
fn token(path: &str, parent: usize) -> Option<&str> {
    path.get(parent..)?.strip_prefix('/')?.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<(String, &str)> {
        facts(text)
            .unwrap()
            .into_iter()
            .map(|fact| (fact.path.into_owned(), fact.text))
            .collect()
    }

    #[test]
    fn objects_are_descended_and_all_else_is_a_fact() {
        let text = r#"{"a":{"b":{},"c":[{"d":1}]},"e":null}"#;
        let expected = [("/a/b", "{}"), ("/a/c", r#"[{"d":1}]"#), ("/e", "null")];
        assert_eq!(
            listed(text),
            expected.map(|(path, text)| (path.to_owned(), text))
        );
        assert_eq!(listed("{}"), [(String::new(), "{}")]);
    }

    #[test]
    fn facts_are_sorted_by_path_bytes_which_is_not_the_order_of_keys() {
        let text = "{\"a\":{\"b\":1},\"a!\":2,\"a/\":3,\"a~\":4,\"😀\":5,\"\u{ffff}\":6}";
        let paths: Vec<String> = listed(text).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["/a!", "/a/b", "/a~0", "/a~1", "/\u{ffff}", "/😀"]);
    }

    #[test]
    fn an_object_below_sixteen_tokens_is_one_fact() {
        let nested = |depth: usize| format!("{}1{}", r#"{"k":"#.repeat(depth), "}".repeat(depth));
        assert_eq!(listed(&nested(16)), [("/k".repeat(16), "1")]);
        assert_eq!(listed(&nested(17)), [("/k".repeat(16), r#"{"k":1}"#)]);
    }

    #[test]
    fn the_number_of_facts_is_bounded() {
        let object = |count: usize| {
            let members: Vec<String> = (0..count).map(|nth| format!(r#""{nth:04}":0"#)).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(facts(&object(FACTS_MAX)).unwrap().len(), FACTS_MAX);
        let error = facts(&object(FACTS_MAX + 1)).unwrap_err();
        assert_eq!(error, RecordError::TooManyFacts { max: FACTS_MAX });
    }

    #[test]
    fn the_length_of_a_path_is_bounded() {
        let keyed = |bytes: usize| format!(r#"{{"a":{{"{}":1}}}}"#, "k".repeat(bytes));
        assert!(facts(&keyed(PATH_BYTES_MAX - 3)).is_ok());
        let error = facts(&keyed(PATH_BYTES_MAX - 2)).unwrap_err();
        assert_eq!((error.code(), error.pointer()), ("path-too-long", "/a"));
        let many = format!(
            r#"{{"{}":{{"a":1,"b":2}}}}"#,
            "~".repeat(PATH_BYTES_MAX / 2)
        );
        assert_eq!(facts(&many).unwrap_err().pointer(), "");
    }

    #[test]
    fn a_path_that_no_fact_has_is_not_followed_to_its_end() {
        let deep = "/a".repeat(1_000_000);
        assert_eq!(join_facts(&[(&deep, "1")]), None);
        assert_eq!(join_facts(&[(&"/a".repeat(17), "1")]), None);
        assert!(join_facts(&[(&"/a".repeat(16), "1")]).is_some());
    }

    #[test]
    fn texts_that_would_share_their_facts_with_a_canonical_one_are_refused() {
        for text in [
            r#"{"b":1,"a":2}"#,
            r#"{"a":{"b":1},"a":{"c":2}}"#,
            r#"{"a":{"c":1,"b":2}}"#,
            r#"{"a": 1}x"#,
            r#"{"a":1} "#,
            r#"{"\u0061":1}"#,
            r#"{"a":{"\/":1}}"#,
            "[]",
            "1",
        ] {
            assert_eq!(
                facts(text).map_err(|error| error.code()),
                Err("not-canonical"),
                "{text}"
            );
        }
    }

    #[test]
    fn facts_join_to_the_text_they_came_from() {
        for text in [
            "{}",
            r#"{"":{"":0}}"#,
            r#"{"a":{"b":{},"c":[{"d":1}]},"a!":1,"a/":{"x":2},"e":null}"#,
            "{\"\\u0000\":1,\"😀\":{\"~\":2},\"\u{ffff}\":3}",
        ] {
            let facts = listed(text);
            let borrowed: Vec<(&str, &str)> = facts
                .iter()
                .map(|(path, text)| (path.as_str(), *text))
                .collect();
            assert_eq!(join_facts(&borrowed).as_deref(), Some(text));
        }
    }

    #[test]
    fn facts_that_no_object_has_do_not_join() {
        for facts in [
            &[][..],
            &[("a", "1")],
            &[("", "1")],
            &[("", "{}"), ("/a", "1")],
            &[("/a", "1"), ("/a", "2")],
            &[("/a", "1"), ("/a!", "2"), ("/a/b", "3")],
            &[("/a", "{}"), ("/a/b", "3")],
            &[("/a", r#"{"b":1}"#)],
            &[("/a", "1,\"b\":2")],
            &[("/a~2", "1")],
            &[("/a", "")],
        ] {
            assert_eq!(join_facts(facts), None, "{facts:?}");
        }
    }

    #[test]
    fn order_of_paths_is_total_on_facts() {
        let text = r#"{"a":1,"b":{"a":2,"b":3}}"#;
        let index = FactIndex::of(text).unwrap();
        assert!(
            index
                .iter(text)
                .is_sorted_by(|left, right| left.0 < right.0)
        );
        assert_eq!(index.len(), 3);
    }
}
