//! What holds for every document and every record, tried on many.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use causebook_record::{
    Commitment, Digest, Draft, OpeningKey, Pointer, Record, Recorded, Redaction, Sealed, Selection,
    Stored, canonicalize, commit, digest, facts, fields, join_members, members, salt, string_text,
    string_value, value_at,
};
use proptest::prelude::*;
use serde_json::Value;

proptest! {
    #[test]
    fn canonical_text_is_its_own_canonical_text(document in json(), noise: u64) {
        let text = canonicalize(document.written(noise).as_bytes()).unwrap();
        prop_assert_eq!(canonicalize(text.as_bytes()).unwrap(), text);
    }

    #[test]
    fn canonical_text_is_that_of_a_slow_reference(document in json(), noise: u64) {
        let written = document.written(noise);
        let value: Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(canonicalize(written.as_bytes()).unwrap(), reference_text(&value));
    }

    #[test]
    fn order_white_space_and_escapes_do_not_show(document in json(), one: u64, other: u64) {
        let text = |noise| canonicalize(document.written(noise).as_bytes()).unwrap();
        prop_assert_eq!(text(one), text(other));
    }

    #[test]
    fn a_document_can_be_put_together_from_its_facts(document in object(), noise: u64) {
        let text = canonicalize(document.written(noise).as_bytes()).unwrap();
        let mut whole = Value::Object(serde_json::Map::new());
        for fact in facts(&text).unwrap() {
            place(&mut whole, &fact.path, serde_json::from_str(fact.text).unwrap());
            prop_assert_eq!(value_at(&text, &fact.path), Some(fact.text));
        }
        prop_assert_eq!(reference_text(&whole), text);
    }

    #[test]
    fn facts_ascend_by_path_and_are_all_there_is(document in object(), noise: u64) {
        let text = canonicalize(document.written(noise).as_bytes()).unwrap();
        let facts = facts(&text).unwrap();
        prop_assert!(facts.is_sorted_by(|left, right| left.path.as_bytes() < right.path.as_bytes()));
        for fact in &facts {
            prop_assert!(fact.path.parse::<Pointer>().is_ok());
            let tokens = fact.path.matches('/').count();
            let descends = fact.text.starts_with('{') && fact.text != "{}";
            prop_assert!(!descends || tokens == 16);
        }
    }

    #[test]
    fn no_other_text_has_the_same_facts(document in object(), noise: u64, at: prop::sample::Index, ch: char) {
        let text = canonicalize(document.written(noise).as_bytes()).unwrap();
        let mut changed: Vec<char> = text.chars().collect();
        let place = at.index(changed.len());
        changed[place] = ch;
        let changed: String = changed.into_iter().collect();
        if let Ok(found) = facts(&changed) {
            prop_assert_eq!(found == facts(&text).unwrap(), changed == text);
        }
    }

    #[test]
    fn members_join_to_the_object_in_any_order(document in object(), noise: u64) {
        let text = canonicalize(document.written(noise).as_bytes()).unwrap();
        let members = members(&text).unwrap();
        let mut shuffled: Vec<(&str, &str)> = members.iter().map(|(key, value)| (key.as_ref(), *value)).collect();
        Noise(noise).shuffle(&mut shuffled);
        prop_assert_eq!(join_members(shuffled).unwrap(), text);
    }

    #[test]
    fn a_string_reads_back_from_its_text(value: String) {
        let text = string_text(&value);
        prop_assert_eq!(canonicalize(text.as_bytes()).unwrap(), text.as_str());
        prop_assert_eq!(string_value(&text).unwrap(), value.as_str());
    }

    #[test]
    fn a_sealed_record_reads_back_with_its_digest(input in json(), noise: u64, key: [u8; 16]) {
        let sealed = sealed(&input, noise, key);
        let record = Record::from_text(sealed.text.clone()).unwrap();
        prop_assert_eq!(record.seal(OpeningKey(key)), sealed.clone());
        prop_assert_eq!(stored(&sealed).digest().unwrap(), Some(sealed.digest));
        prop_assert_eq!(step_by_step(&sealed), sealed.digest);
    }

    #[test]
    fn any_selection_has_the_digest_of_the_record(input in json(), noise: u64, key: [u8; 16]) {
        let sealed = sealed(&input, noise, key);
        let pointers = some_places(&sealed.text, &mut Noise(noise));
        let disclosure = stored(&sealed).disclosure(&Selection::Only(pointers.clone())).unwrap();
        prop_assert_eq!(disclosure.digest().unwrap(), sealed.digest);

        let text = disclosure.text().unwrap();
        for fact in facts(&sealed.text).unwrap() {
            let always = matches!(fact.path.as_ref(), "/id" | "/kind");
            let selected = always || pointers.iter().any(|pointer| pointer.selects(&fact.path));
            prop_assert_eq!(value_at(&text, &fact.path).is_some(), selected);
        }
    }

    #[test]
    fn erasing_facts_keeps_the_digest_and_leaves_the_others(input in json(), noise: u64, key: [u8; 16]) {
        let sealed = sealed(&input, noise, key);
        let mut noise = Noise(noise);
        let (first, second) = (erasable(&sealed.text, &mut noise), erasable(&sealed.text, &mut noise));
        let once = stored(&sealed).erase_facts(&first).unwrap();
        let both = [first.clone(), second.clone()].concat();
        let remaining: Vec<_> = facts(&sealed.text)
            .unwrap()
            .into_iter()
            .filter(|fact| !first.iter().any(|pointer| pointer.selects(&fact.path)))
            .collect();
        prop_assert_eq!(once.digest().unwrap(), Some(sealed.digest));
        prop_assert_eq!(facts(once.text().unwrap()).unwrap(), remaining);

        let left = second.into_iter().filter(|pointer| !first.iter().any(|erased| erased.selects(pointer.as_str())));
        let left: Vec<Pointer> =
            left.filter(|pointer| facts(once.text().unwrap()).unwrap().iter().any(|fact| pointer.selects(&fact.path))).collect();
        let twice = once.erase_facts(&left).unwrap();
        prop_assert_eq!(twice.digest().unwrap(), Some(sealed.digest));
        prop_assert_eq!(&twice, &stored(&sealed).erase_facts(&both).unwrap());

        if let Stored::Redacted { redaction, .. } = twice {
            prop_assert_eq!(Redaction::from_json(&redaction.to_json()).unwrap(), redaction);
        }
    }

    #[test]
    fn a_changed_commitment_changes_the_digest(bytes: Vec<[u8; 32]>, at: prop::sample::Index, bit in 0..256_usize) {
        prop_assume!(!bytes.is_empty());
        let mut commitments: Vec<Commitment> = bytes.into_iter().map(Commitment).collect();
        let before = digest(&commitments);
        let place = at.index(commitments.len());
        commitments[place].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(digest(&commitments), before);
        commitments.remove(place);
        prop_assert_ne!(digest(&commitments), before);
    }

    #[test]
    fn a_changed_fact_is_found(input in json(), noise: u64, key: [u8; 16], at: prop::sample::Index) {
        let sealed = sealed(&input, noise, key);
        let mut disclosure = stored(&sealed).disclosure(&Selection::All).unwrap();
        let place = at.index(disclosure.facts.len());
        disclosure.facts[place].text.push('0');
        prop_assert_ne!(disclosure.digest().ok(), Some(sealed.digest));
        disclosure.facts[place].text.pop();
        disclosure.facts[place].salt.0[0] ^= 1;
        prop_assert_ne!(disclosure.digest().ok(), Some(sealed.digest));
        disclosure.facts[place].salt.0[0] ^= 1;
        disclosure.facts[place].path.push('0');
        prop_assert_ne!(disclosure.digest().ok(), Some(sealed.digest));
        disclosure.facts[place].path.pop();
        prop_assert_eq!(disclosure.digest().ok(), Some(sealed.digest));
    }

    #[test]
    fn fields_are_what_was_written(
        id in "[ -~]{1,128}",
        subject in ".{1,200}",
        score in -1e9..1e9_f64,
        seq in 0..1_u64 << 53,
    ) {
        let (id_text, subject_text) = (string_text(&id), string_text(&subject));
        let json = format!(
            r#"{{"id":{id_text},"model":{{"name":{subject_text}}},"output":1,"score":{score},
                "subject":{subject_text},"source":{{"name":"s","run":"r","seq":{seq}}}}}"#
        );
        let draft = Draft::parse(json.as_bytes()).unwrap();
        let fields = fields(draft.complete("generated", &recorded()).unwrap().text());
        prop_assert_eq!(fields.id, Some(id));
        prop_assert_eq!(fields.subject.as_ref(), Some(&subject));
        prop_assert_eq!(fields.model_name, Some(subject));
        prop_assert_eq!(fields.score, Some(score));
        prop_assert_eq!(fields.source_seq, Some(seq));
        prop_assert_eq!(fields.time, Some(recorded().at));
        prop_assert_eq!(fields.recorded_by, Some(recorded().by));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes: Vec<u8>, text in r#"[{}\[\]",:\\0-9a-f \u{0}-\u{20}😀.~/-]*"#) {
        read_with_everything(&bytes);
        read_with_everything(text.as_bytes());
    }

    #[test]
    fn no_damage_to_a_document_makes_a_reader_panic(document in object(), noise: u64, at: prop::sample::Index, byte: u8) {
        let mut bytes = document.written(noise).into_bytes();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        read_with_everything(&bytes);
        bytes.truncate(place);
        read_with_everything(&bytes);
    }
}

