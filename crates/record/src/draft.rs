//! Drafts: what a caller gives, read, checked and brought to its canonical text, before the ledger
//! adds its part.
//!
//! Two lines that people write by hand today are records as they are: the aliases `model_version`
//! and `timestamp`, and `model` as a plain name, are put in their places here. Once a draft exists,
//! it is valid.

use crate::canonical::{Facts, read_document};
use crate::fact::{FactIndex, NotedFacts, RECORDED_FACTS};
use crate::member::{Layout, Member, Values, nearest_name};
use crate::place::{json_type, place};
use crate::pointer::push_token;
use crate::record::Recorded;
use crate::scan::{join_members, member, members};
use crate::text::{string_text, string_value};
use crate::time::{EPOCH_ADVICE, read_time};
use crate::validate::{check_completion, check_id, check_kind, check_members};
use crate::{FACTS_MAX, Kind, RECORD_BYTES_MAX, Record, RecordError};

/// A caller's record: validated, aliases resolved, canonical, not yet completed by the ledger.
#[derive(Debug, Clone)]
pub struct Draft {
    layout: Layout,
    /// `None` where there may be too many, or a path too long.
    facts: Option<NotedFacts>,
    id: Option<String>,
    kind: Kind,
}

impl Draft {
    /// Reads a record as a caller gives it.
    ///
    /// # Errors
    /// Refuses what [`canonicalize`](crate::canonicalize) refuses and what is not a record by the
    /// rules of `docs/format.md`; the error carries the pointer of the fault. The limits are those
    /// of a complete record, so [`Draft::complete`] may still find one crossed.
    pub fn parse(json: &[u8]) -> Result<Draft, RecordError> {
        let mut document = read_document(json, Facts::Noted)?;
        let index = document.facts.take();
        if !document.text.starts_with('{') {
            return Err(RecordError::NotAnObject {
                found: json_type(&document.text),
            });
        }
        let mut aliases = Aliases::default();
        let (mut values, mut runs) = Values::of(&document, |key, value| aliases.take(key, value))?;
        for member in [Member::Recorded, Member::TimeAssumed] {
            if values.get(member).is_some() {
                return Err(RecordError::Reserved {
                    pointer: member.pointer().to_owned(),
                });
            }
        }
        let kind = values
            .get(Member::Kind)
            .map_or(Ok(Kind::Decision), check_kind)?;
        if values.get(Member::Kind).is_none() {
            values.set(Member::Kind, Some("\"decision\""));
        }
        let model = aliases.model(values.get(Member::Model))?;
        if model.is_some() {
            values.set(Member::Model, model.as_deref());
            runs[Member::Model as usize] = None;
        }
        let time = aliases.time(values.get(Member::Time))?;
        if let Some(time) = &time {
            values.set(Member::Time, Some(&time.text));
            runs[Member::Time as usize] = None;
            values.set(Member::TimeAssumed, time.zone_assumed.then_some("\"UTC\""));
        }
        check_members(&values, kind)?;
        let layout = values.lay_out();
        check_size(layout.text())?;
        let facts = index
            .filter(|index| index.len() + RECORDED_FACTS <= FACTS_MAX)
            .map(|index| NotedFacts { index, runs });
        if facts.is_none() {
            FactIndex::of(layout.text())?;
        }
        let id = values
            .get(Member::Id)
            .and_then(string_value)
            .map(String::from);
        Ok(Draft {
            layout,
            facts,
            id,
            kind,
        })
    }

    /// The id that the caller gave.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What the record is about.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The canonical text so far.
    pub fn text(&self) -> &str {
        self.layout.text()
    }

    /// What was submitted, comparable with [`Record::content`]: a draft with the content of a
    /// record is that record sent again. A draft without an id is never that.
    pub fn content(&self) -> &str {
        self.layout.text()
    }

    /// Adds what the ledger sets: `id` if there is none, `recorded`, and `time` (from
    /// `recorded.at`, and marked `"time_assumed":"recorded"`) if there is none.
    ///
    /// # Errors
    /// Refuses an unusable `generated_id` or time, and a record that is now larger than a record
    /// may be.
    pub fn complete(self, generated_id: &str, recorded: &Recorded) -> Result<Record, RecordError> {
        let mut values = self.layout.values();
        let id = string_text(generated_id);
        if self.id.is_none() {
            values.set(Member::Id, Some(&id));
            check_id(&id)?;
        }
        let at = string_text(&recorded.at.to_string());
        let by = string_text(&recorded.by);
        let via = string_text(&recorded.via);
        let recorded = format!(r#"{{"at":{at},"by":{by},"via":{via}}}"#);
        values.set(Member::Recorded, Some(&recorded));
        if values.get(Member::Time).is_none() {
            values.set(Member::Time, Some(&at));
            values.set(Member::TimeAssumed, Some(ASSUMED_RECORDED));
        }
        check_completion(&values)?;
        Record::lay_out(&values, self.facts)
    }
}

/// Members that callers may give under another name, with the canonical texts of their values.
#[derive(Default)]
struct Aliases<'a> {
    model_version: Option<&'a str>,
    timestamp: Option<&'a str>,
}

