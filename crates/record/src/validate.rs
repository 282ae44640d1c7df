//! What a record must say: the rules of `docs/format.md` section "Members", checked on canonical
//! text.
//!
//! A draft and a stored record pass the same rules. What the ledger sets is checked here too, so
//! that a stored record that reads back is a complete one; that callers do not set it is the
//! draft's business.

use crate::member::{Member, Values};
use crate::place::{Checked, Place, missing, place};
use crate::scan::pick;
use crate::text::string_value;
use crate::time::recorded_instant;
use crate::{ID_BYTES_MAX, Kind, RecordError};

/// The kind of a record.
pub(crate) fn check_kind(kind: &str) -> Checked<Kind> {
    place("/kind", kind).string()?.parse()
}

/// The rules for every member that a caller may give, and for the kind as a whole.
pub(crate) fn check_members(values: &Values<'_>, kind: Kind) -> Checked {
    for member in Member::all() {
        if let Some(text) = values.get(member) {
            check_member(member, text, kind)?;
        }
    }
    if kind.must_refer() && values.get(Member::RefersTo).is_none() {
        return Err(missing(
            "/refers_to",
            format!("a record of kind {kind} names the record that it is about"),
        ));
    }
    match kind {
        Kind::Decision => check_decision(values),
        Kind::Review => check_review(values),
        Kind::Erasure => check_erasure(values),
        _ => Ok(()),
    }
}

/// The rules for what the ledger sets.
pub(crate) fn check_completion(values: &Values<'_>) -> Checked {
    for member in [Member::Id, Member::Kind, Member::Recorded, Member::Time] {
        if values.get(member).is_none() {
            return Err(missing(
                member.pointer(),
                "a complete record has it".to_owned(),
            ));
        }
    }
    if let Some(text) = values.get(Member::TimeAssumed) {
        place("/time_assumed", text).one_of(&["UTC", "recorded"])?;
    }
    if let Some(text) = values.get(Member::Recorded) {
        let recorded = place("/recorded", text);
        recorded.object()?;
        let [at, by, via] = recorded.required(["at", "by", "via"])?;
        check_instant(&at)?;
        by.string()?;
        via.string()?;
    }
    values
        .get(Member::Time)
        .map_or(Ok(()), |text| check_instant(&place("/time", text)))
}

fn check_member(member: Member, text: &str, kind: Kind) -> Checked {
    let value = place(member.pointer(), text);
    match member {
        Member::Id => check_id(text),
        // The first two may be anything; the others are read before, or by `check_completion`.
        Member::Input
        | Member::Output
        | Member::Kind
        | Member::Time
        | Member::TimeAssumed
        | Member::Recorded => Ok(()),
        Member::Subject | Member::Decision => value.label().map(drop),
        Member::RefersTo => value.filled_label(),
        Member::Automation => value.one_of(&["sole", "assisted", "human"]),
        Member::Score => value.number(),
        Member::Parameters | Member::Explanation => value.object(),
        Member::Data => value.object_or("array", b'['),
        Member::Actor => value.object_or("string", b'"'),
        Member::Model => check_model(&value),
        Member::Context => check_context(&value),
        Member::Source => check_source(&value),
        Member::Attachments => check_attachments(&value),
        _ if member.name() == kind.as_str() => value.object(),
        _ => Err(RecordError::WrongKind {
            pointer: value.pointer(),
            belongs: member.name(),
            kind,
        }),
    }
}

/// The rules for an id.
pub(crate) fn check_id(id: &str) -> Checked {
    let value = place("/id", id);
    let id = value.string()?;
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(value.invalid(format!("{} bytes, an id has 1 to {ID_BYTES_MAX}", id.len())));
    }
    if id.chars().any(char::is_control) {
        return Err(value.invalid("an id has no control characters".to_owned()));
    }
    Ok(())
}

fn check_model(value: &Place<'_>) -> Checked {
    value.object()?;
    let parts = value.optional(["name", "version", "digest", "framework"]);
    parts
        .iter()
        .flatten()
        .try_for_each(|part| part.label().map(drop))
}

fn check_context(value: &Place<'_>) -> Checked {
    value.object()?;
    let [trace_id] = value.optional(["trace_id"]);
    trace_id.map_or(Ok(()), |trace_id| trace_id.label().map(drop))
}

fn check_source(value: &Place<'_>) -> Checked {
    value.object()?;
    let [name, run, seq] = value.required(["name", "run", "seq"])?;
    name.filled_label()?;
    run.filled_label()?;
    seq.integer()
}

fn check_attachments(value: &Place<'_>) -> Checked {
    for item in value.items()? {
        item.object()?;
        let [name, media_type, size, digest] =
            item.required(["name", "media_type", "size", "digest"])?;
        name.string()?;
        media_type.string()?;
        size.integer()?;
        let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let hex = digest.string()?;
        if !hex
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_lower_hex))
        {
            return Err(digest
                .invalid("a digest is sha256: and 64 lower-case hexadecimal digits".to_owned()));
        }
    }
    Ok(())
}