fn read_with_everything(bytes: &[u8]) {
    let _ = canonicalize(bytes);
    let _ = Draft::parse(bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    let _ = (
        facts(&text),
        members(&text),
        fields(&text),
        string_value(&text),
        text.parse::<Pointer>(),
    );
    let _ = (
        value_at(&text, "/a/0"),
        value_at("{}", &text),
        Redaction::from_json(&text),
    );
    let _ = Stored::Whole {
        text: text.clone(),
        key: OpeningKey([0; 16]),
    }
    .digest();
    let _ = Record::from_text(text);
}

/// A document as a tree.
#[derive(Debug, Clone)]
enum Json {
    Word(&'static str),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(Json::Word),
        // The exponent as the reference writes it, which changes other forms of it.
        r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?(e[+-][0-9]{1,3})?".prop_map(Json::Number),
        text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(20, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::btree_map(text(), inner.clone(), 0..6).prop_map(Json::Object),
            (text(), inner).prop_map(|(key, value)| Json::Object(BTreeMap::from([(key, value)]))),
        ]
    })
}

fn object() -> impl Strategy<Value = Json> {
    prop::collection::btree_map(text(), json(), 0..6).prop_map(Json::Object)
}

/// Strings with much of what is hard: near keys, escapes, both sides of the surrogates.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-b!/~-]{0,3}",
        "[\u{0}-\u{22}\\\\\u{7f}é\u{2028}\u{d7ff}\u{e000}\u{ffff}😀\u{10ffff}]{0,4}",
        ".{0,12}"
    ]
}

