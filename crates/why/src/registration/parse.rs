//! A registration from JSON, member by member, so that every problem is found and has its place.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value as Json};

use super::{Encoding, Feature, Problem, Registration, RegistrationError, at, near};
use crate::fields::below;
use crate::reasons::{Dictionary, Entry};

/// Members of a registration.
const MEMBERS: [&str; 10] = [
    "format",
    "features",
    "absent",
    "output",
    "policy",
    "protected",
    "constraints",
    "reasons",
    "background",
    "labels",
];

impl Registration {
    /// Reads the member `config` of a `model` record. It is not held against a model yet: see [`Registration::check`].
    ///
    /// # Errors
    /// [`RegistrationError`] with everything that cannot be read.
    pub fn parse(config: &Json) -> Result<Registration, RegistrationError> {
        Registration::default().with(config)
    }

    /// The registration after a later `config` record: the members that it has take the place of whole members, and null
    /// takes one away.
    ///
    /// # Errors
    /// As [`Registration::parse`].
    pub fn with(&self, config: &Json) -> Result<Registration, RegistrationError> {
        let mut reader = Reader::default();
        let mut made = self.clone();
        let Some(members) = config.as_object() else {
            let problem = at(
                "",
                "it is not an object",
                "give the members of a registration",
            );
            return Err(RegistrationError {
                problems: vec![problem],
            });
        };
        for (name, value) in members {
            made.set(name, value, &mut reader);
        }
        if reader.problems.is_empty() {
            Ok(made)
        } else {
            Err(RegistrationError {
                problems: reader.problems,
            })
        }
    }

    fn set(&mut self, name: &str, value: &Json, reader: &mut Reader) {
        let place = below("", name);
        match name {
            "format" => self.format = reader.read(&place, value),
            "features" => self.features = reader.list(&place, value),
            "absent" => self.absent = reader.read(&place, value).unwrap_or_default(),
            "output" => self.output = reader.read(&place, value).unwrap_or_default(),
            "policy" => self.policy = reader.read(&place, value),
            "protected" => self.protected = reader.list(&place, value),
            "constraints" => self.constraints = reader.map(&place, value),
            "reasons" => self.reasons = reader.dictionary(&place, value),
            "background" => self.background = reader.read(&place, value),
            "labels" => self.labels = reader.map(&place, value),
            _ => {
                let hint = match near(name, MEMBERS) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => format!("it has {}", MEMBERS.join(", ")),
                };
                reader.problem(&place, "there is no such member", hint);
            }
        }
    }
}

/// Reads values and collects what is wrong with them.
#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, place: &str, problem: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(at(place, problem, hint));
    }

    /// None for null too.
    fn read<T: DeserializeOwned>(&mut self, place: &str, value: &Json) -> Option<T> {
        if value.is_null() {
            return None;
        }
        match serde_json::from_value(value.clone()) {
            Ok(read) => Some(read),
            Err(error) => {
                self.problem(place, error.to_string(), "see docs/registration.md");
                None
            }
        }
    }

    fn list<T: DeserializeOwned>(&mut self, place: &str, value: &Json) -> Vec<T> {
        match value {
            Json::Null => Vec::new(),
            Json::Array(elements) => {
                let read =
                    |(nth, element): (usize, &Json)| self.read(&format!("{place}/{nth}"), element);
                elements.iter().enumerate().filter_map(read).collect()
            }
            _ => {
                self.problem(place, "it is not an array", "give an array");
                Vec::new()
            }
        }
    }

    fn map<T: DeserializeOwned>(&mut self, place: &str, value: &Json) -> BTreeMap<String, T> {
        match value {
            Json::Null => BTreeMap::new(),
            Json::Object(members) => {
                let read = |(name, member): (&String, &Json)| {
                    Some((name.clone(), self.read(&below(place, name), member)?))
                };
                members.iter().filter_map(read).collect()
            }
            _ => {
                self.problem(place, "it is not an object", "give an object by pointer");
                BTreeMap::new()
            }
        }
    }

    /// Entry by entry, so that the entry is named that is wrong.
    fn dictionary(&mut self, place: &str, value: &Json) -> Option<Dictionary> {
        let mut without: Map<String, Json> = match value {
            Json::Object(members) => members.clone(),
            other => return self.read(place, other),
        };
        #[allow(clippy::single_match_else, reason = "both ends are told")]
        let entries: Vec<Entry> = match without.insert("entries".to_owned(), Json::Array(vec![])) {
            Some(entries) => self.list(&format!("{place}/entries"), &entries),
            None => {
                self.problem(
                    place,
                    "it has no `entries`",
                    "give its reasons as `entries`",
                );
                Vec::new()
            }
        };
        let read: Option<Dictionary> = self.read(place, &Json::Object(without));
        read.map(|dictionary| Dictionary {
            entries,
            ..dictionary
        })
    }
}

