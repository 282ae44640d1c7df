//! No masked value is shown, whatever the record and the places, and nothing else is touched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use causebook_record::{MASKED, Mask, Pointer, canonicalize, facts, value_at};
use proptest::prelude::*;
use serde_json::{Map, Value};

proptest! {
    #[test]
    fn no_masked_value_is_shown_and_nothing_else_is_touched(
        (text, paths) in record(),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let places: Vec<Pointer> = chosen.iter().map(|nth| nth.get(&paths).parse().unwrap()).collect();
        let mask = Mask::new(places.clone()).unwrap();
        let (shown, masked) = mask.apply(&text);
        prop_assert_eq!(canonicalize(shown.as_bytes()).unwrap(), shown.as_ref());
        for fact in facts(&text).unwrap() {
            let hidden = places.iter().any(|place| place.selects(&fact.path));
            let leaves = fact.text.matches("leaf-").count();
            let marker = fact.text.trim_matches(['"', '[', ']']);
            if leaves > 0 {
                prop_assert_eq!(shown.contains(marker), !hidden, "{}", fact.path);
            }
            if !hidden {
                prop_assert_eq!(value_at(&shown, &fact.path), Some(fact.text));
            }
        }
        let mut expected: Vec<&str> = mask.places().iter().map(Pointer::as_str).collect();
        expected.retain(|place| value_at(&text, place).is_some());
        let mut masked: Vec<&str> = masked.iter().map(String::as_str).collect();
        masked.sort_unstable();
        prop_assert_eq!(&masked, &expected);
        for place in masked {
            prop_assert_eq!(value_at(&shown, place), Some(MASKED));
        }
        if places.is_empty() {
            prop_assert_eq!(&shown, &text);
        }
    }
}

/// An object whose leaves are strings that stand nowhere else, and the paths of everything in it but array elements.
fn record() -> impl Strategy<Value = (String, Vec<String>)> {
    let name = prop::sample::select(vec!["a", "b", "a/b", "~", "ü", "age", "agee", ""]);
    let shape = Just(Shape::Leaf).prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            3 => prop::collection::vec((name.clone(), inner.clone()), 0..5).prop_map(Shape::Object),
            1 => (0..3_usize).prop_map(Shape::Array),
            1 => Just(Shape::Leaf),
        ]
    });
    prop::collection::vec(
        (
            prop::sample::select(vec!["input", "output", "subject"]),
            shape,
        ),
        1..4,
    )
    .prop_map(|members| {
        let (mut paths, mut leaves) = (vec!["/nothing".to_owned()], 0);
        let value = Shape::Object(members).value("", &mut paths, &mut leaves);
        paths.retain(|path| !path.is_empty());
        (canonicalize(value.to_string().as_bytes()).unwrap(), paths)
    })
}

#[derive(Clone, Debug)]
enum Shape {
    Leaf,
    Array(usize),
    Object(Vec<(&'static str, Shape)>),
}

impl Shape {
    fn value(&self, path: &str, paths: &mut Vec<String>, leaves: &mut usize) -> Value {
        paths.push(path.to_owned());
        let mut leaf = || {
            *leaves += 1;
            Value::String(format!("leaf-{leaves}-\u{1f}\""))
        };
        match self {
            Shape::Leaf => leaf(),
            Shape::Array(length) => (0..*length).map(|_| leaf()).collect(),
            Shape::Object(members) => {
                let mut object = Map::new();
                for (name, member) in members {
                    let token = name.replace('~', "~0").replace('/', "~1");
                    // A name that comes twice holds what came last.
                    object.insert(
                        (*name).to_owned(),
                        member.value(&format!("{path}/{token}"), paths, leaves),
                    );
                }
                Value::Object(object)
            }
        }
    }
}
