//! The columns of the table, and the rule by which a sealed text is split into them and joined again.
//!
//! What a column holds exactly is not repeated anywhere else in the row; everything that no column holds exactly stays
//! as canonical JSON in `rest`. `split` then `join` gives the same text for every valid record, which append checks on
//! every row. Typed columns that are only derived, such as `score` of `0.50`, are for finding: the sealed text decides.
//!
//! | column | holds |
//! |---|---|
//! | `id`, `kind`, `subject`, `decision`, `refers_to`, `automation` | the member of that name, when it is a string |
//! | `model` … `actor` | the member of that name as canonical JSON text, without the parts listed next |
//! | `source_name`, `source_run`, `source_seq`, `trace_id` | `/source/name`, `/source/run`, `/source/seq`, `/context/trace_id` |
//! | `time`, `score` | the member of that name, when printing the column gives its text |
//! | `recorded_at` | `/recorded/at`, when printing the column gives its text |
//! | `model_name`, `model_version`, `model_digest` | derived from `model` |
//! | `rest` | every remaining member, as one canonical object |
//! | `opening_key`, `erased` | the key the commitments' salts come from, or what erasure put in its place |

use std::borrow::Cow;

use causebook_ledger::ColumnFault;
use causebook_record::{
    Fields, RecordError, fields, fields_of_members, join_members, members, string_text,
    string_value,
};
use jiff::Timestamp;

/// A text column, in table order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Id,
    Kind,
    ModelName,
    ModelVersion,
    ModelDigest,
    Subject,
    Decision,
    RefersTo,
    Automation,
    SourceName,
    SourceRun,
    TraceId,
    Model,
    Input,
    Output,
    Parameters,
    Data,
    Explanation,
    Context,
    Source,
    Attachments,
    Actor,
    Rest,
}

impl Text {
    pub(crate) const COUNT: usize = Self::ALL.len();

    pub(crate) const ALL: [Self; 23] = [
        Self::Id,
        Self::Kind,
        Self::ModelName,
        Self::ModelVersion,
        Self::ModelDigest,
        Self::Subject,
        Self::Decision,
        Self::RefersTo,
        Self::Automation,
        Self::SourceName,
        Self::SourceRun,
        Self::TraceId,
        Self::Model,
        Self::Input,
        Self::Output,
        Self::Parameters,
        Self::Data,
        Self::Explanation,
        Self::Context,
        Self::Source,
        Self::Attachments,
        Self::Actor,
        Self::Rest,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Kind => "kind",
            Self::ModelName => "model_name",
            Self::ModelVersion => "model_version",
            Self::ModelDigest => "model_digest",
            Self::Subject => "subject",
            Self::Decision => "decision",
            Self::RefersTo => "refers_to",
            Self::Automation => "automation",
            Self::SourceName => "source_name",
            Self::SourceRun => "source_run",
            Self::TraceId => "trace_id",
            Self::Model => "model",
            Self::Input => "input",
            Self::Output => "output",
            Self::Parameters => "parameters",
            Self::Data => "data",
            Self::Explanation => "explanation",
            Self::Context => "context",
            Self::Source => "source",
            Self::Attachments => "attachments",
            Self::Actor => "actor",
            Self::Rest => "rest",
        }
    }

    /// Columns that hold a member of their own name, as a string.
    const STRINGS: [Self; 6] = [
        Self::Id,
        Self::Kind,
        Self::Subject,
        Self::Decision,
        Self::RefersTo,
        Self::Automation,
    ];

    /// Columns of members that no other column is derived from: most of a record's bytes.
    const BULK: [Self; 7] = [
        Self::Input,
        Self::Output,
        Self::Parameters,
        Self::Data,
        Self::Explanation,
        Self::Attachments,
        Self::Actor,
    ];

    /// Columns that hold a member of their own name, as canonical JSON text.
    pub(crate) const JSON: [Self; 10] = [
        Self::Model,
        Self::Input,
        Self::Output,
        Self::Parameters,
        Self::Data,
        Self::Explanation,
        Self::Context,
        Self::Source,
        Self::Attachments,
        Self::Actor,
    ];
}

/// One row's values, as the columns hold them. `index`, `opening_key` and `erased` are the table's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells<'a> {
    pub(crate) texts: [Option<Cow<'a, str>>; Text::COUNT],
    /// Microseconds since the Unix epoch.
    pub(crate) time: Option<i64>,
    /// Microseconds since the Unix epoch.
    pub(crate) recorded_at: Option<i64>,
    pub(crate) score: Option<f64>,
    pub(crate) source_seq: Option<i64>,
}

impl<'a> Cells<'a> {
    pub(crate) fn text(&self, column: Text) -> Option<&str> {
        self.texts[column as usize].as_deref()
    }