impl<'a> Aliases<'a> {
    fn take(&mut self, key: &str, value: &'a str) -> Result<(), RecordError> {
        match key {
            "model_version" => self.model_version = Some(value),
            "timestamp" => self.timestamp = Some(value),
            _ => return Err(unknown_member(key)),
        }
        Ok(())
    }

    /// The `model` object, where the one given must be changed.
    fn model(&self, model: Option<&str>) -> Result<Option<String>, RecordError> {
        let version = self.model_version;
        if let Some(version) = version {
            place("/model_version", version).label()?;
        }
        let name = model.filter(|model| model.starts_with('"'));
        if let Some(name) = name {
            place("/model", name).label()?;
            return join_members(
                [("name", name)]
                    .into_iter()
                    .chain(version.map(|version| ("version", version))),
            )
            .map(Some);
        }
        match (model, version) {
            (_, None) => Ok(None),
            (None, Some(version)) => join_members([("version", version)]).map(Some),
            (Some(model), Some(version)) => {
                if member(model, "version").is_some() {
                    return Err(alias_conflict("/model_version", "/model/version"));
                }
                if !model.starts_with('{') {
                    return Err(place("/model", model).wrong_type("an object or a string"));
                }
                let given = members(model)?;
                let given = given.iter().map(|(key, value)| (key.as_ref(), *value));
                join_members(given.chain([("version", version)])).map(Some)
            }
        }
    }

    fn time(&self, time: Option<&str>) -> Result<Option<GivenTime>, RecordError> {
        let (pointer, text) = match (time, self.timestamp) {
            (Some(_), Some(_)) => return Err(alias_conflict("/timestamp", "/time")),
            (Some(text), None) => ("/time", text),
            (None, Some(text)) => ("/timestamp", text),
            (None, None) => return Ok(None),
        };
        let invalid = |problem: &str, advice| RecordError::InvalidTime {
            pointer: pointer.to_owned(),
            problem: problem.to_owned(),
            advice,
        };
        if json_type(text) == "a number" {
            return Err(invalid(
                "expected a time in RFC 3339 form, found a number",
                Some(EPOCH_ADVICE),
            ));
        }
        let given = place(pointer, text).string()?;
        let time = read_time(&given).map_err(|(problem, advice)| invalid(problem, advice))?;
        Ok(Some(GivenTime {
            text: string_text(&time.text),
            zone_assumed: time.zone_assumed,
        }))
    }
}

struct GivenTime {
    /// Canonical text.
    text: String,
    zone_assumed: bool,
}

pub(crate) fn unknown_member(key: &str) -> RecordError {
    let mut pointer = String::new();
    push_token(&mut pointer, key);
    RecordError::UnknownMember {
        pointer,
        nearest: nearest_name(key),
    }
}

pub(crate) fn check_size(text: &str) -> Result<(), RecordError> {
    if text.len() > RECORD_BYTES_MAX {
        return Err(RecordError::RecordTooLarge {
            bytes: text.len(),
            max: RECORD_BYTES_MAX,
        });
    }
    Ok(())
}

fn alias_conflict(alias: &str, target: &str) -> RecordError {
    RecordError::AliasConflict {
        pointer: alias.to_owned(),
        problem: format!("stands for {target}, which is given too"),
    }
}

