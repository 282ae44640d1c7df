//! The crate against the vectors of the format, which another implementation made (`docs/vectors`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causebook_record::{
    Commitment, Digest, Draft, OpeningKey, Pointer, Record, RecordError, Recorded, Redaction, Salt,
    Selection, Stored, canonicalize, commit, digest, facts, salt,
};
use serde_json::Value;

#[test]
fn documents_become_the_canonical_text_facts_and_digest_of_the_vectors() {
    let file = file("canonical.json");
    for vector in list(&file, "objects") {
        let text = canonicalize(text(vector, "input").as_bytes()).unwrap();
        assert_eq!(text, self::text(vector, "canonical"), "{}", name(vector));
        check_seal(vector, &text);
    }
    for vector in list(&file, "others") {
        let text = canonicalize(text(vector, "input").as_bytes()).unwrap();
        assert_eq!(text, self::text(vector, "canonical"), "{}", name(vector));
    }
}

#[test]
fn documents_that_must_be_refused_are_refused_where_the_vectors_say() {
    let file = file("refused.json");
    for vector in list(&file, "documents") {
        let input = match &vector["input_base64"] {
            Value::String(base64) => STANDARD.decode(base64).unwrap(),
            _ => text(vector, "input").as_bytes().to_vec(),
        };
        let error = canonicalize(&input).unwrap_err();
        check_refusal(vector, &error);
        assert_eq!(
            offset(&error),
            vector["offset"].as_u64(),
            "{}",
            name(vector)
        );
    }
}

#[test]
fn facts_are_not_taken_from_text_that_is_not_canonical() {
    for vector in list(&file("refused.json"), "not_canonical") {
        let error = facts(text(vector, "text")).unwrap_err();
        assert_eq!(error.code(), "not-canonical", "{}", name(vector));
    }
}

#[test]
fn records_are_drafted_completed_and_sealed_as_in_the_vectors() {
    let file = file("records.json");
    let recorded = Recorded {
        at: text(&file["recorded"], "at").parse().unwrap(),
        by: text(&file["recorded"], "by").to_owned(),
        via: text(&file["recorded"], "via").to_owned(),
    };
    for vector in list(&file, "records") {
        let draft = Draft::parse(text(vector, "given").as_bytes()).unwrap();
        assert_eq!(draft.text(), text(vector, "draft"), "{}", name(vector));

        let record = draft
            .complete(text(&file, "generated_id"), &recorded)
            .unwrap();
        assert_eq!(record.text(), text(vector, "record"), "{}", name(vector));
        assert_eq!(
            record.content(),
            text(vector, "content"),
            "{}",
            name(vector)
        );
        check_seal(vector, record.text());

        let stored = Record::from_text(record.text().to_owned()).unwrap();
        assert_eq!(stored, record);
        let sealed = stored.seal(key(vector));
        assert_eq!(
            sealed.digest.to_string(),
            text(vector, "digest"),
            "{}",
            name(vector)
        );
    }
}

#[test]
fn records_that_must_be_refused_are_refused_where_the_vectors_say() {
    for vector in list(&file("records.json"), "refused") {
        check_refusal(
            vector,
            &Draft::parse(text(vector, "given").as_bytes()).unwrap_err(),
        );
    }
}

#[test]
fn disclosures_are_those_of_the_vectors() {
    let file = file("disclosures.json");
    for vector in list(&file, "disclosures") {
        let shown = Selection::Only(pointers(&vector["show"]));
        let disclosure = stored(&file).disclosure(&shown).unwrap();
        assert_eq!(
            disclosure.text().unwrap(),
            text(vector, "text"),
            "{}",
            name(vector)
        );
        assert_eq!(
            disclosure.digest().unwrap().to_string(),
            text(&file, "digest")
        );
        assert_eq!(
            u64::from(disclosure.count),
            vector["count"].as_u64().unwrap()
        );

        let facts = list(vector, "facts");
        assert_eq!(disclosure.facts.len(), facts.len());
        for (fact, expected) in disclosure.facts.iter().zip(facts) {
            assert_eq!(u64::from(fact.i), expected["i"].as_u64().unwrap());
            assert_eq!(fact.path, text(expected, "path"));
            assert_eq!(fact.text, text(expected, "text"));
            assert_eq!(fact.salt, Salt(bytes(expected, "salt")));
        }
        let hidden = list(vector, "hidden");
        assert_eq!(disclosure.hidden.len(), hidden.len());
        for ((i, commitment), expected) in disclosure.hidden.iter().zip(hidden) {
            assert_eq!(u64::from(*i), expected["i"].as_u64().unwrap());
            assert_eq!(*commitment, Commitment(bytes(expected, "commitment")));
        }
    }
}