    pub(crate) fn set(&mut self, column: Text, value: Option<Cow<'a, str>>) {
        self.texts[column as usize] = value;
    }

    fn from_fields(fields: Fields) -> Self {
        let mut cells = Cells {
            time: fields.time.map(Timestamp::as_microsecond),
            recorded_at: fields.recorded_at.map(Timestamp::as_microsecond),
            score: fields.score,
            source_seq: fields.source_seq.and_then(|seq| i64::try_from(seq).ok()),
            ..Cells::default()
        };
        let found = [
            (Text::Id, fields.id),
            (Text::Kind, fields.kind.map(|kind| kind.as_str().to_owned())),
            (Text::ModelName, fields.model_name),
            (Text::ModelVersion, fields.model_version),
            (Text::ModelDigest, fields.model_digest),
            (Text::Subject, fields.subject),
            (Text::Decision, fields.decision),
            (Text::RefersTo, fields.refers_to),
            (Text::SourceName, fields.source_name),
            (Text::SourceRun, fields.source_run),
            (Text::TraceId, fields.trace_id),
        ];
        for (column, value) in found {
            cells.set(column, value.map(Cow::Owned));
        }
        cells
    }

    /// Canonical text of a value inside a member, if a typed column holds one there.
    fn lifted(&self, lift: Lift) -> Option<String> {
        match lift {
            Lift::Text(column) => self.text(column).map(string_text),
            Lift::SourceSeq => self.source_seq.map(|seq| seq.to_string()),
            Lift::RecordedAt => self.recorded_at.and_then(time_text),
        }
    }
}

/// A value that is taken out of a member because a typed column holds it exactly.
#[derive(Clone, Copy)]
enum Lift {
    Text(Text),
    SourceSeq,
    RecordedAt,
}

/// What is lifted out of which member, under which name.
const LIFTS: [(&str, &str, Lift); 5] = [
    ("context", "trace_id", Lift::Text(Text::TraceId)),
    ("recorded", "at", Lift::RecordedAt),
    ("source", "name", Lift::Text(Text::SourceName)),
    ("source", "run", Lift::Text(Text::SourceRun)),
    ("source", "seq", Lift::SourceSeq),
];

/// Splits a canonical object into its columns.
///
/// # Errors
/// If the text is not a canonical object.
pub(crate) fn split(text: &str) -> Result<Cells<'_>, RecordError> {
    let members = members(text)?;
    let mut cells = Cells::from_fields(fields_of_members(&members));
    let mut rest: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (name, value) in members {
        let strings = || {
            Text::STRINGS
                .into_iter()
                .find(|column| column.name() == name)
        };
        let json = || Text::JSON.into_iter().find(|column| column.name() == name);
        if let Some(column) = json() {
            let held = lift(&cells, &name, value)?;
            cells.set(column, Some(held));
        } else if let Some(column) = strings()
            && let Some(string) = string_value(value)
        {
            cells.set(column, Some(string));
        } else if held_by_number(&cells, &name).is_none_or(|printed| printed != value) {
            let held = lift(&cells, &name, value)?;
            rest.push((name, held));
        }
    }
    if !rest.is_empty() {
        let object = join_members(
            rest.iter()
                .map(|(name, value)| (name.as_ref(), value.as_ref())),
        )?;
        cells.set(Text::Rest, Some(Cow::Owned(object)));
    }
    Ok(cells)
}

/// Joins columns to the canonical object that they were split from.
///
/// # Errors
/// If the columns cannot have come from one, for example because two of them give the same member.
pub(crate) fn join(cells: &Cells<'_>) -> Result<String, RecordError> {
    let rest = match cells.text(Text::Rest) {
        Some(object) => members(object)?,
        None => Vec::new(),
    };
    let mut all: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(16);
    for column in Text::STRINGS {
        if let Some(value) = cells.text(column) {
            all.push((column.name(), Cow::Owned(string_text(value))));
        }
    }
    for column in Text::JSON {
        if let Some(value) = cells.text(column) {
            all.push((column.name(), unlift(cells, column.name(), value)?));
        }
    }
    for name in ["time", "score"] {
        if let Some(printed) = held_by_number(cells, name)
            && !rest.iter().any(|(other, _)| other == name)
        {
            all.push((name, Cow::Owned(printed)));
        }
    }
    for (name, value) in &rest {
        all.push((name, unlift(cells, name, value)?));
    }
    join_members(all.iter().map(|(name, value)| (*name, value.as_ref())))
}

