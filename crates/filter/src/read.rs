//! From the values of a term, as written, to the test of its field.

use causebook_record::{Kind, edits};
use jiff::Timestamp;

use crate::parse::{Comparison, Value};
use crate::{Decimal, Field, FilterError, Glob, ModelGlob, Span, Test, ValueTest, time};

/// What the values of a term ask of its field.
pub(crate) fn read_test(field: &Field, values: &[Value<'_>]) -> Result<Test, FilterError> {
    if let Some(star) = values.iter().find(|value| value.is_star()) {
        return match values {
            [_] => Ok(Test::Present),
            _ => Err(invalid(
                field,
                star,
                "`*` asks whether there is a value, and stands alone",
            )),
        };
    }
    Ok(match field {
        Field::Time | Field::Recorded => Test::Times(each(values, |value| {
            read_time(value).ok_or_else(|| invalid(field, value, time::EXPECTED))
        })?),
        Field::Index | Field::Seq => Test::Whole(each(values, |value| {
            let span = read_span(value, |text| {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| text.parse().ok())?
            });
            span.ok_or_else(|| invalid(field, value, "write a whole number, >10, or 10..20"))
        })?),
        Field::Score => Test::Doubles(each(values, |value| {
            let span = read_span(value, read_double);
            span.ok_or_else(|| invalid(field, value, "write a number, <0.4, or 0.4..0.6"))
        })?),
        Field::Model => Test::Models(each(values, |value| read_model(field, value))?),
        Field::Member(_) => Test::Values(each(values, |value| read_value(field, value))?),
        _ => Test::Words(each(values, |value| read_word(field, value))?),
    })
}

/// `since` and `until`.
pub(crate) fn read_moment(
    name: &str,
    value: &Value<'_>,
    now: Timestamp,
) -> Result<Test, FilterError> {
    let moment = match value.comparison {
        None => time::read_moment(&value.text, now),
        Some(_) => None,
    };
    let moment = moment.ok_or_else(|| FilterError::InvalidValue {
        at: value.at,
        field: name.to_owned(),
        problem: time::EXPECTED_MOMENT.to_owned(),
    })?;
    let mut span = Span::default();
    if name == "since" {
        span.low = Some((moment, true));
    } else {
        span.high = Some((moment, false));
    }
    Ok(Test::Times(vec![span]))
}

impl Value<'_> {
    /// `**` is `*`.
    fn is_star(&self) -> bool {
        let plain = !self.quoted && self.comparison.is_none();
        plain && self.text.bytes().all(|byte| byte == b'*')
    }

    fn glob(&self, text: &str) -> Glob {
        if self.quoted {
            Glob::exact(text)
        } else {
            Glob::with_wildcards(text)
        }
    }

    /// What stands before and after `..`.
    fn range(&self) -> Option<(&str, &str)> {
        let plain = !self.quoted && self.comparison.is_none();
        self.text.split_once("..").filter(|_| plain)
    }
}

