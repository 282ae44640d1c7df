//! Explanations that were recorded: with the decision, or later in records of their own.

use serde_json::Value as Json;

use crate::document::{Attributions, Baseline, Contribution, Difference};
use crate::fields::{Scalar, json_at, scalar_at};

/// As many fields are looked at to tell whether an order is another one: as many as reasons are told.
const ORDERED: usize = 4;

/// The attributions in a record's `explanation`, under the names that they were recorded by; none if it has none.
pub fn attributions(record: &str) -> Option<Attributions> {
    let explanation = json_at(record, "/explanation")?;
    let mut fields: Vec<Contribution> = match explanation.get("attributions")? {
        Json::Object(by_name) => by_name
            .iter()
            .filter_map(|(name, value)| contribution(record, name, value, None))
            .collect(),
        Json::Array(entries) => entries
            .iter()
            .filter_map(|entry| listed(record, entry))
            .collect(),
        _ => return None,
    };
    if fields.is_empty() {
        return None;
    }
    fields.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    let word = |name: &str| explanation.get(name)?.as_str().map(str::to_owned);
    let number = |name: &str| explanation.get(name).and_then(Json::as_f64);
    let method = match (word("method"), word("method_version")) {
        (Some(method), Some(version)) => format!("{method}, {version}"),
        (Some(method), None) => method,
        (None, _) => "not said".to_owned(),
    };
    let base = number("base_value");
    let sum: f64 = fields.iter().map(|it| it.contribution).sum();
    let value = number("value");
    Some(Attributions {
        method,
        scale: word("scale"),
        baseline: explanation.get("baseline").and_then(baseline),
        residual: value.zip(base).map(|(value, base)| value - base - sum),
        base,
        value: value.or_else(|| base.map(|base| base + sum)),
        fields,
        seed: explanation.get("seed").and_then(Json::as_u64),
        against_recorded: None,
    })
}

fn listed(record: &str, entry: &Json) -> Option<Contribution> {
    let name = ["field", "feature", "name"]
        .iter()
        .find_map(|key| entry.get(*key)?.as_str())?;
    let value = ["contribution", "attribution", "value"]
        .iter()
        .find_map(|key| entry.get(*key))?;
    contribution(
        record,
        name,
        value,
        entry.get("error").and_then(Json::as_f64),
    )
}

fn contribution(
    record: &str,
    name: &str,
    value: &Json,
    error: Option<f64>,
) -> Option<Contribution> {
    Some(Contribution {
        field: name.to_owned(),
        value: scalar_at(record, &pointer(name)).unwrap_or(Scalar::Missing),
        contribution: value.as_f64()?,
        error,
    })
}

/// Where a field is that was named without its place: among the members of the input.
pub fn pointer(name: &str) -> String {
    if name.starts_with('/') {
        return name.to_owned();
    }
    format!("/input/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn baseline(said: &Json) -> Option<Baseline> {
    let name = match said {
        Json::String(name) => name.clone(),
        Json::Object(members) => members.get("name")?.as_str()?.to_owned(),
        _ => return None,
    };
    let word = |key: &str| said.get(key).and_then(Json::as_str).map(str::to_owned);
    Some(Baseline {
        name,
        rows: said
            .get("rows")
            .and_then(Json::as_u64)
            .and_then(|rows| usize::try_from(rows).ok()),
        digest: word("digest"),
    })
}

/// How recomputed attributions differ from recorded ones, over the fields that both have.
pub fn difference(recorded: &Attributions, recomputed: &Attributions) -> Option<Difference> {
    let of = |attributions: &Attributions, field: &str| {
        let same = |it: &&Contribution| pointer(&it.field) == field;
        attributions
            .fields
            .iter()
            .find(same)
            .map(|it| it.contribution)
    };
    let apart = recorded.fields.iter().filter_map(|it| {
        let field = pointer(&it.field);
        let other = of(recomputed, &field)?;
        Some(((it.contribution - other).abs(), field))
    });
    let (max, field) = apart.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let first = |attributions: &Attributions| -> Vec<String> {
        attributions
            .fields
            .iter()
            .take(ORDERED)
            .map(|it| pointer(&it.field))
            .collect()
    };
    Some(Difference {
        max,
        field,
        other_order: first(recorded) != first(recomputed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"explanation":{"attributions":{"a":0.5,"b":-1.5},"base_value":1,"baseline":"all applicants","method":"TreeSHAP","scale":"log-odds"},"input":{"a":30,"b":"x"}}"#;

    #[test]
    fn recorded_attributions_come_with_the_values_that_they_are_of() {
        let found = attributions(RECORD).unwrap();
        assert_eq!(found.fields[0].field, "b");
        assert_eq!(found.fields[0].value, Scalar::Text("x".to_owned()));
        assert_eq!((found.base, found.value), (Some(1.0), Some(0.0)));
        assert_eq!(found.baseline.unwrap().name, "all applicants");
    }

    #[test]
    fn lists_of_attributions_are_read_as_objects_are() {
        let listed = RECORD.replace(
            r#"{"a":0.5,"b":-1.5}"#,
            r#"[{"contribution":0.5,"field":"/input/a"},{"attribution":-1.5,"feature":"b"}]"#,
        );
        let (found, objects) = (
            attributions(&listed).unwrap(),
            attributions(RECORD).unwrap(),
        );
        let of = |it: &Attributions| -> Vec<(String, f64)> {
            it.fields
                .iter()
                .map(|it| (pointer(&it.field), it.contribution))
                .collect()
        };
        assert_eq!(of(&found), of(&objects));
    }

    #[test]
    fn what_is_no_attribution_is_none() {
        for record in [
            "{}",
            r#"{"explanation":{}}"#,
            r#"{"explanation":{"attributions":"x"}}"#,
            r#"{"explanation":{"attributions":{"a":"x"}}}"#,
        ] {
            assert!(attributions(record).is_none(), "{record}");
        }
    }

    #[test]
    fn the_largest_difference_is_named_with_its_field() {
        let recorded = attributions(RECORD).unwrap();
        let mut recomputed = recorded.clone();
        recomputed.fields[1].field = "/input/a".to_owned();
        recomputed.fields[1].contribution = 2.0;
        recomputed.fields.reverse();
        let found = difference(&recorded, &recomputed).unwrap();
        assert_eq!(
            (found.max, found.field.as_str(), found.other_order),
            (1.5, "/input/a", true)
        );
    }
}
