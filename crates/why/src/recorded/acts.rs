//! What people did about a decision, and what came after, a sentence each.

use causebook_record::Kind;
use serde_json::{Map, Value as Json};

use crate::document::Act;

/// Most characters of what a record says that go into a sentence; the record has the rest.
const LONGEST: usize = 300;
/// Most parts of an object that go into a sentence.
const PARTS: usize = 8;

/// The acts in records that refer to a decision, in the order given. Texts that are not records are passed over, and so are
/// records of what the system did by itself.
pub fn acts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Act> {
    texts.into_iter().filter_map(act).collect()
}

fn act(text: &str) -> Option<Act> {
    let record: Json = serde_json::from_str(text).ok()?;
    let record = record.as_object()?;
    let kind = record
        .get("kind")
        .and_then(Json::as_str)
        .unwrap_or("decision");
    let kind: Kind = kind.parse().ok()?;
    let empty = Map::new();
    let said = record
        .get(kind.as_str())
        .and_then(Json::as_object)
        .unwrap_or(&empty);
    let sentence = match kind {
        Kind::Review => review(said),
        Kind::Outcome => outcome(said),
        Kind::Notice => notice(said),
        Kind::Correction => correction(said),
        Kind::Explanation => explanation(record, said),
        Kind::Erasure => erasure(said),
        Kind::Hold => hold(said),
        Kind::Decision => decision(record),
        Kind::Config => format!("Settings changed: {}.", parts(said, &[])),
        Kind::Model => "A model was registered.".to_owned(),
        _ => return None,
    };
    let actor = || match record.get("actor") {
        Some(Json::String(actor)) => Some(actor.clone()),
        Some(actor) => {
            member(actor.as_object()?, "id").or_else(|| member(actor.as_object()?, "name"))
        }
        None => None,
    };
    Some(Act {
        kind: kind.as_str().to_owned(),
        id: member(record, "id").unwrap_or_default(),
        time: member(record, "time").unwrap_or_default(),
        said: sentence,
        who: member(said, "who").or_else(actor),
    })
}

fn review(said: &Map<String, Json>) -> String {
    let role = member(said, "role").map_or_else(String::new, |role| format!(" ({role})"));
    let before = member(said, "before");
    let after = member(said, "after");
    let did = match member(said, "action").as_deref() {
        Some("confirm") => "confirmed the decision",
        Some("override") => "overrode the decision",
        Some("reverse") => "reversed the decision",
        Some("refer") => "referred the decision to somebody else",
        _ => "reviewed the decision",
    };
    let change = match (before, after) {
        (Some(before), Some(after)) if before == after => format!(": {after} stays"),
        (Some(before), Some(after)) => format!(": {before} became {after}"),
        (None, Some(after)) => format!(": it is now {after}"),
        (Some(before), None) => format!(": it was {before}"),
        (None, None) => String::new(),
    };
    format!("A person{role} {did}{change}.{}", because(said))
}

fn outcome(said: &Map<String, Json>) -> String {
    let label = member(said, "label");
    let meaning = member(said, "meaning");
    let came = match (meaning, label) {
        (Some(meaning), Some(label)) if meaning != label => format!("{meaning} ({label})"),
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => return format!("What came of it: {}.", parts(said, &[])),
    };
    match parts(said, &["label", "meaning"]).as_str() {
        "nothing said" => format!("What came of it: {came}."),
        others => format!("What came of it: {came}; {others}."),
    }
}

fn notice(said: &Map<String, Json>) -> String {
    let channel = member(said, "channel").map_or_else(String::new, |it| format!(" by {it}"));
    let reasons = said.get("reasons").map_or_else(String::new, |reasons| {
        format!(", with the reasons {}", listed(reasons))
    });
    let text = member(said, "text").or_else(|| member(said, "message"));
    let text = text.map_or_else(String::new, |text| format!(": \"{text}\""));
    format!("The subject was told{channel}{reasons}{text}.")
}

fn correction(said: &Map<String, Json>) -> String {
    format!(
        "Data were corrected: {}.{}",
        parts(said, &["reason"]),
        because(said)
    )
}

fn explanation(record: &Map<String, Json>, said: &Map<String, Json>) -> String {
    let method = member(said, "method").map_or_else(String::new, |method| {
        let version =
            member(said, "method_version").map_or_else(String::new, |it| format!(", {it}"));
        format!(" by {method}{version}")
    });
    let about = if record.contains_key("refers_to") {
        "The decision was explained again"
    } else {
        "An explanation was recorded"
    };
    format!("{about}{method}.")
}

fn erasure(said: &Map<String, Json>) -> String {
    let what = said
        .get("facts")
        .map_or_else(|| "its content".to_owned(), listed);
    format!("Erased: {what}.{}", because(said))
}

