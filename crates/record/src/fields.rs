//! The fields by which records are found, as typed values.
//!
//! They are derived from the canonical text, which stays the truth: a reader may throw them away
//! and make them again.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::Kind;
use crate::member::{Member, Values};
use crate::scan::pick;
use crate::text::string_value;
use crate::time::recorded_instant;

/// A typed view of a record. Each field is `None` where the member is absent, erased, or of another
/// type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// `/id`
    pub id: Option<String>,
    /// `/kind`
    pub kind: Option<Kind>,
    /// `/time`
    pub time: Option<Timestamp>,
    /// `/recorded/at`
    pub recorded_at: Option<Timestamp>,
    /// `/recorded/by`
    pub recorded_by: Option<String>,
    /// `/recorded/via`
    pub recorded_via: Option<String>,
    /// `/model/name`
    pub model_name: Option<String>,
    /// `/model/version`
    pub model_version: Option<String>,
    /// `/model/digest`
    pub model_digest: Option<String>,
    /// `/subject`
    pub subject: Option<String>,
    /// `/decision`
    pub decision: Option<String>,
    /// `/score`, rounded to a double; `None` where it is beyond one.
    pub score: Option<f64>,
    /// `/refers_to`
    pub refers_to: Option<String>,
    /// `/source/name`
    pub source_name: Option<String>,
    /// `/source/run`
    pub source_run: Option<String>,
    /// `/source/seq`
    pub source_seq: Option<u64>,
    /// `/context/trace_id`
    pub trace_id: Option<String>,
}

/// The typed view of a canonical text. A text that is not a canonical object has no fields.
pub fn fields(canonical: &str) -> Fields {
    fields_of(&Values::scan(canonical))
}

/// The typed view of an object whose [`members`](crate::members) are known.
pub fn fields_of_members(members: &[(Cow<'_, str>, &str)]) -> Fields {
    fields_of(&Values::named(members))
}

pub(crate) fn fields_of(values: &Values<'_>) -> Fields {
    let text = |member: Member| values.get(member).unwrap_or_default();
    let [recorded_at, recorded_by, recorded_via] =
        pick(text(Member::Recorded), ["at", "by", "via"]);
    let [model_name, model_version, model_digest] =
        pick(text(Member::Model), ["name", "version", "digest"]);
    let [source_name, source_run, source_seq] = pick(text(Member::Source), ["name", "run", "seq"]);
    let [trace_id] = pick(text(Member::Context), ["trace_id"]);
    Fields {
        id: string(text(Member::Id)),
        kind: string_value(text(Member::Kind)).and_then(|kind| kind.parse().ok()),
        time: instant(text(Member::Time)),
        recorded_at: recorded_at.and_then(instant),
        recorded_by: recorded_by.and_then(string),
        recorded_via: recorded_via.and_then(string),
        model_name: model_name.and_then(string),
        model_version: model_version.and_then(string),
        model_digest: model_digest.and_then(string),
        subject: string(text(Member::Subject)),
        decision: string(text(Member::Decision)),
        score: double(text(Member::Score)),
        refers_to: string(text(Member::RefersTo)),
        source_name: source_name.and_then(string),
        source_run: source_run.and_then(string),
        source_seq: source_seq.and_then(|text| text.parse().ok()),
        trace_id: trace_id.and_then(string),
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    recorded_instant(&string_value(text)?)
}

fn string(text: &str) -> Option<String> {
    string_value(text).map(String::from)
}

fn double(text: &str) -> Option<f64> {
    let number = text.starts_with(|ch: char| ch == '-' || ch.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|value: &f64| number && value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read_from_its_place() {
        let text = concat!(
            r#"{"context":{"a":{},"trace_id":"t"},"decision":"deny","id":"a\"b","kind":"decision","#,
            r#""model":{"digest":"d","name":"n","version":"v"},"#,
            r#""recorded":{"at":"2024-06-01T12:00:00Z","by":"b","via":"http"},"refers_to":"r","score":0.25,"#,
            r#""source":{"name":"s","run":"1","seq":9007199254740991},"subject":"u","time":"2024-06-01T10:00:00-02:00"}"#
        );
        let noon: Timestamp = "2024-06-01T12:00:00Z".parse().unwrap();
        let text_of = |value: &str| Some(value.to_owned());
        let expected = Fields {
            id: text_of("a\"b"),
            kind: Some(Kind::Decision),
            time: Some(noon),
            recorded_at: Some(noon),
            recorded_by: text_of("b"),
            recorded_via: text_of("http"),
            model_name: text_of("n"),
            model_version: text_of("v"),
            model_digest: text_of("d"),
            subject: text_of("u"),
            decision: text_of("deny"),
            score: Some(0.25),
            refers_to: text_of("r"),
            source_name: text_of("s"),
            source_run: text_of("1"),
            source_seq: Some(9_007_199_254_740_991),
            trace_id: text_of("t"),
        };
        assert_eq!(fields(text), expected);
    }

    #[test]
    fn what_is_absent_or_of_another_type_is_none() {
        for text in [
            "{}",
            "",
            "[]",
            "x",
            r#"{"id":"a"#,
            r#"{"context":"x","decision":1,"kind":"x","model":{"name":1},"score":1e400,"source":[],"subject":null,"time":"x"}"#,
            r#"{"score":"1","time":"2024-06-01 12:00:00"}"#,
            r#"{"score":null}"#,
        ] {
            assert_eq!(fields(text), Fields::default(), "{text}");
        }
    }
}
