//! Canonical text: one streaming pass from the bytes given at the door to the text that is hashed
//! and stored.
//!
//! Input is strict JSON (RFC 8259), read by recursive descent to a fixed depth and written to the
//! output as it is read. Objects keep the spans of their members and are put in order only where
//! the keys were not in order already. There is no tree of values: one would cost several times the
//! pass itself, and would tempt to round numbers, whose digits are kept as written.

mod fault;
mod token;

use fault::{Fault, FaultKind};

use std::ops::Range;

use crate::fact::FactIndex;
use crate::pointer::push_token;
use crate::text::Key;
use crate::{DESCENT_MAX, INPUT_BYTES_MAX, NESTING_MAX, PATH_BYTES_MAX, RecordError};

/// The canonical text of any JSON document.
///
/// Keys are sorted by UTF-16 code units and strings escaped as in RFC 8785; there is no white
/// space; numbers keep their digits exactly as written, because an int64 id or a decimal amount
/// must not be rounded to a double.
///
/// # Errors
/// Refuses what is not strict RFC 8259 JSON in UTF-8 (also a byte order mark, and bytes after the
/// document), an object with one key twice (compared after unescaping), lone surrogates, nesting
/// beyond [`NESTING_MAX`](crate::NESTING_MAX) and input beyond
/// [`INPUT_BYTES_MAX`](crate::INPUT_BYTES_MAX).
pub fn canonicalize(json: &[u8]) -> Result<String, RecordError> {
    Ok(read_document(json, Facts::Ignored)?.text)
}

/// What becomes of the facts of a document that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Facts {
    Ignored,
    Noted,
}

/// A document in canonical text, with the members of its root.
pub(crate) struct Document {
    pub(crate) text: String,
    /// In order. Empty where the root is not an object.
    pub(crate) members: Vec<MemberSpan>,
    /// Its facts as they were met, where they were to be noted and are not too many.
    pub(crate) facts: Option<FactIndex>,
}

/// Where one member of an object lies: bytes of the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemberSpan {
    /// The opening quote of the key.
    start: usize,
    /// The first byte of the value.
    value: usize,
    /// The end of the value.
    end: usize,
    /// The opening quote of the key in the input.
    given_at: usize,
    /// Whether there is an escape in the key.
    escaped: bool,
    /// Which of the facts noted lie in the value.
    facts: (u32, u32),
}

impl MemberSpan {
    pub(crate) fn key(self, text: &str) -> Key<'_> {
        Key {
            text: &text[self.start + 1..self.value - 2],
            escaped: self.escaped,
        }
    }

    pub(crate) fn value(self, text: &str) -> &str {
        &text[self.value..self.end]
    }

    /// The facts noted in the value, and where it begins.
    pub(crate) fn run(self) -> (Range<usize>, usize) {
        let (first, end) = self.facts;
        (first as usize..end as usize, self.value)
    }

    fn moved(self, from: usize, to: usize) -> Self {
        let shift = |at: usize| at - from + to;
        Self {
            start: shift(self.start),
            value: shift(self.value),
            end: shift(self.end),
            ..self
        }
    }
}

pub(crate) fn read_document(json: &[u8], facts: Facts) -> Result<Document, RecordError> {
    if json.len() > INPUT_BYTES_MAX {
        return Err(RecordError::InputTooLarge {
            bytes: json.len(),
            max: INPUT_BYTES_MAX,
        });
    }
    let input = std::str::from_utf8(json).map_err(|error| RecordError::InvalidUtf8 {
        offset: error.valid_up_to(),
    })?;
    let mut reader = Reader {
        input,
        at: 0,
        out: String::with_capacity(input.len()),
        members: Vec::with_capacity(32),
        unordered: String::new(),
        arrays: 0,
        notes: (facts == Facts::Noted).then(|| Notes::with_capacity(input.len())),
    };
    match reader.document() {
        Ok(()) => Ok(Document {
            text: reader.out,
            members: reader.members,
            facts: reader.notes.map(|notes| notes.facts),
        }),
        Err(fault) => Err(fault.into_error(input)),
    }
}

struct Reader<'a> {
    input: &'a str,
    at: usize,
    out: String,
    /// Members of the objects that are open, the innermost last; at the end, those of the root.
    members: Vec<MemberSpan>,
    /// The object being put in order, kept for its allocation.
    unordered: String,
    /// Arrays that are open: what lies in one is part of a fact.
    arrays: usize,
    notes: Option<Notes>,
}