impl Json {
    /// One of the many ways to write the document.
    fn written(&self, noise: u64) -> String {
        let mut out = String::new();
        self.write(&mut Noise(noise), &mut out);
        out
    }

    fn write(&self, noise: &mut Noise, out: &mut String) {
        noise.space(out);
        match self {
            Json::Word(word) => out.push_str(word),
            Json::Number(number) => out.push_str(number),
            Json::Text(text) => noise.string(text, out),
            Json::Array(items) => {
                out.push('[');
                for (nth, item) in items.iter().enumerate() {
                    out.push_str(if nth > 0 { "," } else { "" });
                    item.write(noise, out);
                }
                noise.space(out);
                out.push(']');
            }
            Json::Object(members) => {
                let mut members: Vec<(&String, &Json)> = members.iter().collect();
                noise.shuffle(&mut members);
                out.push('{');
                for (nth, (key, value)) in members.into_iter().enumerate() {
                    out.push_str(if nth > 0 { "," } else { "" });
                    noise.space(out);
                    noise.string(key, out);
                    noise.space(out);
                    out.push(':');
                    value.write(noise, out);
                }
                noise.space(out);
                out.push('}');
            }
        }
        noise.space(out);
    }
}

/// Choices that do not matter, from a seed that proptest prints.
struct Noise(u64);

