//! The fields of a decision, by where they are in its record.
//!
//! Numbers are read from their digits in the canonical text, correctly rounded to doubles; one that no double can hold
//! stays a word of its digits, so that nothing takes it for another number. In typed documents (`docs/format.md`, 11)
//! the member `$types` is no field, the value of `$value` stands where its document does, and the words of floats that
//! are not finite are numbers, not-a-number being a missing value.

use std::collections::{BTreeMap, BTreeSet};

use causebook_record::value_at;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// JSON null, or a member that is not there.
    Missing,
    /// A truth value.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A word.
    Text(String),
}

/// Fields by JSON Pointer (RFC 6901) into the record, such as `/input/duration`. Arrays and empty objects are no fields;
/// elements of arrays that a registration reads as vectors are.
pub type Fields = BTreeMap<String, Scalar>;

/// Members of a record that are typed documents themselves.
const DOCUMENTS: [&str; 2] = ["/input", "/output"];
/// Members of a record whose members are typed documents.
const DOCUMENTS_WITHIN: [&str; 4] = ["parameters", "explanation", "data", "context"];
/// Words for floats that are not finite.
const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Whole numbers below it are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The fields of a record's input, from its canonical text.
pub fn input_fields(record: &str) -> Fields {
    fields_at(record, "/input")
}

/// Every scalar at or below a pointer, from a record's canonical text.
pub fn fields_at(record: &str, pointer: &str) -> Fields {
    let mut found = Fields::new();
    if let Some(place) = Place::find(record, pointer) {
        place.scalars(&mut found);
    }
    found
}

/// The scalar at a pointer; none where the record has nothing there, or an array or object.
pub fn scalar_at(record: &str, pointer: &str) -> Option<Scalar> {
    let place = Place::find(record, pointer)?;
    place.scalar(&place.value, &place.pointer)
}

/// The elements of the array at a pointer, in order, each with its own pointer; none where there is no array of scalars.
pub fn elements_at(record: &str, pointer: &str) -> Option<Vec<(String, Scalar)>> {
    let place = Place::find(record, pointer)?;
    let elements = place.value.as_array()?;
    let element = |(nth, value): (usize, &Json)| {
        let pointer = format!("{pointer}/{nth}");
        let scalar = place.scalar(value, &pointer)?;
        Some((pointer, scalar))
    };
    elements.iter().enumerate().map(element).collect()
}

/// The JSON value at a pointer, with its digits, out of its typed document.
pub fn json_at(record: &str, pointer: &str) -> Option<Json> {
    Place::find(record, pointer).map(|place| place.value)
}

/// Pointers of arrays of scalars at or below a pointer, with their lengths.
pub(crate) fn arrays_at(record: &str, pointer: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    if let Some(value) = json_at(record, pointer) {
        arrays(&value, pointer, &mut found);
    }
    found
}

fn arrays(value: &Json, pointer: &str, found: &mut Vec<(String, usize)>) {
    match value {
        Json::Array(elements) => {
            if !elements.is_empty() && !elements.iter().any(|it| it.is_array() || it.is_object()) {
                found.push((pointer.to_owned(), elements.len()));
            }
            for (nth, element) in elements.iter().enumerate() {
                arrays(element, &format!("{pointer}/{nth}"), found);
            }
        }
        Json::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| *name != "$types") {
                arrays(member, &below(pointer, name), found);
            }
        }
        _ => {}
    }
}

/// The pointer of a member.
pub(crate) fn below(pointer: &str, name: &str) -> String {
    let name = name.replace('~', "~0").replace('/', "~1");
    format!("{pointer}/{name}")
}

/// The last token of a pointer, unescaped: the field's own name.
pub(crate) fn own_name(pointer: &str) -> String {
    let token = pointer.rsplit('/').next().unwrap_or_default();
    token.replace("~1", "/").replace("~0", "~")
}

/// A value in a record, and what its typed document says of floats.
struct Place {
    pointer: String,
    value: Json,
    /// Pointers into the record of words that are floats.
    floats: BTreeSet<String>,
}

