//! What was in force when: a registration through the `config` records that changed it, and what two decisions differ by.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Registration, RegistrationError};
use crate::fields::below;

/// A registration at one moment, and the records that say so.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// What was in force.
    pub registration: Registration,
    /// Id of the record that each member was last set by.
    pub set_by: BTreeMap<String, String>,
}

/// Something that is in force for one decision and not for another.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Differing {
    /// JSON Pointer into the registration.
    pub member: String,
    /// What the first has; null if it has nothing there.
    pub first: Json,
    /// What the second has.
    pub second: Json,
}

impl InForce {
    /// From the `model` record.
    ///
    /// # Errors
    /// [`RegistrationError`] for what cannot be read.
    pub fn new(id: &str, config: &Json) -> Result<Self, RegistrationError> {
        let nothing = Self {
            registration: Registration::default(),
            set_by: BTreeMap::new(),
        };
        nothing.then(id, config)
    }

    /// After a `config` record.
    ///
    /// # Errors
    /// [`RegistrationError`] for what cannot be read; what was in force before stays so.
    pub fn then(&self, id: &str, config: &Json) -> Result<Self, RegistrationError> {
        let registration = self.registration.with(config)?;
        let mut set_by = self.set_by.clone();
        for (member, value) in config.as_object().into_iter().flatten() {
            if value.is_null() {
                set_by.remove(member);
            } else {
                set_by.insert(member.clone(), id.to_owned());
            }
        }
        Ok(Self {
            registration,
            set_by,
        })
    }
}

/// Where two registrations differ, place by place: objects member by member, arrays as a whole.
///
/// # Errors
/// If a registration cannot be written as JSON, which one that was read can.
pub fn differences(
    first: &Registration,
    second: &Registration,
) -> Result<Vec<Differing>, serde_json::Error> {
    let mut found = Vec::new();
    let (first, second) = (serde_json::to_value(first)?, serde_json::to_value(second)?);
    compare("", &first, &second, &mut found);
    Ok(found)
}

fn compare(place: &str, first: &Json, second: &Json, found: &mut Vec<Differing>) {
    if first == second {
        return;
    }
    let (Some(left), Some(right)) = (first.as_object(), second.as_object()) else {
        found.push(Differing {
            member: place.to_owned(),
            first: first.clone(),
            second: second.clone(),
        });
        return;
    };
    let only_right = right.keys().filter(|name| !left.contains_key(*name));
    for name in left.keys().chain(only_right) {
        let of = |members: &serde_json::Map<String, Json>| {
            members.get(name).cloned().unwrap_or(Json::Null)
        };
        compare(&below(place, name), &of(left), &of(right), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_record_is_named_that_set_what_was_in_force() {
        let model = json!({"policy": {"bands": [{"decision": "deny"}], "adverse": []}, "protected": ["/input/sex"]});
        let first = InForce::new("model-1", &model).unwrap();
        let second = first
            .then(
                "config-2",
                &json!({"policy": {"bands": [{"decision": "deny"}], "adverse": ["deny"]}}),
            )
            .unwrap();
        assert_eq!(first.set_by["policy"], "model-1");
        assert_eq!(second.set_by["policy"], "config-2");
        assert_eq!(second.set_by["protected"], "model-1");
        let found = differences(&first.registration, &second.registration).unwrap();
        let expected = Differing {
            member: "/policy/adverse".to_owned(),
            first: json!([]),
            second: json!(["deny"]),
        };
        assert_eq!(found, [expected]);
        assert!(first.then("config-3", &json!({"polcy": 1})).is_err());
    }
}
