//! Records: text, facts, commitments, and what remains of them.

use std::fmt::Write as _;

use causebook_record::{
    Draft, OpeningKey, Pointer, Record, Recorded, Sealed, Selection, Stored, canonicalize, commit,
    salt,
};

const DOCUMENTS: [&str; 6] = [
    " { \"b\" : [ 1.0 , {\"d\":1E5, \"c\":\"\\u0041\\/\"} ] , \"a\" : {} } ",
    "{\"\\uE000\":1,\"\\ud83d\\ude00\":2,\"\\uffff\":3,\"\":4}",
    "[-0,1e400,9007199254740993,0.10,null,true,false]",
    "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\u007f\\u2028\\\"\\\\\"",
    "{\"a/b\":{\"~\":{\"\":{}}},\"a!\":1,\"a\":{\"b\":2}}",
    "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}",
];

const DRAFTS: [&str; 5] = [
    r#"{"model_version": "v1.2", "input": {"age": 30, "income": 52000.00}, "output": "approved", "timestamp": "2024-06-01 12:00:00"}"#,
    r#"{"id":"D-1","model":"credit","input":{"n":9007199254740993,"t":["a",1]},"output":null,"decision":"deny","score":0.310,"subject":"s","context":{"trace_id":"t"}}"#,
    r#"{"id":"R-1","kind":"review","refers_to":"D-1","review":{"action":"override","who":"ann","role":"officer","reason":"misread"}}"#,
    r#"{"id":"O-1","kind":"outcome","refers_to":"D-1","time":"2024-07-01t00:00:00.500+02:00","outcome":{"repaid":false}}"#,
    r#"{"id":"A-1","model":{"digest":"x"},"output":1,"attachments":[{"name":"a","media_type":"text/plain","size":1,"digest":"sha256:abababababababababababababababababababababababababababababababab"}],"source":{"name":"s","run":"r","seq":7}}"#,
];

pub(crate) const KEY: OpeningKey = OpeningKey([7; 16]);

fn drafts() -> Vec<Draft> {
    DRAFTS
        .iter()
        .map(|draft| Draft::parse(draft.as_bytes()).unwrap())
        .collect()
}

fn records() -> Vec<Record> {
    let recorded = Recorded {
        at: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
        by: "loans".to_owned(),
        via: "http".to_owned(),
    };
    drafts()
        .into_iter()
        .map(|draft| draft.complete("generated", &recorded).unwrap())
        .collect()
}

/// The records, sealed with one key: fixed here, random and used once elsewhere.
pub(crate) fn sealed() -> Vec<Sealed> {
    records()
        .into_iter()
        .map(|record| record.seal(KEY))
        .collect()
}

pub(crate) fn stored() -> Vec<Stored> {
    let whole = |sealed: Sealed| Stored::Whole {
        text: sealed.text,
        key: sealed.key,
    };
    sealed().into_iter().map(whole).collect()
}

fn lines(texts: impl IntoIterator<Item = String>) -> Vec<u8> {
    texts
        .into_iter()
        .fold(String::new(), |all, text| all + &text + "\n")
        .into_bytes()
}

pub(crate) fn canonical() -> Vec<u8> {
    lines(
        DOCUMENTS
            .iter()
            .map(|document| canonicalize(document.as_bytes()).unwrap()),
    )
}

pub(crate) fn draft() -> Vec<u8> {
    lines(drafts().iter().map(|draft| draft.text().to_owned()))
}

pub(crate) fn complete() -> Vec<u8> {
    lines(records().into_iter().map(Record::into_text))
}

pub(crate) fn content() -> Vec<u8> {
    lines(records().iter().map(Record::content))
}

fn all_facts() -> Vec<(String, String)> {
    let texts = DOCUMENTS
        .iter()
        .map(|document| canonicalize(document.as_bytes()).unwrap());
    let mut facts = Vec::new();
    for text in texts.filter(|text| text.starts_with('{')) {
        for fact in causebook_record::facts(&text).unwrap() {
            facts.push((fact.path.into_owned(), fact.text.to_owned()));
        }
    }
    facts
}

pub(crate) fn facts() -> Vec<u8> {
    lines(
        all_facts()
            .into_iter()
            .map(|(path, text)| format!("{path}\t{text}")),
    )
}

pub(crate) fn salts() -> Vec<u8> {
    (0..5).flat_map(|place| salt(&KEY, place).0).collect()
}

pub(crate) fn commitments() -> Vec<u8> {
    let commit =
        |((path, text), place): (&(String, String), u32)| commit(salt(&KEY, place), path, text).0;
    all_facts().iter().zip(0..).flat_map(commit).collect()
}

pub(crate) fn digest() -> Vec<u8> {
    sealed().iter().flat_map(|sealed| sealed.digest.0).collect()
}

pub(crate) fn disclosure() -> Vec<u8> {
    let show = Selection::Only(vec![
        "/input".parse().unwrap(),
        "/decision".parse().unwrap(),
    ]);
    let mut shown = String::new();
    for stored in stored() {
        let disclosure = stored.disclosure(&show).unwrap();
        writeln!(shown, "{} {}", disclosure.count, disclosure.text().unwrap()).unwrap();
        for fact in disclosure.facts {
            writeln!(
                shown,
                "{} {} {} {:?}",
                fact.i, fact.path, fact.text, fact.salt.0
            )
            .unwrap();
        }
        for (place, commitment) in disclosure.hidden {
            writeln!(shown, "{place} {:?}", commitment.0).unwrap();
        }
    }
    shown.into_bytes()
}

fn erased() -> Vec<(String, String)> {
    let pointer: Pointer = "/input".parse().unwrap();
    let with_input = stored().into_iter().take(2);
    with_input
        .map(
            |stored| match stored.erase_facts(std::slice::from_ref(&pointer)).unwrap() {
                Stored::Redacted { text, redaction } => (text, redaction.to_json()),
                other => panic!("not redacted: {other:?}"),
            },
        )
        .collect()
}

pub(crate) fn redaction() -> Vec<u8> {
    lines(erased().into_iter().map(|(_, redaction)| redaction))
}

pub(crate) fn erased_text() -> Vec<u8> {
    lines(erased().into_iter().map(|(text, _)| text))
}