/// The first derived column that is not what the sealed text gives. Columns that hold a member exactly are the sealed
/// text: a change of theirs shows in the digest.
pub(crate) fn column_fault(stored: &Cells<'_>) -> Option<ColumnFault> {
    if only_copies(stored) && model_agrees(stored) {
        return None;
    }
    let mut deriving = stored.clone();
    for column in Text::BULK {
        deriving.set(column, None);
    }
    let sealed = Cells::from_fields(fields(&join(&deriving).ok()?));
    let texts = [
        Text::ModelName,
        Text::ModelVersion,
        Text::ModelDigest,
        Text::SourceName,
        Text::SourceRun,
        Text::TraceId,
    ];
    let differing = texts
        .into_iter()
        .find(|column| stored.text(*column) != sealed.text(*column));
    if let Some(column) = differing {
        return Some(ColumnFault {
            column: column.name(),
            stored: stored.text(column).map(str::to_owned),
            sealed: sealed.text(column).map(str::to_owned),
        });
    }
    let score_bits = |cells: &Cells<'_>| cells.score.map(f64::to_bits);
    if score_bits(stored) != score_bits(&sealed) {
        return Some(ColumnFault {
            column: "score",
            stored: stored.score.map(|score| score.to_string()),
            sealed: sealed.score.map(|score| score.to_string()),
        });
    }
    let numbers = [
        ("time", stored.time, sealed.time),
        ("recorded_at", stored.recorded_at, sealed.recorded_at),
        ("source_seq", stored.source_seq, sealed.source_seq),
    ];
    let (column, stored, sealed) = numbers
        .into_iter()
        .find(|(_, stored, sealed)| stored != sealed)?;
    let shown = |value: i64| match column {
        "source_seq" => value.to_string(),
        _ => {
            Timestamp::from_microsecond(value).map_or_else(|_| value.to_string(), |t| t.to_string())
        }
    };
    Some(ColumnFault {
        column,
        stored: stored.map(shown),
        sealed: sealed.map(shown),
    })
}

/// Whether every typed value other than the model's is the only copy of itself, so that it cannot disagree with one.
fn only_copies(cells: &Cells<'_>) -> bool {
    let Ok(rest) = members(cells.text(Text::Rest).unwrap_or("{}")) else {
        return false;
    };
    let in_rest = |wanted: &str| {
        rest.iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| *value)
    };
    let lifted_out = |member: &str, object: Option<&str>| {
        let keys = LIFTS.iter().filter(|(parent, ..)| *parent == member);
        let Some(object) = object else {
            return keys
                .into_iter()
                .all(|(.., lift)| cells.lifted(*lift).is_none());
        };
        let children = members(object);
        children.is_ok_and(|children| {
            keys.into_iter()
                .all(|(_, key, _)| children.iter().all(|(name, _)| name != key))
        })
    };
    in_rest("time").is_none()
        && in_rest("score").is_none()
        && lifted_out("recorded", in_rest("recorded"))
        && lifted_out("context", cells.text(Text::Context))
        && lifted_out("source", cells.text(Text::Source))
}

fn model_agrees(cells: &Cells<'_>) -> bool {
    let Ok(model) = members(cells.text(Text::Model).unwrap_or("{}")) else {
        return false;
    };
    let derived = |key: &str| {
        let child = model.iter().find(|(name, _)| name == key);
        child.and_then(|(_, value)| string_value(value))
    };
    derived("name").as_deref() == cells.text(Text::ModelName)
        && derived("version").as_deref() == cells.text(Text::ModelVersion)
        && derived("digest").as_deref() == cells.text(Text::ModelDigest)
}

/// Text of a top-level member whose only copy may be a number column.
fn held_by_number(cells: &Cells<'_>, name: &str) -> Option<String> {
    match name {
        "time" => cells.time.and_then(time_text),
        "score" => cells.score.map(|score| score.to_string()),
        _ => None,
    }
}

/// The one spelling of an instant that a time column stands for: RFC 3339 in UTC, no trailing zeros.
fn time_text(microseconds: i64) -> Option<String> {
    let time = Timestamp::from_microsecond(microseconds).ok()?;
    Some(string_text(&time.to_string()))
}

fn lift<'a>(cells: &Cells<'_>, member: &str, value: &'a str) -> Result<Cow<'a, str>, RecordError> {
    if !value.starts_with('{') || !LIFTS.iter().any(|(parent, ..)| *parent == member) {
        return Ok(Cow::Borrowed(value));
    }
    let mut children = members(value)?;
    let count = children.len();
    children.retain(|(name, child)| {
        let lifted = LIFTS
            .iter()
            .find(|(parent, key, _)| *parent == member && *key == name.as_ref())
            .and_then(|(.., lift)| cells.lifted(*lift));
        lifted.is_none_or(|printed| printed != *child)
    });
    if children.len() == count {
        return Ok(Cow::Borrowed(value));
    }
    join_members(children.iter().map(|(name, child)| (name.as_ref(), *child))).map(Cow::Owned)
}

