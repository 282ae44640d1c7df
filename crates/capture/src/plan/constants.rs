//! The members that are the same in every record, checked for place and type and turned into JSON text once.

use std::collections::BTreeMap;

use super::problem;
use crate::error::nearest;
use crate::mapping::{Members, structured_names};
use crate::{CaptureError, Mapping, text};

/// The members that a mapping gives as constants, as JSON text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constants {
    pub(crate) single: BTreeMap<String, String>,
    pub(crate) structured: BTreeMap<String, BTreeMap<String, String>>,
}
impl Constants {
    /// The constants of a mapping, checked for place and type.
    pub(crate) fn of(mapping: &Mapping) -> Result<Constants, CaptureError> {
        let mut constants = Constants::default();
        for (member, value) in &mapping.constants {
            let place = format!("constants.{member}");
            let is_structured = structured_names().contains(&member.as_str());
            match value {
                toml::Value::Table(table) if is_structured => {
                    let mut object = BTreeMap::new();
                    for (key, value) in table {
                        object.insert(key.clone(), json_of(&format!("{place}.{key}"), value)?);
                    }
                    constants.structured.insert(member.clone(), object);
                }
                value if SINGLE.contains(&member.as_str()) => {
                    constants
                        .single
                        .insert(member.clone(), json_of(&place, value)?);
                }
                _ if is_structured => {
                    return Err(problem(
                        &place,
                        "this is a table of its members, e.g. model.name = \"credit\"",
                    ));
                }
                _ => {
                    let known = SINGLE.iter().copied().chain(structured_names());
                    let near = nearest(member, known)
                        .map_or_else(String::new, |name| format!(", did you mean {name:?}?"));
                    return Err(problem(
                        &place,
                        format!("a record has no such member{near}"),
                    ));
                }
            }
        }
        for (role, members) in mapping.columns.structured() {
            if matches!(members, Some(Members::Whole(_))) && constants.structured.contains_key(role)
            {
                return Err(problem(
                    &format!("constants.{role}"),
                    format!(
                        "columns.{role} is one column taken whole; name its columns in a list to add constants"
                    ),
                ));
            }
        }
        Ok(constants)
    }
}
/// A TOML value as JSON text.
fn json_of(place: &str, value: &toml::Value) -> Result<String, CaptureError> {
    Ok(match value {
        toml::Value::String(value) => text::quoted(value),
        toml::Value::Integer(value) => value.to_string(),
        toml::Value::Float(value) if !value.is_finite() => {
            return Err(problem(place, "not a finite number"));
        }
        toml::Value::Float(value) => crate::number::from_f64(*value).into_owned(),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(value) => text::quoted(&value.to_string()),
        toml::Value::Array(values) => {
            let values: Result<Vec<String>, _> =
                values.iter().map(|value| json_of(place, value)).collect();
            format!("[{}]", values?.join(","))
        }
        toml::Value::Table(table) => {
            let mut out = String::from("{");
            for (index, (key, value)) in table.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text::push_string(&mut out, key);
                out.push(':');
                out.push_str(&json_of(place, value)?);
            }
            out.push('}');
            out
        }
    })
}
const SINGLE: [&str; 7] = [
    "time",
    "subject",
    "decision",
    "score",
    "refers_to",
    "automation",
    "id",
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_checked_and_become_json() {
        let of = |text: &str| Constants::of(&Mapping::parse(text).unwrap());
        let constants =
            of("constants.parameters = { t = 0.5, seeds = [1, 2] }\nconstants.automation = 'sole'")
                .unwrap();
        assert_eq!(constants.structured["parameters"]["t"], "0.5");
        assert_eq!(constants.structured["parameters"]["seeds"], "[1,2]");
        assert_eq!(constants.single["automation"], "\"sole\"");
        assert!(
            of("constants.modell.name = 'x'")
                .unwrap_err()
                .to_string()
                .contains("\"model\"")
        );
        assert!(of("constants.model = 'x'").is_err());
        assert!(of("columns.model = 'm'\nconstants.model.version = '1'").is_err());
    }
}
