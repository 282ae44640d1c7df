//! Canonical text: one streaming pass from the bytes given at the door to the text that is hashed and stored.
//!
//! Input is strict JSON (RFC 8259), read by recursive descent to a fixed depth and written to the output as it is read.
//! Objects keep the spans of their members and are put in order only where the keys were not in order already. There is
//! no tree of values: one would cost several times the pass itself, and would tempt to round numbers, whose digits are
//! kept as written.

use crate::error::Position;
use crate::pointer::push_token;
use crate::text::{key_order, push_char, unescape};
use crate::{INPUT_BYTES_MAX, NESTING_MAX, RecordError};

/// The canonical text of any JSON document.
///
/// Keys are sorted by UTF-16 code units and strings escaped as in RFC 8785; there is no white space; numbers keep their
/// digits exactly as written, because an int64 id or a decimal amount must not be rounded to a double.
///
/// # Errors
/// Refuses what is not strict RFC 8259 JSON in UTF-8 (also a byte order mark, and bytes after the document), an object
/// with one key twice (compared after unescaping), lone surrogates, nesting beyond [`NESTING_MAX`](crate::NESTING_MAX)
/// and input beyond [`INPUT_BYTES_MAX`](crate::INPUT_BYTES_MAX).
pub fn canonicalize(json: &[u8]) -> Result<String, RecordError> {
    Ok(read_document(json)?.text)
}

/// A document in canonical text, with the members of its root.
pub(crate) struct Document {
    pub(crate) text: String,
    /// In order. Empty where the root is not an object.
    pub(crate) members: Vec<Member>,
}

/// Where one member of an object lies: bytes of the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// The opening quote of the key.
    start: usize,
    /// The first byte of the value.
    value: usize,
    /// The end of the value.
    end: usize,
    /// The opening quote of the key in the input.
    given_at: usize,
}

impl Member {
    /// The key as it stands between its quotes.
    pub(crate) fn key(self, text: &str) -> &str {
        &text[self.start + 1..self.value - 2]
    }

