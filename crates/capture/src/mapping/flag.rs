//! One key of a mapping from a flag of a command: the same keys as in the file, with values as a hand types them.

use serde::Deserialize;

use super::{Mapping, mapping_text, structured_names};
use crate::CaptureError;

impl Mapping {
    /// Sets one key from a flag: `set("columns.decision", "action_taken")`, `set("constants.model.name", "credit")`.
    ///
    /// Where a key can take several columns: one name is the value of that column as a whole, names with commas
    /// (`age,applicant_*`; `age,` for a single one) make an object of them, `new:=old` one under new names. Constants are
    /// text, except those of `parameters`, which are numbers and booleans where they look like it. A value in brackets,
    /// braces or double quotes is read as TOML.
    ///
    /// # Errors
    /// [`CaptureError::MappingText`] for an unknown key or a value of the wrong type.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), CaptureError> {
        let mut root =
            toml::Table::try_from(&*self).map_err(|error| CaptureError::MappingText {
                problem: error.to_string(),
                nearest: None,
            })?;
        let mut path: Vec<&str> = key.split('.').collect();
        // The word of a decision may itself have a dot in it.
        if let Some(word) = key.strip_prefix("decision.values.") {
            path = vec!["decision", "values", word];
        }
        let Some((last, parents)) = path.split_last() else {
            return Ok(());
        };
        let mut table = &mut root;
        for parent in parents {
            let entry = table
                .entry((*parent).to_owned())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if !entry.is_table() {
                *entry = toml::Value::Table(toml::Table::new());
            }
            let Some(inner) = entry.as_table_mut() else {
                return Ok(());
            };
            table = inner;
        }
        table.insert((*last).to_owned(), flag_value(key, value)?);
        *self = Mapping::deserialize(root).map_err(|error| mapping_text(&error))?;
        Ok(())
    }
}

fn flag_value(key: &str, value: &str) -> Result<toml::Value, CaptureError> {
    if value.starts_with(['[', '{', '"']) {
        return parse_toml_value(value);
    }
    let text = || Ok(toml::Value::String(value.to_owned()));
    let list = || {
        let parts = value
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        Ok(toml::Value::Array(parts.map(toml::Value::from).collect()))
    };
    if key.starts_with("constants.parameters.") {
        return parse_toml_value(value).or_else(|_| text());
    }
    match key {
        "read.header" | "read.trim" | "read.skip" => parse_toml_value(value),
        "read.columns" | "read.missing" | "columns.exclude" | "types.number" | "types.text"
        | "types.json" => list(),
        _ => match key.strip_prefix("columns.") {
            Some(role) if structured_names().contains(&role) => {
                if value.contains(":=") {
                    let mut named = toml::Table::new();
                    for part in value.split(',') {
                        let (new, old) = part.split_once(":=").unwrap_or((part, part));
                        named.insert(new.trim().to_owned(), toml::Value::from(old.trim()));
                    }
                    return Ok(toml::Value::Table(named));
                }
                if value.contains([',', '*']) {
                    list()
                } else {
                    text()
                }
            }
            _ => text(),
        },
    }
}

fn parse_toml_value(value: &str) -> Result<toml::Value, CaptureError> {
    value
        .parse::<toml::Value>()
        .map_err(|error| mapping_text(&error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn flags_set_single_keys() {
        let mut mapping = Mapping::default();
        mapping.set("columns.input", "age,applicant_*").unwrap();
        mapping
            .set("columns.explanation", "base_value:=bias")
            .unwrap();
        mapping.set("columns.output", "answer").unwrap();
        mapping.set("columns.context", "branch,").unwrap();
        mapping.set("columns.decision", "action").unwrap();
        mapping.set("constants.model.version", "1.20").unwrap();
        mapping
            .set("constants.parameters.threshold", "0.5")
            .unwrap();
        mapping.set("decision.values.v1.2", "yes").unwrap();
        mapping.set("read.header", "false").unwrap();
        let expected = Mapping::parse(
            r#"
            read.header = false
            [columns]
            input = ["age", "applicant_*"]
            explanation = { base_value = "bias" }
            output = "answer"
            context = ["branch"]
            decision = "action"
            [decision.values]
            "v1.2" = "yes"
            [constants]
            model.version = "1.20"
            parameters.threshold = 0.5
        "#,
        )
        .unwrap();
        assert_eq!(mapping, expected);
        assert!(mapping.set("columns.inptu", "x").is_err());
    }
}
