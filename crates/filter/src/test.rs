//! Tests: what a term asks of the value of its field, and the answer for one value.

use std::borrow::Cow;

use causebook_record::{elements, string_value};

use crate::{Decimal, Glob, Span};

/// What a term asks of its field. Of several values, one has to fit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// The field has a value that is not null.
    Present,
    /// It is one of these words.
    Words(Vec<Glob>),
    /// It is one of these models.
    Models(Vec<ModelGlob>),
    /// It is within one of these, in microseconds since 1970.
    Times(Vec<Span<i64>>),
    /// It is within one of these.
    Whole(Vec<Span<u64>>),
    /// It is within one of these. No bound is NaN.
    Doubles(Vec<Span<f64>>),
    /// It is one of these values of a member.
    Values(Vec<ValueTest>),
}

/// A model by name, by version or by both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelGlob {
    /// Its name; any if there is none.
    pub name: Option<Glob>,
    /// Its version; any if there is none.
    pub version: Option<Glob>,
}

impl ModelGlob {
    /// Whether a model is meant.
    pub fn matches(&self, name: Option<&str>, version: Option<&str>) -> bool {
        let fits = |glob: &Option<Glob>, value: Option<&str>| match glob {
            Some(glob) => value.is_some_and(|value| glob.matches(value)),
            None => true,
        };
        fits(&self.name, name) && fits(&self.version, version)
    }
}

/// What is asked of the value of a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueTest {
    /// A string.
    Text(String),
    /// A string with wildcards.
    Pattern(Glob),
    /// `30`, `true`, `null`: that value, or the string of that text.
    Literal {
        /// As written.
        text: String,
        /// Its value, if it is a number.
        number: Option<Decimal>,
    },
    /// A number.
    Number(Span<Decimal>),
}

impl Test {
    /// The answer for a member's value, given as canonical JSON text, with [`Test::Present`] or [`Test::Values`].
    pub fn holds_value(&self, json: Option<&str>) -> bool {
        let Some(json) = json else { return false };
        match self {
            Test::Present => json != "null",
            Test::Values(values) => {
                holds_scalar(values, json)
                    || (json.starts_with('[')
                        && elements(json)
                            .is_some_and(|all| all.iter().any(|one| holds_scalar(values, one))))
            }
            _ => false,
        }
    }

    /// The answer for a word, with [`Test::Present`] or [`Test::Words`].
    pub fn holds_word(&self, word: Option<&str>) -> bool {
        let Some(word) = word else { return false };
        match self {
            Test::Present => true,
            Test::Words(words) => words.iter().any(|glob| glob.matches(word)),
            _ => false,
        }
    }

    /// The answer for a model, with [`Test::Present`] or [`Test::Models`].
    pub fn holds_model(&self, name: Option<&str>, version: Option<&str>) -> bool {
        match self {
            Test::Present => name.is_some() || version.is_some(),
            Test::Models(models) => models.iter().any(|model| model.matches(name, version)),
            _ => false,
        }
    }

    pub(crate) fn holds_time(&self, microsecond: Option<i64>) -> bool {
        match self {
            Test::Times(spans) => in_one(spans, microsecond.as_ref()),
            _ => microsecond.is_some(),
        }
    }

    pub(crate) fn holds_whole(&self, number: Option<u64>) -> bool {
        match self {
            Test::Whole(spans) => in_one(spans, number.as_ref()),
            _ => number.is_some(),
        }
    }

    pub(crate) fn holds_double(&self, number: Option<f64>) -> bool {
        match self {
            Test::Doubles(spans) => in_one(spans, number.as_ref()),
            _ => number.is_some(),
        }
    }
}

fn in_one<T: PartialOrd + Clone>(spans: &[Span<T>], value: Option<&T>) -> bool {
    value.is_some_and(|value| spans.iter().any(|span| span.holds(value)))
}

fn holds_scalar(values: &[ValueTest], json: &str) -> bool {
    match json.as_bytes().first() {
        Some(b'"') => {
            let text: Cow<'_, str> = string_value(json).unwrap_or_default();
            values.iter().any(|value| value.holds_string(&text))
        }
        Some(b'-' | b'0'..=b'9') => {
            let Some(number) = Decimal::parse(json) else {
                return false;
            };
            values.iter().any(|value| value.holds_number(&number))
        }
        Some(b'{' | b'[') | None => false,
        Some(_) => values
            .iter()
            .any(|value| matches!(value, ValueTest::Literal { text, .. } if text == json)),
    }
}

impl ValueTest {
    fn holds_string(&self, string: &str) -> bool {
        match self {
            ValueTest::Text(text) | ValueTest::Literal { text, .. } => text == string,
            ValueTest::Pattern(glob) => glob.matches(string),
            ValueTest::Number(_) => false,
        }
    }

    fn holds_number(&self, number: &Decimal) -> bool {
        match self {
            ValueTest::Literal {
                number: Some(same), ..
            } => same == number,
            ValueTest::Number(span) => span.holds(number),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_are() {
        let literal = |text: &str| ValueTest::Literal {
            text: text.to_owned(),
            number: Decimal::parse(text),
        };
        let over = |text: &str| {
            ValueTest::Number(Span {
                low: Decimal::parse(text).map(|low| (low, false)),
                high: None,
            })
        };
        for (value, json, holds) in [
            (literal("30"), "30.0", true),
            (literal("30"), "\"30\"", true),
            (literal("30"), "\"30.0\"", false),
            (literal("true"), "true", true),
            (literal("true"), "\"true\"", true),
            (literal("null"), "null", true),
            (literal("null"), "0", false),
            (ValueTest::Text("30".to_owned()), "30", false),
            (ValueTest::Text("a\"b".to_owned()), r#""a\"b""#, true),
            (ValueTest::Pattern(Glob::with_wildcards("3*")), "30", false),
            (
                ValueTest::Pattern(Glob::with_wildcards("3*")),
                "\"30\"",
                true,
            ),
            (over("9007199254740992"), "9007199254740993", true),
            (over("1"), "\"2\"", false),
            (over("1"), "[0,[5],2]", true),
            (over("2"), "[0,[5],2]", false),
            (literal("30"), r#"{"a":30}"#, false),
        ] {
            assert_eq!(
                Test::Values(vec![value.clone()]).holds_value(Some(json)),
                holds,
                "{value:?} {json}"
            );
        }
        assert!(!Test::Present.holds_value(Some("null")));
        assert!(Test::Present.holds_value(Some("{}")));
        assert!(!Test::Present.holds_value(None));
    }
}