impl Place {
    fn find(record: &str, pointer: &str) -> Option<Place> {
        let root = document_root(pointer);
        let document: Option<Json> =
            root.and_then(|root| serde_json::from_str(value_at(record, root)?).ok());
        let (Some(root), Some(document)) = (root, document) else {
            let value = serde_json::from_str(value_at(record, pointer)?).ok()?;
            return Some(Place {
                pointer: pointer.to_owned(),
                value,
                floats: BTreeSet::new(),
            });
        };
        let floats = floats(root, document.get("$types"));
        let inner = wrapped(&document).unwrap_or(&document);
        let value = inner.pointer(pointer.strip_prefix(root)?)?.clone();
        Some(Place {
            pointer: pointer.to_owned(),
            value,
            floats,
        })
    }

    fn scalars(&self, found: &mut Fields) {
        self.walk(&self.value, &self.pointer, found);
    }

    fn walk(&self, value: &Json, pointer: &str, found: &mut Fields) {
        if let Json::Object(members) = value {
            let root = document_root(pointer) == Some(pointer);
            for (name, member) in members {
                if !(root && name == "$types") {
                    self.walk(member, &below(pointer, name), found);
                }
            }
        } else if let Some(scalar) = self.scalar(value, pointer) {
            found.insert(pointer.to_owned(), scalar);
        }
    }

    fn scalar(&self, value: &Json, pointer: &str) -> Option<Scalar> {
        match value {
            Json::String(word) if self.floats.contains(pointer) => Some(match word.as_str() {
                "Infinity" => Scalar::Number(f64::INFINITY),
                "-Infinity" => Scalar::Number(f64::NEG_INFINITY),
                _ => Scalar::Missing,
            }),
            _ => Scalar::from_json(value),
        }
    }
}

/// The member of the record that is the typed document in which a pointer lies.
fn document_root(pointer: &str) -> Option<&str> {
    let at_or_under = |root: &&str| {
        pointer
            .strip_prefix(*root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(root) = DOCUMENTS.into_iter().find(at_or_under) {
        return pointer.get(..root.len());
    }
    let mut tokens = pointer.split('/').skip(1);
    let member = tokens.next()?;
    let within = tokens.next()?;
    DOCUMENTS_WITHIN
        .contains(&member)
        .then(|| pointer.get(..member.len() + within.len() + 2))?
}

/// What a document of the second form is of.
fn wrapped(document: &Json) -> Option<&Json> {
    let members = document.as_object()?;
    let alone = members
        .keys()
        .all(|name| name == "$value" || name == "$types");
    members.get("$value").filter(|_| alone)
}

/// Pointers of the words that stand for floats, by the document's `$types`.
fn floats(root: &str, types: Option<&Json>) -> BTreeSet<String> {
    let types = types.and_then(Json::as_object);
    let of_floats = types
        .into_iter()
        .flatten()
        .filter(|(name, _)| {
            matches!(name.as_str(), "float" | "decimal") || name.starts_with("numpy.float")
        })
        .filter_map(|(_, places)| places.as_array());
    of_floats
        .flatten()
        .filter_map(|place| place.as_str().or_else(|| place.get(0)?.as_str()))
        .map(|place| format!("{root}{place}"))
        .collect()
}

impl Scalar {
    /// Of JSON that is no array and no object.
    pub fn from_json(value: &Json) -> Option<Scalar> {
        Some(match value {
            Json::Null => Scalar::Missing,
            Json::Bool(truth) => Scalar::Boolean(*truth),
            Json::Number(number) => {
                let digits = number.to_string();
                match digits.parse::<f64>() {
                    Ok(number) if number.is_finite() => Scalar::Number(number),
                    _ => Scalar::Text(digits),
                }
            }
            Json::String(word) => Scalar::Text(word.clone()),
            Json::Array(_) | Json::Object(_) => return None,
        })
    }

    /// As people and categories write it: a number without needless digits, a truth value as `true` or `false`, nothing
    /// for a missing value.
    pub fn word(&self) -> String {
        match self {
            Scalar::Missing => String::new(),
            Scalar::Boolean(truth) => truth.to_string(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(word) => word.clone(),
        }
    }

    /// As a number: a truth value is 0 or 1, a word is none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Scalar::Number(number) => Some(*number),
            Scalar::Boolean(truth) => Some(f64::from(u8::from(*truth))),
            Scalar::Missing | Scalar::Text(_) => None,
        }
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Scalar::Missing => serializer.serialize_unit(),
            Scalar::Boolean(truth) => serializer.serialize_bool(*truth),
            Scalar::Number(number) if number.is_nan() => serializer.serialize_str(NOT_FINITE[0]),
            Scalar::Number(number) if number.is_infinite() => {
                serializer.serialize_str(NOT_FINITE[1 + usize::from(*number < 0.0)])
            }
            Scalar::Number(number) if number.fract() == 0.0 && number.abs() < EXACT => {
                serializer.serialize_i64(*number as i64)
            }
            Scalar::Number(number) => serializer.serialize_f64(*number),
            Scalar::Text(word) => serializer.serialize_str(word),
        }
    }
}

