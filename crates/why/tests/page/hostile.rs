//! Whatever a record says, it neither acts on a terminal nor becomes markup.

use std::collections::BTreeMap;

use causebook_why::page::{Audience, Look, Words, html, text};
use causebook_why::{Block, Scalar, Why};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::examples::all;

/// What writers of attacks write, and whatever else there is.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("</style><img src=x onerror=alert(1)>\" onload='x'".to_owned()),
        Just("\x1b]0;owned\x07\x1b[2J\u{9b}31m\r\n\u{202e}evil".to_owned()),
        Just("--> ]]> &lt; &#x3c; {{7*7}} \u{0}".to_owned()),
        Just(String::new()),
        Just("长".repeat(70)),
        any::<String>(),
        "[<>&\"' \\n\\t\\x1b\\x00-\\x1f]{0,40}",
    ]
}

/// The answer with every text in it replaced, but for words that are one of few and the names of the schema.
fn replaced(why: &Why, texts: &[String]) -> Option<Why> {
    let mut next = texts.iter().cycle().cloned();
    let mut value = serde_json::to_value(why).unwrap();
    replace(&mut value, "", &mut next);
    serde_json::from_value(value).ok()
}

/// Words that are one of few.
const CHOSEN: [&str; 13] = [
    "recorded",
    "recomputed",
    "inferred_from_history",
    "BIT_EXACT",
    "WITHIN_TOLERANCE",
    "LABEL_TIE",
    "MISMATCH",
    "policy",
    "score",
    "judgement",
    "unknown",
    "smallest_found",
    "toward_recorded",
];
/// Members that are maps with names of somebody's own.
const MAPS: [&str; 6] = [
    "among_nearest",
    "in_force",
    "members",
    "details",
    "parameters",
    "thresholds",
];

fn replace(value: &mut Value, name: &str, next: &mut impl Iterator<Item = String>) {
    match value {
        Value::String(text) if !CHOSEN.contains(&text.as_str()) => *text = next.next().unwrap(),
        Value::Array(elements) => elements.iter_mut().for_each(|it| replace(it, name, next)),
        Value::Object(object) => {
            let is_map = MAPS.contains(&name);
            let mut renamed = Map::new();
            for (name, mut value) in std::mem::take(object) {
                replace(&mut value, &name, next);
                let name = if is_map { next.next().unwrap() } else { name };
                renamed.insert(name, value);
            }
            *object = renamed;
        }
        _ => {}
    }
}

fn words(texts: &[String]) -> Words {
    let at = |place: usize| texts[place % texts.len()].clone();
    Words {
        fields: BTreeMap::from([(at(0), at(1)), ("/input/duration".to_owned(), at(2))]),
        values: BTreeMap::from([(at(1), BTreeMap::from([(at(2), at(3))]))]),
        units: BTreeMap::from([("/input/duration".to_owned(), at(4))]),
        decisions: BTreeMap::from([("deny".to_owned(), at(5)), (at(0), at(1))]),
        score: Some(at(0)),
        contest: Some(at(1)),
    }
}

/// Tags that a page is made of; nothing else may follow a `<`.
const TAGS: &str = "!doctype html head meta title style body header p h1 dl div dt dd ul li ol span main section h2 h3 strong \
                    pre code table caption thead tbody tr th td figure svg desc text line rect blockquote br footer";
/// Attributes that its tags have.
const ATTRIBUTES: &str = "lang charset http-equiv content name class aria-label aria-labelledby id scope viewBox role x y x1 x2 y1 \
                          y2 width height rx text-anchor";

/// Every tag of the page is one of ours with attributes of ours; nothing in between has a bare `<`, `>` or control character.
fn check_markup(page: &str) -> Result<(), TestCaseError> {
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    for part in [before, after] {
        for piece in part.split('<').skip(1) {
            let (tag, content) = piece
                .split_once('>')
                .ok_or_else(|| TestCaseError::fail(format!("not closed: {piece}")))?;
            let name = tag.trim_start_matches('/').split(' ').next().unwrap();
            prop_assert!(TAGS.split_whitespace().any(|it| it == name), "tag {tag}");
            let mut quoted = tag.split('"');
            while let Some(bare) = quoted.next() {
                for attribute in bare.split(' ').skip(1).filter(|it| !it.is_empty()) {
                    let attribute = attribute.trim_end_matches('=');
                    let known = ATTRIBUTES.split_whitespace().any(|it| it == attribute)
                        || attribute == "html";
                    let known = known || attribute.trim_end_matches('/').is_empty();
                    prop_assert!(known, "attribute {attribute} of {tag}");
                }
                let _ = quoted.next();
            }
            prop_assert!(!content.contains('>'), "{content}");
            prop_assert!(
                !content.contains('"') && !content.contains('\''),
                "{content}"
            );
        }
        let acts = part.chars().find(|c| c.is_control() && *c != '\n');
        prop_assert_eq!(acts, None);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_a_record_becomes_markup_or_acts(texts in prop::collection::vec(hostile(), 1..12), width in 0_usize..260) {
        for (_, why) in all() {
            let Some(why) = replaced(&why, &texts) else {
                continue;
            };
            let words = words(&texts);
            for audience in [Audience::Authority, Audience::SUBJECT] {
                check_markup(&html(&why, audience, &words))?;
            }
            for unicode in [true, false] {
                let look = Look { width, colour: false, unicode, words: words.clone() };
                let page = text(&why, &look);
                let acts = page.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
                prop_assert_eq!(acts, None);
                prop_assert!(unicode || page.is_ascii());
            }
            let coloured = text(&why, &Look { width, colour: true, unicode: true, words });
            for part in coloured.split('\x1b').skip(1) {
                let style = part.strip_prefix('[').and_then(|it| it.split_once('m')).map(|it| it.0);
                prop_assert!(style.is_some_and(|it| it.chars().all(|c| c.is_ascii_digit() || c == ';')), "{part}");
            }
        }
    }

    #[test]
    fn no_number_breaks_a_page(numbers in prop::collection::vec(prop::num::f64::ANY, 1..12)) {
        let mut next = numbers.iter().cycle().copied();
        for (_, mut why) in all() {
            for block in &mut why.attributions {
                if let Block::Present { content, .. } = block {
                    content.base = next.next();
                    content.value = next.next();
                    content.residual = next.next();
                    for field in &mut content.fields {
                        field.contribution = next.next().unwrap();
                        field.error = next.next();
                        field.value = Scalar::Number(next.next().unwrap());
                    }
                }
            }
            if let Block::Present { content, .. } = &mut why.outcome {
                content.score = next.next();
                content.threshold = next.next();
                content.margin = next.next();
            }
            check_markup(&html(&why, Audience::Authority, &Words::default()))?;
            for width in [50, 100] {
                let page = text(&why, &Look { width, ..Look::default() });
                prop_assert!(page.len() < 100_000);
            }
        }
    }
}

#[test]
fn the_texts_of_every_example_can_be_replaced() {
    for (name, why) in all() {
        assert!(replaced(&why, &["x".to_owned()]).is_some(), "{name}");
    }
}