    pub(crate) fn value(self, text: &str) -> &str {
        &text[self.value..self.end]
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

pub(crate) fn read_document(json: &[u8]) -> Result<Document, RecordError> {
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
    };
    match reader.document() {
        Ok(()) => Ok(Document {
            text: reader.out,
            members: reader.members,
        }),
        Err(fault) => Err(fault.into_error(input)),
    }
}

struct Reader<'a> {
    input: &'a str,
    at: usize,
    out: String,
    /// Members of the objects that are open, the innermost last; at the end, those of the root.
    members: Vec<Member>,
    /// The object being put in order, kept for its allocation.
    unordered: String,
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
            Some(b'"') => self.string(),
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
            if let Some(previous) = self.members.get(first..).and_then(<[Member]>::last) {
                in_order &= key_order(previous.key(&self.out), member.key(&self.out)).is_lt();
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
            self.put_in_order(first, body)?;
        }
        if depth > 1 {
            self.members.truncate(first);
        }
        self.advance_writing('}');
        Ok(())
    }

    fn member(&mut self, depth: usize) -> Read<Member> {
        let given_at = self.at;
        let start = self.out.len();
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in double quotes"));
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.advance_writing(':');
        self.skip_space();
        let value = self.out.len();
        if let Err(fault) = self.value(depth) {
            let key = Member {
                start,
                value,
                end: value,
                given_at,
            }
            .key(&self.out);
            return Err(fault.within(unescape(key).unwrap_or_default()));
        }
        Ok(Member {
            start,
            value,
            end: self.out.len(),
            given_at,
        })
    }

    /// Sorts the members of an object that is all in the output but its closing brace.
    fn put_in_order(&mut self, first: usize, body: usize) -> Read {
        let members = &mut self.members[first..];
        members.sort_by(|left, right| key_order(left.key(&self.out), right.key(&self.out)));
        let repeated = members.windows(2).filter_map(|pair| match pair {
            [one, other] if one.key(&self.out) == other.key(&self.out) => Some(other),
            _ => None,
        });
        if let Some(second) = repeated.min_by_key(|member| member.given_at) {
            let key = unescape(second.key(&self.out)).unwrap_or_default();
            return Err(Fault::new(second.given_at, FaultKind::DuplicateKey).within(key));
        }
        self.unordered.clear();
        self.unordered.push_str(&self.out[body..]);
        self.out.truncate(body);
        for (nth, member) in members.iter_mut().enumerate() {
            if nth > 0 {
                self.out.push(',');
            }
            let moved = member.moved(member.start, self.out.len());
            self.out
                .push_str(&self.unordered[member.start - body..member.end - body]);
            *member = moved;
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
        self.advance_writing(']');
        Ok(())
    }

    fn string(&mut self) -> Read {
        let mut written = self.at;
        self.at += 1;
        loop {
            match self.skip_plain() {
                Some(b'"') => {
                    self.at += 1;
                    self.out.push_str(&self.input[written..self.at]);
                    return Ok(());
                }
                Some(b'\\') => {
                    self.out.push_str(&self.input[written..self.at]);
                    let ch = self.escape()?;
                    push_char(&mut self.out, ch);
                    written = self.at;
                }
                Some(_) => {
                    return Err(self.fault(
                        "a control character in a string",
                        Some("escape it: \\n, \\t, \\u0007"),
                    ));
                }
                None => return Err(self.fault("a string that does not end", None)),
            }
        }
    }

    /// Moves to the next byte of a string that does not stand for itself.
    fn skip_plain(&mut self) -> Option<u8> {
        let rest = &self.input.as_bytes()[self.at..];
        let plain = rest.iter().position(|&byte| ENDS_PLAIN[byte as usize]);
        self.at += plain.unwrap_or(rest.len());
        plain.map(|plain| rest[plain])
    }

    /// Reads an escape, and the second one of a surrogate pair.
    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 1;
        let ch = match self.peek() {
            Some(ch @ (b'"' | b'\\' | b'/')) => ch as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => {
                self.at = start;
                return Err(self.fault("an escape that JSON does not have", None));
            }
        };
        self.at += 1;
        Ok(ch)
    }

    fn unicode_escape(&mut self, start: usize) -> Read<char> {
        let unit = self.hex4(start)?;
        let code = match unit {
            0xd800..=0xdbff if self.input[self.at..].starts_with("\\u") => {
                self.at += 1;
                match self.hex4(self.at - 1)? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
                    _ => unit,
                }
            }
            _ => unit,
        };
        char::from_u32(code).ok_or_else(|| Fault::new(start, FaultKind::LoneSurrogate))
    }

    /// Reads `uXXXX` of the escape that starts at `start`.
    fn hex4(&mut self, start: usize) -> Read<u32> {
        let digits = self
            .input
            .as_bytes()
            .get(self.at + 1..self.at + 5)
            .unwrap_or_default();
        let unit = digits.iter().try_fold(0, |unit, &byte| {
            Some((unit << 4) | (byte as char).to_digit(16)?)
        });
        match unit {
            Some(unit) if digits.len() == 4 => {
                self.at += 5;
                Ok(unit)
            }
            _ => {
                self.at = start;
                Err(self.fault("a \\u escape without four hexadecimal digits", None))
            }
        }
    }

    /// Reads `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` and keeps it as written.
    fn number(&mut self) -> Read {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        match self.skip_digits() {
            0 => return Err(self.unexpected("a digit")),
            1 => {}
            _ if self.input.as_bytes()[whole] == b'0' => {
                self.at = whole;
                return Err(self.fault(
                    "a number with a leading zero",
                    Some("write it without, or as a string"),
                ));
            }
            _ => {}
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.expect_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.expect_digits()?;
        }
        self.out.push_str(&self.input[start..self.at]);
        Ok(())
    }

    fn expect_digits(&mut self) -> Read {
        if self.skip_digits() == 0 {
            Err(self.unexpected("a digit"))
        } else {
            Ok(())
        }
    }

    fn skip_digits(&mut self) -> usize {
        let digits = self.input.as_bytes()[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += digits;
        digits
    }

    fn literal(&mut self, word: &str) -> Read {
        if !self.input[self.at..].starts_with(word) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        self.out.push_str(word);
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Read {
        if depth > NESTING_MAX {
            Err(Fault::new(self.at, FaultKind::TooDeep))
        } else {
            Ok(())
        }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.input.as_bytes().get(self.at).copied()
    }

    fn advance_writing(&mut self, punctuation: char) {
        self.at += 1;
        self.out.push(punctuation);
    }

    fn fault(&self, problem: &str, advice: Option<&'static str>) -> Fault {
        Fault::new(
            self.at,
            FaultKind::Syntax {
                problem: problem.to_owned(),
                advice,
            },
        )
    }

    /// A fault that says what stands where `expected` should, and how the usual mistakes are put right.
    fn unexpected(&self, expected: &str) -> Fault {
        let rest = &self.input[self.at..];
        let known = KNOWN_MISTAKES
            .iter()
            .find(|(start, _)| rest.starts_with(start));
        let after_comma = self.out.ends_with(',') && rest.starts_with(['}', ']']);
        let advice = match known {
            Some((_, advice)) => Some(*advice),
            None if after_comma => Some("remove the comma before the closing bracket"),
            None => None,
        };
        let found = match rest.chars().next() {
            None => "the end".to_owned(),
            Some(ch) => format!("{ch:?}"),
        };
        Fault::new(
            self.at,
            FaultKind::Syntax {
                problem: format!("expected {expected}, found {found}"),
                advice,
            },
        )
    }
}

/// A fault on its way out: each object and array that it leaves adds its token. Boxed, so that
/// the results of the pass stay one word.
struct Fault(Box<FaultTrace>);

struct FaultTrace {
    at: usize,
    kind: FaultKind,
    /// The innermost first.
    tokens: Vec<String>,
}

enum FaultKind {
    Syntax {
        problem: String,
        advice: Option<&'static str>,
    },
    LoneSurrogate,
    DuplicateKey,
    TooDeep,
}

impl Fault {
    fn new(at: usize, kind: FaultKind) -> Self {
        Self(Box::new(FaultTrace {
            at,
            kind,
            tokens: Vec::new(),
        }))
    }

    fn within(mut self, token: impl Into<String>) -> Self {
        self.0.tokens.push(token.into());
        self
    }

    fn into_error(self, input: &str) -> RecordError {
        let trace = *self.0;
        let mut pointer = String::new();
        trace
            .tokens
            .iter()
            .rev()
            .for_each(|token| push_token(&mut pointer, token));
        let position = Position::of(trace.at, input);
        match trace.kind {
            FaultKind::Syntax { problem, advice } => RecordError::InvalidJson {
                pointer,
                problem,
                position,
                advice,
            },
            FaultKind::LoneSurrogate => RecordError::LoneSurrogate { pointer, position },
            FaultKind::DuplicateKey => RecordError::DuplicateKey { pointer, position },
            FaultKind::TooDeep => RecordError::TooDeep {
                pointer,
                max: NESTING_MAX,
            },
        }
    }
}

/// Bytes that end a run of plain characters in a string: the quote, the backslash and the controls.
const ENDS_PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

const KNOWN_MISTAKES: &[(&str, &str)] = &[
    ("NaN", "write null or a string; NaN is not JSON"),
    ("nan", "write null or a string; NaN is not JSON"),
    ("Infinity", "write null or a string; Infinity is not JSON"),
    ("inf", "write null or a string; Infinity is not JSON"),
    ("None", "write null; None is Python"),
    ("True", "write true; True is Python"),
    ("False", "write false; False is Python"),
    ("undefined", "write null, or leave the member out"),
    ("'", "use double quotes; single quotes are not JSON"),
    ("//", "remove the comment; JSON has none"),
    ("/*", "remove the comment; JSON has none"),
    ("+", "write the number without a plus sign"),
    (".", "write a digit before the point"),
];

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