fn each<T>(
    values: &[Value<'_>],
    read: impl Fn(&Value<'_>) -> Result<T, FilterError>,
) -> Result<Vec<T>, FilterError> {
    values.iter().map(read).collect()
}

fn read_word(field: &Field, value: &Value<'_>) -> Result<Glob, FilterError> {
    if value.comparison.is_some() {
        return Err(invalid(field, value, NO_COMPARISON));
    }
    let glob = value.glob(&value.text);
    match glob.as_exact() {
        Some(word) if *field == Field::Kind && word.parse::<Kind>().is_err() => {
            Err(invalid(field, value, &no_kind(word)))
        }
        _ => Ok(glob),
    }
}

const NO_COMPARISON: &str =
    "`<` and `>` compare numbers and times; a word that begins so stands in quotes";

fn no_kind(word: &str) -> String {
    let names = Kind::ALL.iter().map(|kind| kind.as_str());
    let nearest = names
        .clone()
        .map(|name| (edits(word, name), name))
        .min()
        .filter(|(edits, name)| *edits <= 2 && edits * 2 < name.len());
    match nearest {
        Some((_, name)) => format!("no kind {word:?}, did you mean {name:?}?"),
        None => format!("one of {}", names.collect::<Vec<_>>().join(", ")),
    }
}

fn read_model(field: &Field, value: &Value<'_>) -> Result<ModelGlob, FilterError> {
    if value.comparison.is_some() {
        return Err(invalid(field, value, NO_COMPARISON));
    }
    let (name, version) = value.text.split_once('@').unwrap_or((&value.text, ""));
    if name.is_empty() && version.is_empty() {
        return Err(invalid(
            field,
            value,
            "write NAME, NAME@VERSION or @VERSION",
        ));
    }
    let part = |text: &str| (!text.is_empty()).then(|| value.glob(text));
    Ok(ModelGlob {
        name: part(name),
        version: part(version),
    })
}

fn read_value(field: &Field, value: &Value<'_>) -> Result<ValueTest, FilterError> {
    let text = value.text.as_ref();
    if value.comparison.is_some() {
        return read_span(value, Decimal::parse)
            .map(ValueTest::Number)
            .ok_or_else(|| invalid(field, value, "`<` and `>` compare numbers here"));
    }
    if value.quoted {
        return Ok(ValueTest::Text(text.to_owned()));
    }
    if let Some((low, high)) = value.range()
        && [low, high]
            .iter()
            .any(|side| Decimal::parse(side).is_some())
    {
        return read_span(value, Decimal::parse)
            .map(ValueTest::Number)
            .ok_or_else(|| invalid(field, value, "write a range as 10..20, a text in quotes"));
    }
    if text.contains('*') {
        return Ok(ValueTest::Pattern(Glob::with_wildcards(text)));
    }
    let number = Decimal::parse(text);
    if number.is_some() || matches!(text, "true" | "false" | "null") {
        let text = text.to_owned();
        return Ok(ValueTest::Literal { text, number });
    }
    Ok(ValueTest::Text(text.to_owned()))
}

fn read_double(text: &str) -> Option<f64> {
    // Of the forms that Rust reads, those that JSON has.
    Decimal::parse(text)?;
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

fn read_span<T: PartialOrd + Clone>(
    value: &Value<'_>,
    read: impl Fn(&str) -> Option<T>,
) -> Option<Span<T>> {
    let bound = |inclusive: bool| read(&value.text).map(|bound| (bound, inclusive));
    let (low, high) = match value.comparison {
        Some(Comparison::Less) => (None, Some(bound(false)?)),
        Some(Comparison::AtMost) => (None, Some(bound(true)?)),
        Some(Comparison::More) => (Some(bound(false)?), None),
        Some(Comparison::AtLeast) => (Some(bound(true)?), None),
        None => match value.range() {
            Some((low, high)) => (side(low, &read)?, side(high, &read)?),
            None => (Some(bound(true)?), Some(bound(true)?)),
        },
    };
    whole(Span { low, high })
}

/// A time stands for all its microseconds, so its end is the beginning of what follows.
fn read_time(value: &Value<'_>) -> Option<Span<i64>> {
    let start = |text: &str| time::read(text).map(|(start, _)| start);
    let end = |text: &str| time::read(text).map(|(_, end)| end);
    let text = &value.text;
    let (low, high) = match value.comparison {
        Some(Comparison::Less) => (None, Some(start(text)?)),
        Some(Comparison::AtMost) => (None, Some(end(text)?)),
        Some(Comparison::More) => (Some(end(text)?), None),
        Some(Comparison::AtLeast) => (Some(start(text)?), None),
        None => match value.range() {
            Some((low, high)) => (
                side(low, start)?.map(|(low, _)| low),
                side(high, end)?.map(|(high, _)| high),
            ),
            None => (Some(start(text)?), Some(end(text)?)),
        },
    };
    whole(Span {
        low: low.map(|low| (low, true)),
        high: high.map(|high| (high, false)),
    })
}

/// One side of a range: outside `None` for what cannot be read, inside for none given.
#[allow(clippy::option_option)]
fn side<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<(T, bool)>> {
    if text.is_empty() {
        return Some(None);
    }
    read(text).map(|bound| Some((bound, true)))
}

/// The span, unless it is `..` or runs backwards.
fn whole<T: PartialOrd + Clone>(span: Span<T>) -> Option<Span<T>> {
    let open = span.low.is_none() && span.high.is_none();
    (!open && !span.is_backwards()).then_some(span)
}

fn invalid(field: &Field, value: &Value<'_>, problem: &str) -> FilterError {
    FilterError::InvalidValue {
        at: value.at,
        field: field.to_string(),
        problem: problem.to_owned(),
    }
}