fn hold(said: &Map<String, Json>) -> String {
    let ends = ["released", "lifted", "ended"];
    let is_over = ends
        .iter()
        .any(|name| said.get(*name) == Some(&Json::Bool(true)));
    let what = if is_over {
        "A legal hold was lifted: it may be erased again"
    } else {
        "A legal hold was put on it: it may not be erased"
    };
    let until = member(said, "until").map_or_else(String::new, |it| format!(" until {it}"));
    format!("{what}{until}.{}", because(said))
}

fn decision(record: &Map<String, Json>) -> String {
    match member(record, "decision") {
        Some(decision) => format!("It was decided again: {decision}."),
        None => "It was decided again.".to_owned(),
    }
}

fn because(said: &Map<String, Json>) -> String {
    member(said, "reason").map_or_else(String::new, |reason| {
        let end = if reason.ends_with(['.', '!', '?']) {
            ""
        } else {
            "."
        };
        format!(" Reason given: {reason}{end}")
    })
}

/// A member as text, if it has one.
fn member(object: &Map<String, Json>, name: &str) -> Option<String> {
    let text = short(object.get(name)?);
    (!text.is_empty()).then_some(text)
}

/// Members of an object in a row, without those named.
fn parts(object: &Map<String, Json>, without: &[&str]) -> String {
    let members: Vec<String> = object
        .iter()
        .filter(|(name, _)| !without.contains(&name.as_str()))
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), short(value)))
        .collect();
    let more = members.len().saturating_sub(PARTS);
    let shown = members.get(..PARTS).unwrap_or(&members).join(", ");
    match (shown.is_empty(), more) {
        (true, _) => "nothing said".to_owned(),
        (false, 0) => shown,
        (false, more) => format!("{shown} and {more} more"),
    }
}

/// Elements of an array in a row.
fn listed(value: &Json) -> String {
    let Some(elements) = value.as_array() else {
        return short(value);
    };
    let all: Vec<String> = elements.iter().take(PARTS).map(short).collect();
    let more = elements.len().saturating_sub(PARTS);
    let shown = all.join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

fn short(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Bool(true) => "yes".to_owned(),
        Json::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let kept: String = text.chars().take(LONGEST).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        acts([text]).remove(0).said
    }

    #[test]
    fn a_review_says_what_changed_and_why_and_names_nobody() {
        let text = r#"{"id":"R-1","kind":"review","time":"2026-06-02T10:00:00Z","refers_to":"D","review":{"action":"override",
            "who":"j.doe","role":"underwriter","reason":"income proved","before":"deny","after":"approve"}}"#;
        let acts = acts([text]);
        assert_eq!(
            acts[0].said,
            "A person (underwriter) overrode the decision: deny became approve. Reason given: income proved."
        );
        assert_eq!(acts[0].who.as_deref(), Some("j.doe"));
        assert_eq!(
            (acts[0].kind.as_str(), acts[0].id.as_str()),
            ("review", "R-1")
        );
    }

    #[test]
    fn every_kind_of_act_is_a_sentence() {
        let refers = |rest: &str| said(&format!(r#"{{"refers_to":"D",{rest}}}"#));
        assert_eq!(
            refers(
                r#""kind":"outcome","outcome":{"observed_class":1,"label":"good","meaning":"repaid as agreed"}"#
            ),
            "What came of it: repaid as agreed (good); observed class 1."
        );
        assert_eq!(
            refers(r#""kind":"outcome","outcome":{"value":false}"#),
            "What came of it: value no."
        );
        assert_eq!(
            refers(
                r#""kind":"notice","notice":{"channel":"letter","reasons":["CHK","TERM"],"text":"We cannot offer it"}"#
            ),
            "The subject was told by letter, with the reasons CHK, TERM: \"We cannot offer it\"."
        );
        assert_eq!(
            refers(
                r#""kind":"correction","correction":{"income":2500.00,"reason":"payslip misread"}"#
            ),
            "Data were corrected: income 2500.00. Reason given: payslip misread."
        );
        assert_eq!(
            refers(r#""kind":"erasure","erasure":{"reason":"GDPR art. 17","facts":["/input"]}"#),
            "Erased: /input. Reason given: GDPR art. 17."
        );
        assert_eq!(
            refers(r#""kind":"hold","hold":{"reason":"claim 7"}"#),
            "A legal hold was put on it: it may not be erased. Reason given: claim 7."
        );
        assert_eq!(
            refers(r#""decision":"approve""#),
            "It was decided again: approve."
        );
    }

    #[test]
    fn what_is_no_record_of_an_act_is_passed_over() {
        let none = acts([
            "",
            "[]",
            "7",
            r#"{"kind":"access"}"#,
            r#"{"kind":"unheard-of"}"#,
        ]);
        assert!(none.is_empty());
        assert_eq!(
            acts([r#"{"kind":"review","review":[]}"#])[0].said,
            "A person reviewed the decision."
        );
    }
}