#[test]
fn erasures_leave_the_text_and_redaction_of_the_vectors() {
    let file = file("erasures.json");
    for vector in list(&file, "erasures") {
        let erased = erased(&file, vector).unwrap();
        let Stored::Redacted { text, redaction } = &erased else {
            panic!("redacted")
        };
        assert_eq!(text, self::text(vector, "text"), "{}", name(vector));
        assert_eq!(
            redaction.to_json(),
            self::text(vector, "redaction"),
            "{}",
            name(vector)
        );
        assert_eq!(
            *redaction,
            Redaction::from_json(self::text(vector, "redaction")).unwrap()
        );
        assert_eq!(
            erased.digest().unwrap(),
            Some(Digest(bytes(&file, "digest")))
        );
    }
    for vector in list(&file, "refused") {
        check_refusal(vector, &erased(&file, vector).unwrap_err());
    }
}

#[test]
fn the_examples_of_the_format_are_those_of_the_vectors() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/format.md");
    let format = std::fs::read_to_string(docs).unwrap();
    let records = file("records.json");
    let example = &list(&records, "records")[0];
    let mut quoted: Vec<&str> = ["key", "draft", "record", "digest"]
        .map(|name| text(example, name))
        .to_vec();
    for fact in &list(example, "facts")[..3] {
        quoted.extend(["path", "text", "salt", "commitment"].map(|name| text(fact, name)));
    }
    let redaction = text(&list(&file("erasures.json"), "erasures")[0], "redaction").to_owned();
    quoted.push(redaction.split_inclusive("hb").next().unwrap());
    for quoted in quoted {
        assert!(format.contains(quoted), "{quoted}");
    }

    let json = format
        .split("```json\n")
        .nth(2)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let evidence = file("evidence.json");
    assert_eq!(
        serde_json::from_str::<Value>(json).unwrap(),
        list(&evidence, "verify")[0]["file"]
    );
}

fn erased(file: &Value, vector: &Value) -> Result<Stored, RecordError> {
    let mut steps = list(vector, "steps").iter();
    steps.try_fold(stored(file), |stored, step| {
        stored.erase_facts(&pointers(step))
    })
}

/// Facts, salts, commitments and digest, each step by itself.
fn check_seal(vector: &Value, canonical: &str) {
    let facts = facts(canonical).unwrap();
    let expected = list(vector, "facts");
    assert_eq!(facts.len(), expected.len(), "{}", name(vector));
    let mut commitments = Vec::new();
    for ((fact, expected), i) in facts.iter().zip(expected).zip(0..) {
        assert_eq!(fact.path, text(expected, "path"), "{}", name(vector));
        assert_eq!(fact.text, text(expected, "text"), "{}", name(vector));
        let salt = salt(&key(vector), i);
        assert_eq!(salt, Salt(bytes(expected, "salt")), "{}", name(vector));
        let commitment = commit(salt, &fact.path, fact.text);
        assert_eq!(
            commitment,
            Commitment(bytes(expected, "commitment")),
            "{}",
            name(vector)
        );
        commitments.push(commitment);
    }
    assert_eq!(
        digest(&commitments),
        Digest(bytes(vector, "digest")),
        "{}",
        name(vector)
    );
}

fn check_refusal(vector: &Value, error: &RecordError) {
    let refusal = (error.code(), error.pointer());
    assert_eq!(
        refusal,
        (text(vector, "code"), text(vector, "pointer")),
        "{}",
        name(vector)
    );
}

fn offset(error: &RecordError) -> Option<u64> {
    match error {
        RecordError::InvalidUtf8 { offset } => Some(*offset as u64),
        RecordError::InvalidJson { position, .. }
        | RecordError::LoneSurrogate { position, .. }
        | RecordError::DuplicateKey { position, .. } => Some(position.offset as u64),
        _ => None,
    }
}

fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/vectors/record")
        .join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value[name].as_array().unwrap();
    assert!(!list.is_empty() || name == "facts" || name == "hidden");
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

fn name(vector: &Value) -> &str {
    text(vector, "name")
}

fn key(value: &Value) -> OpeningKey {
    OpeningKey(bytes(value, "key"))
}

fn stored(file: &Value) -> Stored {
    Stored::Whole {
        text: text(file, "record").to_owned(),
        key: key(file),
    }
}

fn pointers(list: &Value) -> Vec<Pointer> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|pointer| pointer.as_str().unwrap().parse().unwrap())
        .collect()
}

fn bytes<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    let hex = text(value, name);
    assert_eq!(hex.len(), 2 * N);
    std::array::from_fn(|nth| u8::from_str_radix(&hex[2 * nth..2 * nth + 2], 16).unwrap())
}