fn check_decision(values: &Values<'_>) -> Checked {
    let model = values.get(Member::Model).unwrap_or_default();
    let filled = |text: &&str| string_value(text).is_some_and(|value| !value.is_empty());
    if !pick(model, ["name", "version", "digest"])
        .iter()
        .flatten()
        .any(filled)
    {
        let problem = "a decision names its model: name, version or digest".to_owned();
        return Err(missing("/model", problem));
    }
    if [Member::Input, Member::Output, Member::Decision]
        .into_iter()
        .all(|member| values.get(member).is_none())
    {
        return Err(missing(
            "",
            "a decision has at least one of input, output, decision".to_owned(),
        ));
    }
    Ok(())
}

fn check_review(values: &Values<'_>) -> Checked {
    let review = own_member(values, Member::Review)?;
    let [action, who, role, reason] = review.required(["action", "who", "role", "reason"])?;
    action.one_of(&["confirm", "override", "reverse", "refer"])?;
    for said in [who, role, reason] {
        said.filled_string()?;
    }
    Ok(())
}

fn check_erasure(values: &Values<'_>) -> Checked {
    let [reason] = own_member(values, Member::Erasure)?.required(["reason"])?;
    reason.filled_string().map(drop)
}

/// The member that a record must have because it bears the name of its kind.
fn own_member<'a>(values: &Values<'a>, member: Member) -> Checked<Place<'a>> {
    match values.get(member) {
        Some(text) => {
            let own = place(member.pointer(), text);
            own.object().map(|()| own)
        }
        None => Err(missing(
            member.pointer(),
            format!("a record of kind {} has it", member.name()),
        )),
    }
}

