//! A record in plain words: what was decided, against which limit, for which reasons.
//!
//! Words come from the record and from the dictionary it names (a `config` record with `config.dictionary`: labels of
//! attributes, codes, reasons and decisions). What neither says is not said: without a dictionary that tells which way
//! the score runs, no limit is called crossed.

use serde_json::{Map, Value};

use crate::output::printable;

/// Labels for the codes of a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionary {
    value: Value,
}

impl Dictionary {
    /// The dictionary in a `config` record, or one without words.
    pub(crate) fn of_record(record: &Value) -> Dictionary {
        Dictionary {
            value: record
                .pointer("/config/dictionary")
                .cloned()
                .unwrap_or_default(),
        }
    }

    /// The id of the record that holds the dictionary of this one.
    pub(crate) fn id_in(record: &Value) -> Option<&str> {
        record.pointer("/explanation/dictionary")?.as_str()
    }

    /// What an attribute is called.
    pub(crate) fn attribute(&self, name: &str) -> String {
        let label = self
            .value
            .get("attributes")
            .and_then(|it| it.get(name)?.get("label")?.as_str());
        printable(label.unwrap_or(name))
    }

    /// Whether the values of an attribute are codes with words for them, so that their difference means nothing.
    pub(crate) fn is_coded(&self, attribute: &str) -> bool {
        self.value.get("attributes").is_some_and(|it| {
            it.get(attribute)
                .is_some_and(|it| it.get("values").is_some())
        })
    }

    /// What a value of an attribute means, with its code where the two differ: `overdrawn (A12)`, `28 years`.
    pub(crate) fn meaning(&self, attribute: &str, value: &Value) -> String {
        let shown = text_of(value);
        let Some(entry) = self
            .value
            .get("attributes")
            .and_then(|it| it.get(attribute))
        else {
            return shown;
        };
        if let Some(words) = entry
            .get("values")
            .and_then(|it| it.get(code_of(value))?.as_str())
        {
            return if words == shown {
                shown
            } else {
                format!("{} ({shown})", printable(words))
            };
        }
        match entry.get("unit").and_then(Value::as_str) {
            Some(unit) => format!("{shown} {}", printable(unit)),
            None => shown,
        }
    }

    /// The words of a reason: as recorded with the decision, else by its code.
    pub(crate) fn reason(&self, reason: &Value) -> String {
        let recorded = reason.get("text").and_then(Value::as_str);
        let code = reason.get("code").and_then(Value::as_str);
        let by_code = || self.value.get("reasons")?.get(code?)?.as_str();
        let words = recorded.or_else(by_code).or(code);
        words.map_or_else(|| text_of(reason), printable)
    }

    fn decision(&self, decision: &str) -> String {
        let label = self
            .value
            .get("decisions")
            .and_then(|it| it.get(decision)?.as_str());
        match label {
            Some(label) => printable(label),
            None => capitalised(&printable(decision)),
        }
    }
}

/// The outcome of a decision in a sentence: "Denied: the probability of default, 0.578, is above the limit of 0.5 for
/// deny." `None` if the record holds neither a decision nor an output.
pub(crate) fn sentence(record: &Value, dictionary: &Dictionary) -> Option<String> {
    let Some(decision) = record.get("decision").and_then(Value::as_str) else {
        return record
            .get("output")
            .map(|output| format!("Output: {}", text_of(output)));
    };
    let verdict = dictionary.decision(decision);
    let Some(score) = record.get("score") else {
        return Some(format!("{verdict}."));
    };
    let label = dictionary
        .value
        .pointer("/score/label")
        .and_then(Value::as_str)
        .unwrap_or("score");
    let limits = limits(record);
    let sure = dictionary
        .value
        .pointer("/score/adverse")
        .and_then(Value::as_str)
        == Some("above");
    if let Some(number) = score.as_f64().filter(|_| sure && !limits.is_empty()) {
        let shown = rounded(number, &limits);
        let margin = margin(number, &limits);
        return Some(format!(
            "{verdict}: the {}, {shown}, is {margin}.",
            printable(label)
        ));
    }
    let listed: Vec<String> = limits
        .iter()
        .map(|limit| format!("{} {}", limit.name, limit.text))
        .collect();
    let against = if listed.is_empty() {
        String::new()
    } else {
        format!(" (limits: {})", listed.join(", "))
    };
    Some(format!(
        "{verdict}: {} {}{against}.",
        printable(label),
        text_of(score)
    ))
}

/// A named limit on the score, from `parameters.thresholds`.
struct Limit {
    name: String,
    text: String,
    value: f64,
}