impl Noise {
    /// `SplitMix64`.
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) as usize % below
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for nth in (1..items.len()).rev() {
            items.swap(nth, self.next(nth + 1));
        }
    }

    fn space(&mut self, out: &mut String) {
        for _ in 0..self.next(3) {
            out.push([' ', '\t', '\n', '\r'][self.next(4)]);
        }
    }

    fn string(&mut self, value: &str, out: &mut String) {
        out.push('"');
        for ch in value.chars() {
            let plain = ch >= ' ' && ch != '"' && ch != '\\';
            match self.next(4) {
                0 | 1 if plain => out.push(ch),
                2 if ch == '/' => out.push_str("\\/"),
                2 if !plain => {
                    let text = string_text(&ch.to_string());
                    out.push_str(&text[1..text.len() - 1]);
                }
                _ => {
                    for unit in ch.encode_utf16(&mut [0; 2]) {
                        let upper = self.next(2) == 0;
                        let digits = format!("{unit:04x}");
                        out.push_str("\\u");
                        out.push_str(&if upper { digits.to_uppercase() } else { digits });
                    }
                }
            }
        }
        out.push('"');
    }
}

/// Canonical text made the slow way: a tree, with keys sorted as UTF-16.
fn reference_text(value: &Value) -> String {
    match value {
        Value::String(text) => reference_string(text),
        Value::Array(items) => format!(
            "[{}]",
            items
                .iter()
                .map(reference_text)
                .collect::<Vec<_>>()
                .join(",")
        ),
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.encode_utf16().collect::<Vec<u16>>());
            let members: Vec<String> = members
                .into_iter()
                .map(|(key, value)| format!("{}:{}", reference_string(key), reference_text(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

fn reference_string(text: &str) -> String {
    let escaped: Vec<String> = text
        .chars()
        .map(|ch| match ch {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\u{9}' => "\\t".to_owned(),
            '\u{a}' => "\\n".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\u{d}' => "\\r".to_owned(),
            ch if (ch as u32) < 0x20 => format!("\\u{:04x}", ch as u32),
            ch => ch.to_string(),
        })
        .collect();
    format!("\"{}\"", escaped.concat())
}

/// Puts a value into a tree at a pointer, making the objects on the way.
fn place(whole: &mut Value, pointer: &str, value: Value) {
    let mut here = whole;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if !here.is_object() {
            *here = Value::Object(serde_json::Map::new());
        }
        here = here
            .as_object_mut()
            .unwrap()
            .entry(token)
            .or_insert(Value::Null);
    }
    *here = value;
}

fn recorded() -> Recorded {
    Recorded {
        at: "2024-06-01T12:00:00.000000001Z".parse().unwrap(),
        by: "b".to_owned(),
        via: "sdk".to_owned(),
    }
}

fn sealed(input: &Json, noise: u64, key: [u8; 16]) -> Sealed {
    let json = format!(
        r#"{{"input":{},"model":"m","context":{{"x":{}}}}}"#,
        input.written(noise),
        input.written(!noise)
    );
    Draft::parse(json.as_bytes())
        .unwrap()
        .complete("i", &recorded())
        .unwrap()
        .seal(OpeningKey(key))
}

fn stored(sealed: &Sealed) -> Stored {
    Stored::Whole {
        text: sealed.text.clone(),
        key: sealed.key,
    }
}

/// The digest by the three public steps.
fn step_by_step(sealed: &Sealed) -> Digest {
    let commitments: Vec<Commitment> = facts(&sealed.text)
        .unwrap()
        .iter()
        .zip(0..)
        .map(|(fact, i)| commit(salt(&sealed.key, i), &fact.path, fact.text))
        .collect();
    digest(&commitments)
}

/// Places of facts, and places above facts, drawn at random.
fn some_places(text: &str, noise: &mut Noise) -> Vec<Pointer> {
    let facts = facts(text).unwrap();
    let chosen = facts
        .iter()
        .filter(|_| noise.next(3) == 0)
        .map(|fact| fact.path.to_string());
    let mut places: Vec<String> = chosen.collect();
    for place in &mut places {
        if noise.next(4) == 0 {
            let parent = place.rfind('/').unwrap_or_default();
            place.truncate(parent.max(1));
        }
    }
    places.iter().map(|place| place.parse().unwrap()).collect()
}

fn erasable(text: &str, noise: &mut Noise) -> Vec<Pointer> {
    let facts = facts(text).unwrap();
    let mut places = some_places(text, noise);
    places.retain(|place| {
        let kept = ["/id", "/kind", "/recorded"];
        let erasable = |path: &str| !kept.iter().any(|kept| path.starts_with(kept));
        let mut selected = facts
            .iter()
            .filter(|fact| place.selects(&fact.path))
            .peekable();
        selected.peek().is_some() && selected.all(|fact| erasable(&fact.path))
    });
    places
}