/// The value of `time_assumed` where the time is that of recording.
pub(crate) const ASSUMED_RECORDED: &str = "\"recorded\"";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PATH_BYTES_MAX;

    fn draft(json: &str) -> Draft {
        Draft::parse(json.as_bytes()).unwrap()
    }

    fn refused(json: &str) -> (String, &'static str) {
        let error = Draft::parse(json.as_bytes()).unwrap_err();
        (error.pointer().to_owned(), error.code())
    }

    /// A decision that is valid, with more members.
    fn decision(more: &str) -> String {
        format!(r#"{{"model":"m","output":1,{more}}}"#)
    }

    fn recorded() -> Recorded {
        Recorded {
            at: "2024-06-01T12:00:00.5Z".parse().unwrap(),
            by: "b\"".to_owned(),
            via: "http".to_owned(),
        }
    }

    #[test]
    fn the_entry_that_people_write_by_hand_is_a_record() {
        let given = r#"{"model_version": "v1.2", "input": {"age": 30}, "output": "approved",
            "timestamp": "2024-06-01 12:00:00"}"#;
        let text = concat!(
            r#"{"input":{"age":30},"kind":"decision","model":{"version":"v1.2"},"output":"approved","#,
            r#""time":"2024-06-01T12:00:00Z","time_assumed":"UTC"}"#
        );
        assert_eq!(draft(given).text(), text);
        assert_eq!(draft(given).id(), None);
    }

    #[test]
    fn aliases_are_put_in_their_places() {
        for (given, model) in [
            (r#"{"model":"m","output":1}"#, r#"{"name":"m"}"#),
            (
                r#"{"model":"m","model_version":"1","output":1}"#,
                r#"{"name":"m","version":"1"}"#,
            ),
            (
                r#"{"model":{"a":1,"z":2},"model_version":"1","output":1}"#,
                r#"{"a":1,"version":"1","z":2}"#,
            ),
            (
                r#"{"model":{},"model_version":"1","output":1}"#,
                r#"{"version":"1"}"#,
            ),
        ] {
            assert_eq!(
                crate::value_at(draft(given).text(), "/model"),
                Some(model),
                "{given}"
            );
        }
        assert_eq!(
            refused(r#"{"model":{"version":"1"},"model_version":"1","output":1}"#),
            ("/model_version".into(), "alias-conflict")
        );
        let twice = decision(r#""time":"2024-06-01T12:00:00Z","timestamp":"2024-06-01T12:00:00Z""#);
        assert_eq!(refused(&twice), ("/timestamp".into(), "alias-conflict"));
        assert_eq!(
            refused(r#"{"model_version":3,"output":1}"#),
            ("/model_version".into(), "wrong-type")
        );
        assert_eq!(
            refused(r#"{"model":3,"model_version":"3","output":1}"#),
            ("/model".into(), "wrong-type")
        );
    }

    #[test]
    fn times_must_be_instants_in_writing() {
        for (time, code) in [
            ("1717243200", "invalid-time"),
            (r#""1717243200""#, "invalid-time"),
            (r#""2024-02-30T00:00:00Z""#, "invalid-time"),
            ("null", "wrong-type"),
        ] {
            assert_eq!(
                refused(&decision(&format!(r#""time":{time}"#))),
                ("/time".into(), code)
            );
            assert_eq!(
                refused(&decision(&format!(r#""timestamp":{time}"#))),
                ("/timestamp".into(), code)
            );
        }
        let error = Draft::parse(decision(r#""time":1717243200"#).as_bytes()).unwrap_err();
        assert_eq!(error.hint().as_deref(), Some(EPOCH_ADVICE));
    }

    #[test]
    fn what_is_no_member_is_refused_with_the_nearest_name() {
        for (given, hint) in [
            (
                "inputs",
                "did you mean `input`? anything of your own goes under /context",
            ),
            ("applicant", "put it under /context"),
        ] {
            let error = Draft::parse(decision(&format!(r#""{given}":1"#)).as_bytes()).unwrap_err();
            assert_eq!(
                (error.pointer(), error.code()),
                (format!("/{given}").as_str(), "unknown-member")
            );
            assert_eq!(error.hint().as_deref(), Some(hint));
        }
        assert_eq!(refused(&decision(r#""a/\u0062":1"#)).0, "/a~1b");
        assert_eq!(
            refused(&decision(r#""outcome":{}"#)),
            ("/outcome".into(), "wrong-kind")
        );
    }

    #[test]
    fn callers_do_not_set_what_the_ledger_sets() {
        assert_eq!(
            refused(&decision(r#""recorded":{}"#)),
            ("/recorded".into(), "reserved-member")
        );
        assert_eq!(
            refused(&decision(r#""time_assumed":"UTC""#)),
            ("/time_assumed".into(), "reserved-member")
        );
    }

    #[test]
    fn a_record_is_an_object() {
        for json in ["[]", "1", "\"x\"", "null"] {
            assert_eq!(refused(json), (String::new(), "not-an-object"));
        }
    }

    #[test]
    fn completion_adds_what_is_lacking_and_no_more() {
        let record = draft(&decision("\"score\":0.50"))
            .complete("g", &recorded())
            .unwrap();
        let text = concat!(
            r#"{"id":"g","kind":"decision","model":{"name":"m"},"output":1,"#,
            r#""recorded":{"at":"2024-06-01T12:00:00.5Z","by":"b\"","via":"http"},"score":0.50,"#,
            r#""time":"2024-06-01T12:00:00.5Z","time_assumed":"recorded"}"#
        );
        assert_eq!(record.text(), text);

        let given = decision(r#""id":"a","time":"2024-06-01T11:00:00+02:00""#);
        let record = draft(&given).complete("g", &recorded()).unwrap();
        assert_eq!(crate::value_at(record.text(), "/id"), Some("\"a\""));
        assert_eq!(
            crate::value_at(record.text(), "/time"),
            Some("\"2024-06-01T11:00:00+02:00\"")
        );
        assert_eq!(crate::value_at(record.text(), "/time_assumed"), None);
    }

    #[test]
    fn completion_refuses_what_would_not_read_back() {
        assert_eq!(
            draft(&decision("\"score\":1"))
                .complete("", &recorded())
                .unwrap_err()
                .pointer(),
            "/id"
        );
        let early = Recorded {
            at: jiff::Timestamp::MIN,
            ..recorded()
        };
        assert_eq!(
            draft(&decision("\"score\":1"))
                .complete("g", &early)
                .unwrap_err()
                .pointer(),
            "/recorded/at"
        );
    }

    #[test]
    fn a_draft_sent_again_has_the_content_of_its_record() {
        for more in [
            r#""id":"a""#,
            r#""id":"a","time":"2024-06-01 12:00:00""#,
            r#""id":"a","time":"2024-06-01T12:00:00Z""#,
        ] {
            let first = draft(&decision(more));
            let record = first.clone().complete("g", &recorded()).unwrap();
            assert_eq!(record.content(), first.content(), "{more}");
        }
        let anonymous = draft(&decision("\"score\":1"));
        assert_ne!(
            anonymous
                .clone()
                .complete("g", &recorded())
                .unwrap()
                .content(),
            anonymous.content()
        );
    }

    #[test]
    fn facts_noted_while_reading_are_those_of_the_text() {
        let key = crate::OpeningKey([3; 16]);
        let nested = |depth: usize, inner: &str| {
            let open = r#"{"z/~\u0021":[{"b":1,"a":2}],"k":"#.repeat(depth);
            format!("{open}{inner}{}", r#","a":{ }}"#.repeat(depth))
        };
        let long = format!(r#"{{"{}":1}}"#, "k".repeat(PATH_BYTES_MAX - 20));
        for inner in ["1", "{}", "[]", r#"{"y":1,"x":2}"#, &long] {
            for depth in 0..20 {
                let given = decision(&format!(r#""context":{}"#, nested(depth, inner)));
                let Ok(draft) = Draft::parse(given.as_bytes()) else {
                    assert!(inner == long && depth > 0 || depth == 0 && inner.len() < 3);
                    continue;
                };
                let sealed = draft.complete("g", &recorded()).unwrap().seal(key);
                let facts = FactIndex::of(&sealed.text).unwrap();
                let digest = crate::seal::digest_text(&key, &facts, &sealed.text);
                assert_eq!(sealed.digest, digest, "{depth} {inner}");
            }
        }
    }

    #[test]
    fn size_and_facts_are_bounded() {
        let sized = |bytes: usize| {
            let empty = draft(&decision(r#""context":{"x":""}"#)).text().len();
            decision(&format!(
                r#""context":{{"x":"{}"}}"#,
                "y".repeat(bytes - empty)
            ))
        };
        assert_eq!(
            draft(&sized(RECORD_BYTES_MAX)).text().len(),
            RECORD_BYTES_MAX
        );
        assert_eq!(refused(&sized(RECORD_BYTES_MAX + 1)).1, "record-too-large");
        assert_eq!(
            draft(&sized(RECORD_BYTES_MAX))
                .complete("g", &recorded())
                .unwrap_err()
                .code(),
            "record-too-large"
        );

        let counted = |facts: usize| {
            let members: Vec<String> = (3..facts).map(|nth| format!(r#""{nth}":0"#)).collect();
            decision(&format!(r#""context":{{{}}}"#, members.join(",")))
        };
        assert!(Draft::parse(counted(FACTS_MAX).as_bytes()).is_ok());
        assert_eq!(refused(&counted(FACTS_MAX + 1)).1, "too-many-facts");
        assert_eq!(
            draft(&counted(FACTS_MAX))
                .complete("g", &recorded())
                .unwrap_err()
                .code(),
            "too-many-facts"
        );
        assert_eq!(
            draft(&counted(FACTS_MAX - 6))
                .complete("g", &recorded())
                .unwrap()
                .text()
                .matches(':')
                .count(),
            FACTS_MAX + 3 + 4
        );
    }
}