fn check_instant(value: &Place<'_>) -> Checked {
    match recorded_instant(&value.string()?) {
        Some(_) => Ok(()),
        None => Err(RecordError::InvalidTime {
            pointer: value.pointer(),
            problem: "not a time as the ledger writes it".to_owned(),
            advice: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::Draft;

    /// Pointer and code of the refusal; empty where the record is accepted.
    fn fault(json: &str) -> (String, &'static str) {
        match Draft::parse(json.as_bytes()) {
            Ok(_) => (String::new(), ""),
            Err(error) => (error.pointer().to_owned(), error.code()),
        }
    }

    #[test]
    fn members_have_their_types() {
        let long = "x".repeat(1025);
        let long_id = "x".repeat(129);
        let digest = format!("sha256:{}", "0".repeat(64));
        for (member, pointer, code) in [
            (r#""id":"ü""#, "", ""),
            (r#""id":1"#, "/id", "wrong-type"),
            (r#""id":"""#, "/id", "invalid-value"),
            (r#""id":"a\u0085""#, "/id", "invalid-value"),
            (&format!(r#""id":"{long_id}""#), "/id", "invalid-value"),
            (&format!(r#""id":"{}""#, &long_id[1..]), "", ""),
            (r#""kind":"verdict""#, "/kind", "invalid-value"),
            (r#""kind":null"#, "/kind", "wrong-type"),
            (r#""subject":7"#, "/subject", "wrong-type"),
            (
                &format!(r#""subject":"{long}""#),
                "/subject",
                "invalid-value",
            ),
            (&format!(r#""decision":"{}""#, &long[1..]), "", ""),
            (r#""refers_to":"""#, "/refers_to", "invalid-value"),
            (r#""refers_to":"x""#, "", ""),
            (r#""automation":"sole""#, "", ""),
            (r#""automation":"full""#, "/automation", "invalid-value"),
            (r#""score":-0.0"#, "", ""),
            (r#""score":"1""#, "/score", "wrong-type"),
            (r#""score":null"#, "/score", "wrong-type"),
            (r#""parameters":[]"#, "/parameters", "wrong-type"),
            (r#""explanation":"x""#, "/explanation", "wrong-type"),
            (r#""data":[1]"#, "", ""),
            (r#""data":"x""#, "/data", "wrong-type"),
            (r#""actor":"x""#, "", ""),
            (r#""actor":{}"#, "", ""),
            (r#""actor":[]"#, "/actor", "wrong-type"),
            (r#""context":{"trace_id":"x","more":[1]}"#, "", ""),
            (
                r#""context":{"trace_id":1}"#,
                "/context/trace_id",
                "wrong-type",
            ),
            (r#""context":true"#, "/context", "wrong-type"),
            (
                r#""source":{"name":"a","run":"b","seq":9007199254740991}"#,
                "",
                "",
            ),
            (
                r#""source":{"name":"a","run":"b","seq":9007199254740992}"#,
                "/source/seq",
                "invalid-value",
            ),
            (
                r#""source":{"name":"a","run":"b","seq":1.0}"#,
                "/source/seq",
                "invalid-value",
            ),
            (
                r#""source":{"name":"a","run":"b","seq":-0}"#,
                "/source/seq",
                "invalid-value",
            ),
            (
                r#""source":{"name":"a","run":"b","seq":"1"}"#,
                "/source/seq",
                "wrong-type",
            ),
            (
                r#""source":{"name":"a","run":"b"}"#,
                "/source/seq",
                "missing-member",
            ),
            (
                r#""source":{"name":"","run":"b","seq":1}"#,
                "/source/name",
                "invalid-value",
            ),
            (r#""attachments":{}"#, "/attachments", "wrong-type"),
            (r#""attachments":[]"#, "", ""),
            (r#""attachments":[1]"#, "/attachments/0", "wrong-type"),
            (
                &format!(
                    r#""attachments":[{{"name":"a","media_type":"b","size":0,"digest":"{digest}"}}]"#
                ),
                "",
                "",
            ),
            (
                &format!(
                    r#""attachments":[{{"name":"a","media_type":"b","size":0,"digest":"{digest}0"}}]"#
                ),
                "/attachments/0/digest",
                "invalid-value",
            ),
            (
                &format!(r#""attachments":[{{"name":"a","size":0,"digest":"{digest}"}}]"#),
                "/attachments/0/media_type",
                "missing-member",
            ),
        ] {
            let json = format!(r#"{{"model":"m","output":1,{member}}}"#);
            assert_eq!(fault(&json), (pointer.to_owned(), code), "{member}");
        }
    }

    #[test]
    fn a_decision_names_its_model_and_says_something() {
        for (json, pointer, code) in [
            (r#"{"output":1}"#, "/model", "missing-member"),
            (
                r#"{"output":1,"model":{"framework":"x"}}"#,
                "/model",
                "missing-member",
            ),
            (
                r#"{"output":1,"model":{"name":""}}"#,
                "/model",
                "missing-member",
            ),
            (r#"{"output":1,"model":{"name":"","digest":"d"}}"#, "", ""),
            (
                r#"{"output":1,"model":{"name":1}}"#,
                "/model/name",
                "wrong-type",
            ),
            (r#"{"model":"m"}"#, "", "missing-member"),
            (r#"{"model":"m","input":null}"#, "", ""),
            (r#"{"model":"m","decision":"deny"}"#, "", ""),
            ("{}", "/model", "missing-member"),
        ] {
            assert_eq!(fault(json), (pointer.to_owned(), code), "{json}");
        }
    }

    #[test]
    fn records_about_a_record_name_it() {
        for kind in ["outcome", "explanation", "notice", "correction"] {
            assert_eq!(
                fault(&format!(r#"{{"kind":"{kind}"}}"#)),
                ("/refers_to".into(), "missing-member")
            );
            assert_eq!(
                fault(&format!(
                    r#"{{"kind":"{kind}","refers_to":"x","{kind}":{{"y":1}}}}"#
                ))
                .1,
                ""
            );
            assert_eq!(
                fault(&format!(
                    r#"{{"kind":"{kind}","refers_to":"x","{kind}":1}}"#
                ))
                .1,
                "wrong-type"
            );
        }
        for kind in ["model", "config", "hold", "access", "gap"] {
            assert_eq!(fault(&format!(r#"{{"kind":"{kind}"}}"#)).1, "", "{kind}");
        }
    }

    #[test]
    fn reviews_and_erasures_give_their_reasons() {
        let review = |review: &str| {
            fault(&format!(
                r#"{{"kind":"review","refers_to":"x","review":{review}}}"#
            ))
        };
        assert_eq!(
            review(r#"{"action":"reverse","who":"a","role":"b","reason":"c"}"#).1,
            ""
        );
        assert_eq!(
            review(r#"{"action":"undo","who":"a","role":"b","reason":"c"}"#),
            ("/review/action".into(), "invalid-value")
        );
        assert_eq!(
            review(r#"{"action":"refer","who":"","role":"b","reason":"c"}"#),
            ("/review/who".into(), "invalid-value")
        );
        assert_eq!(
            review(r#"{"action":"refer","who":"a","role":"b"}"#),
            ("/review/reason".into(), "missing-member")
        );
        assert_eq!(
            fault(r#"{"kind":"review","refers_to":"x"}"#),
            ("/review".into(), "missing-member")
        );
        assert_eq!(
            fault(r#"{"kind":"erasure","refers_to":"x"}"#),
            ("/erasure".into(), "missing-member")
        );
        assert_eq!(
            fault(r#"{"kind":"erasure","refers_to":"x","erasure":{"reason":"r"}}"#).1,
            ""
        );
        assert_eq!(
            fault(r#"{"kind":"erasure","erasure":{"reason":"r"}}"#),
            ("/refers_to".into(), "missing-member")
        );
    }
}