/// Facts, noted while they are read.
struct Notes {
    /// Of the member being read.
    path: String,
    facts: FactIndex,
}

impl Notes {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            path: String::with_capacity(64),
            facts: FactIndex::with_capacity(bytes),
        }
    }

    /// Follows the members of an object into their order: each with its run as it was, and where its value begins now.
    fn rearrange(
        &mut self,
        members: &mut [MemberSpan],
        moves: Vec<((Range<usize>, usize), usize)>,
    ) {
        let first = moves.iter().map(|((run, _), _)| run.start).min();
        let mut next = first.unwrap_or_default();
        for (member, ((run, _), _)) in members.iter_mut().zip(&moves) {
            member.facts = (next as u32, (next + run.len()) as u32);
            next += run.len();
        }
        let moves = moves.into_iter().map(|((run, from), to)| (run, from, to));
        self.facts.rearrange(first.unwrap_or_default(), moves);
    }
}

type Read<T = ()> = Result<T, Fault>;

impl Reader<'_> {
    fn document(&mut self) -> Read {
        if self.input.starts_with('\u{feff}') {
            return Err(self.fault(
                "a byte order mark",
                Some("write UTF-8 without a byte order mark"),
            ));
        }
        self.skip_space();
        self.value(0)?;
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault(
                "more after the end of the document",
                Some("send one document at a time"),
            )),
        }
    }

    /// Reads the value that starts here, inside `depth` open arrays and objects.
    fn value(&mut self, depth: usize) -> Read {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Read {
        self.check_depth(depth)?;
        let body = self.out.len() + 1;
        let first = self.members.len();
        let mut in_order = true;
        self.advance_writing('{');
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.advance_writing('}');
            return Ok(());
        }
        loop {
            let member = self.member(depth)?;
            if let Some(previous) = self.members.get(first..).and_then(<[MemberSpan]>::last) {
                in_order &= previous.key(&self.out).order(member.key(&self.out)).is_lt();
            }
            self.members.push(member);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.advance_writing(','),
                Some(b'}') => break,
                _ => return Err(self.unexpected("`,` or `}`")),
            }
            self.skip_space();
        }
        if !in_order {
            self.put_in_order(first, body, self.arrays == 0 && depth <= DESCENT_MAX)?;
        }
        if depth > 1 {
            self.members.truncate(first);
        }
        self.advance_writing('}');
        Ok(())
    }

    fn member(&mut self, depth: usize) -> Read<MemberSpan> {
        let given_at = self.at;
        let start = self.out.len();
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in double quotes"));
        }
        let escaped = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.advance_writing(':');
        self.skip_space();
        let mut member = MemberSpan {
            start,
            value: self.out.len(),
            end: self.out.len(),
            given_at,
            escaped,
            facts: (0, 0),
        };
        // An object is descended only so far, and no array is: what lies deeper is one fact.
        let outer = (self.arrays == 0 && depth <= DESCENT_MAX)
            .then(|| self.enter(member))
            .flatten();
        let read = self.value(depth);
        member.end = self.out.len();
        if let Some(outer) = outer {
            member.facts = self.leave(outer, member, depth);
        }
        match read {
            Ok(()) => Ok(member),
            Err(fault) => Err(fault.within(member.key(&self.out).value().unwrap_or_default())),
        }
    }

    /// Goes down to a member, if facts are noted. Gives the length of the path above it and the facts so far.
    fn enter(&mut self, member: MemberSpan) -> Option<(usize, usize)> {
        let notes = self.notes.as_mut()?;
        let outer = (notes.path.len(), notes.facts.len());
        let key = member.key(&self.out);
        push_token(&mut notes.path, &key.value().unwrap_or_default());
        if notes.path.len() > PATH_BYTES_MAX {
            self.notes = None;
        }
        Some(outer)
    }

    /// Notes a member that was not descended, and comes up again. Gives the run of facts in it.
    fn leave(
        &mut self,
        (path_bytes, first): (usize, usize),
        member: MemberSpan,
        depth: usize,
    ) -> (u32, u32) {
        let Some(notes) = self.notes.as_mut() else {
            return (0, 0);
        };
        let value = member.value(&self.out);
        let descended = value.starts_with('{') && value.len() > 2 && depth < DESCENT_MAX;
        if !descended
            && notes
                .facts
                .note(&notes.path, member.value..member.end)
                .is_err()
        {
            self.notes = None;
            return (0, 0);
        }
        notes.path.truncate(path_bytes);
        (first as u32, notes.facts.len() as u32)
    }

    /// Sorts the members of an object that is all in the output but its closing brace.
    fn put_in_order(&mut self, first: usize, body: usize, noted: bool) -> Read {
        let members = &mut self.members[first..];
        members.sort_by(|left, right| left.key(&self.out).order(right.key(&self.out)));
        let repeated = members.windows(2).filter_map(|pair| match pair {
            [one, other] if one.key(&self.out).text == other.key(&self.out).text => Some(other),
            _ => None,
        });
        if let Some(second) = repeated.min_by_key(|member| member.given_at) {
            let key = second.key(&self.out).value().unwrap_or_default();
            return Err(Fault::new(second.given_at, FaultKind::DuplicateKey).within(key));
        }
        self.unordered.clear();
        self.unordered.push_str(&self.out[body..]);
        self.out.truncate(body);
        let mut moves = Vec::with_capacity(members.len());
        for (nth, member) in members.iter_mut().enumerate() {
            if nth > 0 {
                self.out.push(',');
            }
            let moved = member.moved(member.start, self.out.len());
            self.out
                .push_str(&self.unordered[member.start - body..member.end - body]);
            moves.push((member.run(), moved.value));
            *member = moved;
        }
        if noted && let Some(notes) = &mut self.notes {
            notes.rearrange(members, moves);
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Read {
        self.check_depth(depth)?;
        self.advance_writing('[');
        self.skip_space();
        if self.peek() == Some(b']') {
            self.advance_writing(']');
            return Ok(());
        }
        self.arrays += 1;
        let mut index = 0_usize;
        loop {
            self.value(depth)
                .map_err(|fault| fault.within(index.to_string()))?;
            index += 1;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.advance_writing(','),
                Some(b']') => break,
                _ => return Err(self.unexpected("`,` or `]`")),
            }
            self.skip_space();
        }
        self.arrays -= 1;
        self.advance_writing(']');
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Read {
        if depth > NESTING_MAX {
            Err(Fault::new(self.at, FaultKind::TooDeep))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        canonicalize(json.as_bytes()).unwrap()
    }

    fn fault(json: &str) -> RecordError {
        canonicalize(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn white_space_goes_and_keys_are_sorted_at_every_depth() {
        assert_eq!(
            canonical(" { \"b\" : [ 1 , { \"d\" : 2 , \"c\" : { } } ] ,\r\n\t\"a\" : [ ] } "),
            r#"{"a":[],"b":[1,{"c":{},"d":2}]}"#
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        let numbers = "[0,-0,1.0,1E5,1e+05,1e400,9007199254740993,18446744073709551615,0.1000000000000000055511151231257827]";
        assert_eq!(canonical(numbers), numbers);
    }

    #[test]
    fn strings_are_rewritten_to_their_one_text() {
        assert_eq!(
            canonical(r#""\u0041\/\uD83D\ude00\u00e9\u000A\u001F\u007f""#),
            "\"A/😀é\\n\\u001f\u{7f}\""
        );
        assert_eq!(canonical(r#"{"\u0000":1,"":2}"#), r#"{"":2,"\u0000":1}"#);
    }

    #[test]
    fn keys_are_sorted_after_unescaping_and_by_utf_16() {
        assert_eq!(
            canonical(r##"{"\uffff":1,"😀":2,"z":3,"\"":4,"!":5,"#":6}"##),
            "{\"!\":5,\"\\\"\":4,\"#\":6,\"z\":3,\"😀\":2,\"\u{ffff}\":1}"
        );
    }

    #[test]
    fn a_key_given_twice_is_refused_where_it_comes_the_second_time() {
        for (json, pointer, offset) in [
            (r#"{"a":1,"a":1}"#, "/a", 7),
            (r#"{"a":1,"\u0061":2}"#, "/a", 7),
            (r#"{"x":[0,{"b":1,"a/b":{},"a/b":3}]}"#, "/x/1/a~1b", 24),
            (r#"{"b":1,"a":1,"a":1,"b":1}"#, "/a", 13),
        ] {
            let error = fault(json);
            assert_eq!(
                (error.code(), error.pointer()),
                ("duplicate-key", pointer),
                "{json}"
            );
            assert!(
                matches!(error, RecordError::DuplicateKey { position, .. } if position.offset == offset),
                "{json}"
            );
        }
    }

    #[test]
    fn lone_surrogates_are_refused() {
        for json in [
            r#"{"a":"x\ud83d"}"#,
            r#"{"a":"\ude00"}"#,
            r#"{"a":"\ud83d\u0041"}"#,
            r#"{"a":"\ud83d\ud83d\ude00"}"#,
        ] {
            let error = fault(json);
            assert_eq!(
                (error.code(), error.pointer()),
                ("lone-surrogate", "/a"),
                "{json}"
            );
        }
        assert_eq!(fault(r#"{"a":{"\ud83d":1}}"#).pointer(), "/a");
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (json, pointer, offset) in [
            ("", "", 0),
            (" ", "", 1),
            ("\u{feff}{}", "", 0),
            ("{} {}", "", 3),
            (r#"{"a":1,}"#, "", 7),
            (r#"{"a":[1,]}"#, "/a/1", 8),
            (r#"{"a":[1 2]}"#, "/a", 8),
            (r#"{"a":[0,{"b":NaN}]}"#, "/a/1/b", 13),
            (r#"{"a":-Infinity}"#, "/a", 6),
            (r#"{"a":01}"#, "/a", 5),
            (r#"{"a":1.}"#, "/a", 7),
            (r#"{"a":.5}"#, "/a", 5),
            (r#"{"a":1e}"#, "/a", 7),
            (r#"{"a":+1}"#, "/a", 5),
            (r#"{"a":nul}"#, "/a", 5),
            (r#"{"a":nullx}"#, "", 9),
            ("{'a':1}", "", 1),
            ("{a:1}", "", 1),
            (r#"{"a" 1}"#, "", 5),
            ("{\"a\":\"\n\"}", "/a", 6),
            (r#"{"a":"x}"#, "/a", 8),
            (r#"{"a":"\x"}"#, "/a", 6),
            (r#"{"a":"\u12"}"#, "/a", 6),
            (r#"{"a":"\u+123"}"#, "/a", 6),
            (r#"{"a":"\ud83d\uzz"}"#, "/a", 12),
            (r#"{"a":"\"#, "/a", 6),
            (r#"{"a":1"#, "", 6),
            ("[1", "", 2),
        ] {
            let error = fault(json);
            assert_eq!(
                (error.code(), error.pointer()),
                ("invalid-json", pointer),
                "{json}"
            );
            assert!(
                matches!(error, RecordError::InvalidJson { position, .. } if position.offset == offset),
                "{json} {error}"
            );
        }
        assert_eq!(
            canonicalize(b"{\"a\":\"\xff\"}").unwrap_err(),
            RecordError::InvalidUtf8 { offset: 6 }
        );
    }

    #[test]
    fn usual_mistakes_are_answered_with_what_to_write() {
        for (json, hint) in [
            (r#"{"a":NaN}"#, "write null or a string; NaN is not JSON"),
            (
                r#"{"a":-Infinity}"#,
                "write null or a string; Infinity is not JSON",
            ),
            (r#"{"a":True}"#, "write true; True is Python"),
            ("{'a':1}", "use double quotes; single quotes are not JSON"),
            (r#"{"a":1,}"#, "remove the comma before the closing bracket"),
            ("{} {}", "send one document at a time"),
        ] {
            assert_eq!(fault(json).hint().as_deref(), Some(hint), "{json}");
        }
        assert_eq!(fault(r#"{"a":1]"#).hint(), None);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(canonicalize(nested(NESTING_MAX).as_bytes()).is_ok());
        let error = fault(&nested(NESTING_MAX + 1));
        assert_eq!(
            (error.code(), error.pointer().len()),
            ("too-deep", 2 * NESTING_MAX)
        );
        assert_eq!(fault(&"{\"a\":".repeat(100_000)).code(), "too-deep");
    }

    #[test]
    fn input_is_bounded() {
        let json = format!("[{}]", " ".repeat(INPUT_BYTES_MAX - 2));
        assert_eq!(canonical(&json), "[]");
        assert_eq!(fault(&format!("{json} ")).code(), "input-too-large");
    }
}