/// By hand: serde can refuse unknown members or flatten the encoding, not both.
impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let Some(Json::String(field)) = members.remove("field") else {
            return Err(D::Error::custom(
                "`field` is missing: the pointer to a field",
            ));
        };
        let encoding: Encoding =
            serde_json::from_value(Json::Object(members)).map_err(D::Error::custom)?;
        Ok(Feature { field, encoding })
    }
}

/// Numbers keep their digits in this workspace, which serde's tagged enums cannot read as doubles.
pub(super) fn numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, f64>, D::Error> {
    let numbers = BTreeMap::<String, Number>::deserialize(deserializer)?;
    let double = |(name, number): (String, Number)| {
        let double = number.as_f64().filter(|it| it.is_finite());
        let refused = || D::Error::custom(format!("{number} of {name:?} is too large"));
        Ok((name.clone(), double.ok_or_else(refused)?))
    };
    numbers.into_iter().map(double).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registration::Absent;

    #[test]
    fn a_registration_reads_back_as_it_was_written() {
        let config = json!({
            "format": "xgboost-json",
            "features": [
                {"field": "/input/age", "encoding": "plain", "input": "age"},
                {"field": "/input/job", "encoding": "one-hot", "inputs": {"a": "job=a"}, "unknown": "zeros"},
                {"field": "/input/grade", "encoding": "ordinal", "input": "grade", "codes": {"x": 1, "y": 2.5}},
                {"field": "/input/v", "encoding": "vector", "inputs": ["f0", "f1"]}
            ],
            "absent": "missing",
            "output": {"class": 1, "outputs": {"/output/margin": {"margin": true}}},
            "policy": {"bands": [{"below": 0.5, "decision": "approve"}, {"decision": "deny"}], "adverse": ["deny"]},
            "protected": ["/input/sex"],
            "constraints": {"/input/age": {"immutable": true}},
            "background": {"near-cutoff": 100}
        });
        let read = Registration::parse(&config).unwrap();
        assert_eq!(read.features.len(), 4);
        assert_eq!(read.absent, Absent::Missing);
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(Registration::parse(&written).unwrap(), read);
    }

    #[test]
    fn every_problem_is_named_with_its_place() {
        let config = json!({
            "polcy": {},
            "features": [
                {"field": "/input/age", "encoding": "plain", "input": "age", "inputs": []},
                {"encoding": "plain", "input": "age"},
                {"field": "/input/x", "encoding": "binned"}
            ],
            "constraints": {"/input/age": {"imutable": true}},
            "reasons": {"version": "1", "entries": [{"code": "A"}]},
            "labels": 7
        });
        let error = Registration::parse(&config).unwrap_err();
        let places: Vec<&str> = error.problems.iter().map(|it| it.place.as_str()).collect();
        let expected = [
            "/constraints/~1input~1age",
            "/features/0",
            "/features/1",
            "/features/2",
            "/labels",
            "/polcy",
            "/reasons/entries/0",
        ];
        let mut sorted = places.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "{error}");
        assert!(
            error.to_string().contains("did you mean \"policy\"?"),
            "{error}"
        );
    }

    #[test]
    fn a_later_config_takes_the_place_of_whole_members() {
        let first = Registration::parse(&json!({
            "policy": {"bands": [{"decision": "deny"}], "adverse": ["deny"]},
            "protected": ["/input/sex"]
        }))
        .unwrap();
        let later = first
            .with(&json!({"protected": ["/input/age"], "policy": null}))
            .unwrap();
        assert_eq!(later.protected, ["/input/age"]);
        assert_eq!(later.policy, None);
        assert!(first.with(&json!([])).is_err());
    }
}