/// Limits in rising order.
fn limits(record: &Value) -> Vec<Limit> {
    let thresholds = record
        .pointer("/parameters/thresholds")
        .and_then(Value::as_object);
    let limit = |(name, value): (&String, &Value)| {
        Some(Limit {
            name: printable(name),
            text: text_of(value),
            value: value.as_f64()?,
        })
    };
    let mut limits: Vec<Limit> = thresholds.into_iter().flatten().filter_map(limit).collect();
    limits.sort_by(|a, b| a.value.total_cmp(&b.value));
    limits
}

/// Where the score stands among the limits; higher is worse.
fn margin(score: f64, limits: &[Limit]) -> String {
    let place = |limit: &Limit| format!("the limit of {} for {}", limit.text, limit.name);
    let reached = limits.iter().rfind(|limit| score >= limit.value);
    let next = limits.iter().find(|limit| score < limit.value);
    let reached = reached.map(|limit| {
        let relation = if score > limit.value { "above" } else { "at" };
        format!("{relation} {}", place(limit))
    });
    let next = next.map(|limit| format!("below {}", place(limit)));
    match (reached, next) {
        (Some(reached), Some(next)) => format!("{reached} and {next}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "without a limit".to_owned(),
    }
}

/// A score to three digits, or to as many as it takes not to look like a limit it is not.
fn rounded(score: f64, limits: &[Limit]) -> String {
    let misleads = |text: &str| {
        let shown: f64 = text.parse().unwrap_or(score);
        limits
            .iter()
            .any(|limit| shown.total_cmp(&limit.value) != score.total_cmp(&limit.value))
    };
    let candidates = (3..17).map(|digits| format!("{score:.digits$}"));
    candidates
        .into_iter()
        .find(|text| !misleads(text))
        .unwrap_or_else(|| score.to_string())
}

/// A number with its sign, to three digits: `+0.770`.
pub(crate) fn signed(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(|| text_of(value), |number| format!("{number:+.3}"))
}

/// A JSON value as people write it: strings without quotes, the rest as it stands.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// The leaves of an object as dotted name and value, in order: `{"a": {"b": 1}}` is `a.b`, 1.
pub(crate) fn leaves<'a>(object: &'a Map<String, Value>, prefix: &str) -> Vec<(String, &'a Value)> {
    let mut leaves = Vec::new();
    for (key, value) in object {
        let name = if prefix.is_empty() {
            printable(key)
        } else {
            format!("{prefix}.{}", printable(key))
        };
        match value {
            Value::Object(inner) if !inner.is_empty() => leaves.extend(self::leaves(inner, &name)),
            _ => leaves.push((name, value)),
        }
    }
    leaves
}

/// The text by which a value is looked up in a dictionary: numbers too, by their digits.
fn code_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dictionary() -> Dictionary {
        Dictionary::of_record(&json!({"config": {"dictionary": {
            "score": {"label": "probability of default", "adverse": "above"},
            "decisions": {"deny": "Denied"},
            "attributes": {
                "age": {"label": "Age", "unit": "years"},
                "status": {"label": "Account", "values": {"A12": "overdrawn", "1": "one"}}}}}}))
    }

    fn decided(decision: &str, score: f64) -> Value {
        json!({"decision": decision, "score": score, "parameters": {"thresholds": {"deny": 0.5, "refer": 0.4}}})
    }

    #[test]
    fn a_denial_names_the_limit_it_crossed() {
        assert_eq!(
            sentence(&decided("deny", 0.578_101), &dictionary()).unwrap(),
            "Denied: the probability of default, 0.578, is above the limit of 0.5 for deny."
        );
    }

    #[test]
    fn a_score_between_two_limits_names_both() {
        assert_eq!(
            sentence(&decided("refer", 0.46), &dictionary()).unwrap(),
            "Refer: the probability of default, 0.460, is above the limit of 0.4 for refer and below the limit of 0.5 \
             for deny."
        );
    }

    #[test]
    fn rounding_never_moves_a_score_onto_a_limit() {
        let words = sentence(&decided("refer", 0.499_96), &dictionary()).unwrap();
        assert!(words.contains("0.49996"), "{words}");
    }

    #[test]
    fn without_a_direction_no_limit_is_called_crossed() {
        let words = sentence(&decided("deny", 0.25), &Dictionary::default()).unwrap();
        assert_eq!(words, "Deny: score 0.25 (limits: refer 0.4, deny 0.5).");
    }

    #[test]
    fn codes_are_shown_beside_their_meaning() {
        let words = dictionary();
        assert_eq!(words.meaning("status", &json!("A12")), "overdrawn (A12)");
        assert_eq!(words.meaning("status", &json!(1)), "one (1)");
        assert_eq!(words.meaning("age", &json!(28)), "28 years");
        assert_eq!(words.meaning("other", &json!([1, 2])), "[1,2]");
    }
}