/// By way of a JSON value: numbers keep their digits in this workspace, which serde's untagged enums cannot read.
impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Json::deserialize(deserializer)?;
        Scalar::from_json(&value)
            .ok_or_else(|| D::Error::custom("expected a word, a number, a truth value or null"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"explanation":{"attributions":{"$types":{"float":["/b"]},"a":0.5,"b":"NaN"}},"input":{"$types":{"decimal":["/amount"],"float":["/rate"],"numpy.float32":["/low"]},"a/b":{"c~":1},"amount":52000.00,"big":1e400,"empty":{},"flag":true,"id":9007199254740993,"list":[1,2.5,null],"low":"-Infinity","nothing":null,"rate":"NaN","word":"NaN"},"output":{"$types":{"numpy.ndarray":[["",{"dtype":"float32"}]]},"$value":[0.1,0.9]},"score":0.319195926}"#;

    #[test]
    fn every_scalar_of_the_input_is_a_field_by_its_pointer() {
        let fields = input_fields(RECORD);
        let expected = [
            ("/input/a~1b/c~0", Scalar::Number(1.0)),
            ("/input/amount", Scalar::Number(52000.0)),
            ("/input/big", Scalar::Text("1e+400".to_owned())),
            ("/input/flag", Scalar::Boolean(true)),
            ("/input/id", Scalar::Number(9_007_199_254_740_992.0)),
            ("/input/low", Scalar::Number(f64::NEG_INFINITY)),
            ("/input/nothing", Scalar::Missing),
            ("/input/rate", Scalar::Missing),
            ("/input/word", Scalar::Text("NaN".to_owned())),
        ];
        let expected: Fields = expected.map(|(name, it)| (name.to_owned(), it)).into();
        assert_eq!(fields, expected);
    }

    #[test]
    fn scalars_and_elements_are_found_by_pointer_and_through_typed_documents() {
        assert_eq!(
            scalar_at(RECORD, "/score"),
            Some(Scalar::Number(0.319_195_926))
        );
        assert_eq!(
            scalar_at(RECORD, "/input/amount"),
            Some(Scalar::Number(52000.0))
        );
        assert_eq!(scalar_at(RECORD, "/output/1"), Some(Scalar::Number(0.9)));
        assert_eq!(scalar_at(RECORD, "/input/list"), None);
        assert_eq!(scalar_at(RECORD, "/input/none"), None);
        assert_eq!(
            scalar_at(RECORD, "/explanation/attributions/b"),
            Some(Scalar::Missing)
        );
        let elements = elements_at(RECORD, "/input/list").unwrap();
        assert_eq!(
            elements[1],
            ("/input/list/1".to_owned(), Scalar::Number(2.5))
        );
        assert_eq!(elements[2].1, Scalar::Missing);
        assert_eq!(elements_at(RECORD, "/output").unwrap().len(), 2);
        assert_eq!(elements_at(RECORD, "/input/amount"), None);
        assert_eq!(arrays_at(RECORD, "/input"), [("/input/list".to_owned(), 3)]);
    }

    #[test]
    fn a_scalar_is_written_and_read_as_plain_json() {
        let text = r#"[null,true,0.25,"x",7]"#;
        let scalars: Vec<Scalar> = serde_json::from_str(text).unwrap();
        assert_eq!(
            scalars,
            [
                Scalar::Missing,
                Scalar::Boolean(true),
                Scalar::Number(0.25),
                Scalar::Text("x".to_owned()),
                Scalar::Number(7.0)
            ]
        );
        assert_eq!(serde_json::to_string(&scalars).unwrap(), text);
        let infinite = serde_json::to_string(&Scalar::Number(f64::NEG_INFINITY)).unwrap();
        assert_eq!(infinite, "\"-Infinity\"");
    }

    #[test]
    fn a_pointer_names_its_own_field() {
        assert_eq!(own_name("/input/a~1b"), "a/b");
        assert_eq!(below("/input", "a/b~"), "/input/a~1b~0");
    }
}
