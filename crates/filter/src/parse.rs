//! The grammar: terms, `-`, `or`, parentheses; and the words that stand in a term.
//!
//! ```text
//! filter  = [ any ]
//! any     = all { "or" all }
//! all     = one { one }
//! one     = [ "-" ] ( "(" any ")" | field ":" value { "," value } | word | quoted )
//! ```

use jiff::Timestamp;

use crate::filter::{Node, Term};
use crate::read::{read_moment, read_test};
use crate::{DEPTH_MAX, Field, FilterError, Glob, TERMS_MAX, TEXT_BYTES_MAX};

pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Node, FilterError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(FilterError::TooLong { bytes: text.len() });
    }
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        terms: 0,
        now,
    };
    parser.skip_space();
    if parser.rest().is_empty() {
        return Ok(Node::All(Vec::new()));
    }
    let root = parser.any()?;
    if parser.rest().is_empty() {
        Ok(root)
    } else {
        Err(parser.expected("a term"))
    }
}

/// One value of a term, as written.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub(crate) at: usize,
    pub(crate) comparison: Option<Comparison>,
    pub(crate) text: std::borrow::Cow<'a, str>,
    pub(crate) quoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A word as `is_bare` and the parser understand it stands alone, without quotes.
pub(crate) fn ends_word(ch: char) -> bool {
    ch.is_whitespace() || matches!(ch, '"' | '(' | ')')
}

pub(crate) fn is_or(word: &str) -> bool {
    matches!(word, "or" | "OR")
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    terms: usize,
    now: Timestamp,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.all()?];
        while self.at_or() {
            self.at += "or".len();
            nodes.push(self.all()?);
        }
        Ok(Node::any(nodes))
    }

    fn all(&mut self) -> Result<Node, FilterError> {
        let mut nodes = Vec::new();
        loop {
            self.skip_space();
            if self.rest().is_empty() || self.rest().starts_with(')') || self.at_or() {
                break;
            }
            nodes.push(self.one()?);
        }
        if nodes.is_empty() {
            return Err(self.expected("a term"));
        }
        Ok(Node::all(nodes))
    }

    fn one(&mut self) -> Result<Node, FilterError> {
        let negated = self.take("-");
        let node = if self.take("(") {
            self.group()?
        } else {
            Node::Term(self.term()?)
        };
        if !self.rest().is_empty()
            && !self
                .rest()
                .starts_with(|ch: char| ch.is_whitespace() || ch == ')')
        {
            return Err(self.expected("a space"));
        }
        Ok(if negated { Node::not(node) } else { node })
    }

    fn group(&mut self) -> Result<Node, FilterError> {
        if self.depth == DEPTH_MAX {
            return Err(FilterError::TooDeep { at: self.at - 1 });
        }
        self.depth += 1;
        let node = self.any()?;
        self.depth -= 1;
        if self.take(")") {
            Ok(node)
        } else {
            Err(self.expected("`)`"))
        }
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let start = self.at;
        let quoted = self.rest().starts_with('"');
        let word = if quoted {
            self.quoted()?
        } else {
            let word = self.until(|ch| ends_word(ch) || ch == ':');
            if word.is_empty() || word.starts_with('-') {
                self.at = start;
                return Err(self.expected("a term"));
            }
            word.into()
        };
        if self.take(":") {
            return self.field(start, &word);
        }
        self.count(start)?;
        let glob = if quoted {
            Glob::exact(word)
        } else {
            Glob::with_wildcards(&word)
        };
        if glob.is_blank() {
            self.at = start;
            return Err(self.expected("a text to look for"));
        }
        Ok(Term::Text(glob.to_lowercase()))
    }

    fn field(&mut self, start: usize, name: &str) -> Result<Term, FilterError> {
        if matches!(name, "since" | "until") {
            let value = self.value()?;
            let test = read_moment(name, &value, self.now)?;
            let field = Field::Time;
            return Ok(Term::Field { field, test });
        }
        let field = Field::named(name).map_err(|nearest| FilterError::UnknownField {
            at: start,
            name: name.to_owned(),
            nearest,
        })?;
        let mut values = vec![self.value()?];
        while self.take(",") {
            values.push(self.value()?);
        }
        let test = read_test(&field, &values)?;
        Ok(Term::Field { field, test })
    }

    fn value(&mut self) -> Result<Value<'a>, FilterError> {
        let at = self.at;
        self.count(at)?;
        let comparison = if self.take("<=") {
            Some(Comparison::AtMost)
        } else if self.take("<") {
            Some(Comparison::Less)
        } else if self.take(">=") {
            Some(Comparison::AtLeast)
        } else if self.take(">") {
            Some(Comparison::More)
        } else {
            None
        };
        let quoted = self.rest().starts_with('"');
        let text = if quoted {
            self.quoted()?
        } else {
            let word = self.until(|ch| ends_word(ch) || ch == ',');
            if word.is_empty() {
                return Err(self.expected("a value"));
            }
            word.into()
        };
        Ok(Value {
            at,
            comparison,
            text,
            quoted,
        })
    }

    /// The text between quotes.
    fn quoted(&mut self) -> Result<std::borrow::Cow<'a, str>, FilterError> {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let plain = self.until(|ch| matches!(ch, '"' | '\\'));
            value.push_str(plain);
            if self.take("\"") {
                return Ok(value.into());
            }
            if self.rest().is_empty() {
                self.at = start;
                return Err(self.expected("a closing quote to this one"));
            }
            let escaped = self.rest().chars().nth(1);
            value.push(match escaped {
                Some('"') => '"',
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                _ => return Err(self.expected(r#"one of \" \\ \n \r \t"#)),
            });
            self.at += 2;
        }
    }

    fn count(&mut self, at: usize) -> Result<(), FilterError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(FilterError::TooManyTerms { at });
        }
        Ok(())
    }

    fn at_or(&self) -> bool {
        let rest = self.rest();
        let word = rest.split(ends_word).next().unwrap_or_default();
        is_or(word)
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn until(&mut self, end: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let found = &rest[..rest.find(end).unwrap_or(rest.len())];
        self.at += found.len();
        found
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        let found: String = self.rest().chars().take(FOUND_CHARACTERS_MAX).collect();
        let found = if found.is_empty() {
            "the end".to_owned()
        } else {
            format!("{found:?}")
        };
        FilterError::Expected {
            at: self.at,
            expected,
            found,
        }
    }
}

/// Most characters of a text that an error repeats.
const FOUND_CHARACTERS_MAX: usize = 16;