fn unlift<'a>(
    cells: &Cells<'_>,
    member: &str,
    value: &'a str,
) -> Result<Cow<'a, str>, RecordError> {
    if !value.starts_with('{') || !LIFTS.iter().any(|(parent, ..)| *parent == member) {
        return Ok(Cow::Borrowed(value));
    }
    let children = members(value)?;
    let mut lifted = Vec::new();
    for (parent, key, lift) in LIFTS {
        if parent == member
            && !children.iter().any(|(name, _)| name == key)
            && let Some(printed) = cells.lifted(lift)
        {
            lifted.push((key, printed));
        }
    }
    if lifted.is_empty() {
        return Ok(Cow::Borrowed(value));
    }
    let kept = children.iter().map(|(name, child)| (name.as_ref(), *child));
    let back = lifted.iter().map(|(name, child)| (*name, child.as_str()));
    join_members(kept.chain(back)).map(Cow::Owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use causebook_record::canonicalize;
    use proptest::prelude::*;

    const NAMES: [&str; 24] = [
        "id",
        "kind",
        "time",
        "time_assumed",
        "model",
        "input",
        "output",
        "decision",
        "score",
        "parameters",
        "data",
        "explanation",
        "subject",
        "actor",
        "automation",
        "context",
        "source",
        "attachments",
        "refers_to",
        "recorded",
        "review",
        "gap",
        "rest",
        "erased",
    ];
    const INNER: [&str; 9] = [
        "name",
        "run",
        "seq",
        "trace_id",
        "at",
        "by",
        "version",
        "digest",
        "ü\u{1f600}",
    ];
    const SCALARS: [&str; 22] = [
        "null",
        "true",
        "0",
        "-0",
        "-0.0",
        "1",
        "0.5",
        "0.50",
        "5.0",
        "1e400",
        "1e21",
        "9007199254740991",
        "18446744073709551615",
        "\"\"",
        "\"decision\"",
        "\"review\"",
        "\"2024-06-01T12:00:00Z\"",
        "\"2024-06-01T12:00:00.123456Z\"",
        "\"2024-06-01T12:00:00.1234567Z\"",
        "\"2024-06-01T12:00:00.10Z\"",
        "\"2024-06-01T12:00:00+00:00\"",
        "\"a \\u0000 \\\" \\\\ ü \\ud83d\\ude00\"",
    ];

    fn value() -> impl Strategy<Value = String> {
        let scalar = prop::sample::select(SCALARS.as_slice()).prop_map(str::to_owned);
        scalar.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                object(INNER.as_slice(), inner.clone()),
                prop::collection::vec(inner, 0..3)
                    .prop_map(|items| format!("[{}]", items.join(","))),
            ]
        })
    }

    fn object(
        names: &'static [&'static str],
        values: impl Strategy<Value = String>,
    ) -> impl Strategy<Value = String> {
        prop::collection::btree_map(prop::sample::select(names), values, 0..names.len()).prop_map(
            |members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{}:{value}", string_text(name)))
                    .collect();
                format!("{{{}}}", members.join(","))
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn any_object_joins_to_the_text_it_was_split_from(json in object(NAMES.as_slice(), value())) {
            let text = canonicalize(json.as_bytes()).unwrap();
            let cells = split(&text).unwrap();
            prop_assert_eq!(join(&cells).unwrap(), text.as_str());
            prop_assert_eq!(column_fault(&cells), None);
        }
    }

    fn shown(json: &str) -> String {
        let text = canonicalize(json.as_bytes()).unwrap();
        let cells = split(&text).unwrap();
        let texts = Text::ALL.into_iter().filter_map(|column| {
            cells
                .text(column)
                .map(|value| format!("{}={value}", column.name()))
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_a_typed_column_holds_exactly_is_not_repeated() {
        assert_eq!(
            shown(
                r#"{"id":"a","kind":"decision","decision":"deny","score":0.25,"time":"2024-06-01T12:00:00Z",
                "context":{"trace_id":"t","env":"p"},"source":{"name":"s","run":"r","seq":7},
                "recorded":{"at":"2024-06-01T12:00:01.5Z","by":"b","via":"v"}}"#
            ),
            r#"id=a kind=decision decision=deny source_name=s source_run=r trace_id=t context={"env":"p"} source={} rest={"recorded":{"by":"b","via":"v"}}"#
        );
    }

    #[test]
    fn what_a_typed_column_would_round_stays_as_text() {
        assert_eq!(
            shown(r#"{"score":0.50,"time":"2024-06-01T12:00:00.123456789Z","source":{"seq":7.0}}"#),
            r#"source={"seq":7.0} rest={"score":0.50,"time":"2024-06-01T12:00:00.123456789Z"}"#
        );
    }
}
