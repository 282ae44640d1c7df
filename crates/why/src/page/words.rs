//! What things are called: fields, coded values and decisions in the words of the ledger's owner, numbers as people read
//! them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::fields::Scalar;

/// Numbers from here on are written in powers of ten.
const TOO_LARGE: f64 = 1e9;

/// Words for what an answer names by pointer or code. What has none is shown as it stands in the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Names of fields, by pointer.
    pub fields: BTreeMap<String, String>,
    /// What codes mean, by pointer and code.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// Units of numbers, by pointer.
    pub units: BTreeMap<String, String>,
    /// Names of decisions.
    pub decisions: BTreeMap<String, String>,
    /// What the score is: "probability of default".
    pub score: Option<String>,
    /// How to contest a decision, as the organisation says it: stands on the subject's page.
    pub contest: Option<String>,
}

impl Words {
    /// Those of a registration's `labels`.
    pub fn of_labels(labels: &BTreeMap<String, String>) -> Self {
        Self {
            fields: labels.clone(),
            ..Self::default()
        }
    }

    /// Those of a `config` record with `config.dictionary`; its attributes are members of `input`.
    pub fn of_dictionary(record: &Json) -> Self {
        let Some(dictionary) = record.pointer("/config/dictionary") else {
            return Self::default();
        };
        let mut words = Self {
            decisions: texts(dictionary.get("decisions")),
            score: text(dictionary.pointer("/score/label")),
            contest: text(dictionary.get("contest")),
            ..Self::default()
        };
        let attributes = dictionary.get("attributes").and_then(Json::as_object);
        for (name, attribute) in attributes.into_iter().flatten() {
            let pointer = format!("/input/{}", name.replace('~', "~0").replace('/', "~1"));
            if let Some(label) = text(attribute.get("label")) {
                words.fields.insert(pointer.clone(), label);
            }
            if let Some(unit) = text(attribute.get("unit")) {
                words.units.insert(pointer.clone(), unit);
            }
            let meanings = texts(attribute.get("values"));
            if !meanings.is_empty() {
                words.values.insert(pointer, meanings);
            }
        }
        words
    }

    /// These, with the names of fields in `labels` before their own.
    #[must_use]
    pub fn with_labels(mut self, labels: &BTreeMap<String, String>) -> Self {
        self.fields.extend(labels.clone());
        self
    }

    /// A field by its name; without one, its pointer as a path: `applicant.age` for `/input/applicant/age`.
    pub(crate) fn field(&self, field: &str) -> String {
        if let Some(name) = of_field(&self.fields, field) {
            return name.clone();
        }
        let Some(path) = field.strip_prefix('/') else {
            return field.to_owned();
        };
        let path = path.strip_prefix("input/").unwrap_or(path);
        let tokens: Vec<String> = path
            .split('/')
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect();
        tokens.join(".")
    }

    /// A value with what it means and its code: `overdrawn (A12)`, `28 years`.
    pub(crate) fn value(&self, field: &str, value: &Scalar) -> String {
        let shown = scalar(value);
        if matches!(value, Scalar::Missing) {
            return shown;
        }
        if let Some(meaning) = of_field(&self.values, field).and_then(|codes| codes.get(&shown)) {
            return if *meaning == shown {
                shown
            } else {
                format!("{meaning} ({shown})")
            };
        }
        match (value, of_field(&self.units, field)) {
            (Scalar::Number(_), Some(unit)) => format!("{shown} {unit}"),
            _ => shown,
        }
    }

    /// A field and its value: `Term: 28 months`.
    pub(crate) fn field_and_value(&self, field: &str, value: &Scalar) -> String {
        format!("{}: {}", self.field(field), self.value(field, value))
    }

    /// A decision by its name; without one, as recorded with a capital.
    pub(crate) fn decision(&self, decision: &str) -> String {
        self.decisions
            .get(decision)
            .cloned()
            .unwrap_or_else(|| capital(decision))
    }

    /// What the score is called.
    pub(crate) fn score(&self) -> &str {
        self.score.as_deref().unwrap_or("score")
    }
}

/// What is said of a field, which is named by pointer or, in recorded explanations, by its name in the input.
fn of_field<'a, T>(said: &'a BTreeMap<String, T>, field: &str) -> Option<&'a T> {
    said.get(field)
        .or_else(|| said.get(&format!("/input/{field}")))
}

fn text(value: Option<&Json>) -> Option<String> {
    value.and_then(Json::as_str).map(str::to_owned)
}

fn texts(value: Option<&Json>) -> BTreeMap<String, String> {
    let members = value.and_then(Json::as_object);
    let pairs = members.into_iter().flatten();
    pairs
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// A value as it is written.
fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Missing => "missing".to_owned(),
        Scalar::Boolean(true) => "yes".to_owned(),
        Scalar::Boolean(false) => "no".to_owned(),
        Scalar::Number(number) => exact(*number),
        Scalar::Text(text) if text.is_empty() => "(empty)".to_owned(),
        Scalar::Text(text) => text.clone(),
    }
}

/// A number to its last digit.
pub(crate) fn exact(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-5..1e15).contains(&size) {
        format!("{number:e}")
    } else {
        format!("{number}")
    }
}

/// A number to three significant digits: what counts is its size.
pub(crate) fn rough(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{number:.2e}");
    }
    let digits = (2 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{number:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Digits after the point that show numbers up to `largest` to about three significant ones.
pub(crate) fn digits_for(largest: f64) -> usize {
    if largest > 0.0 && largest.is_finite() {
        (2 - largest.log10().floor() as i32).clamp(0, 9) as usize
    } else {
        3
    }
}

/// A number to so many digits after the point; one too large to read so in powers of ten.
pub(crate) fn fixed(number: f64, digits: usize) -> String {
    if number.abs() >= TOO_LARGE {
        format!("{number:.3e}")
    } else {
        format!("{number:.digits$}")
    }
}

/// A number with its sign, to so many digits; 0 has none.
pub(crate) fn signed(number: f64, digits: usize) -> String {
    if number.abs() >= TOO_LARGE {
        return format!("{number:+.3e}");
    }
    let text = format!("{number:+.digits$}");
    let is_nothing = text.chars().all(|c| matches!(c, '+' | '-' | '0' | '.'));
    if is_nothing && number != 0.0 {
        return format!("{number:+.0e}");
    }
    if is_nothing {
        return text.trim_start_matches(['+', '-']).to_owned();
    }
    text
}

/// A number with its sign and up to six digits after the point.
pub(crate) fn signed_exact(number: f64) -> String {
    if number != 0.0 && !(1e-6..TOO_LARGE).contains(&number.abs()) {
        return format!("{number:+e}");
    }
    let text = format!("{number:+.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A score to three digits, or to as many as it takes not to look like the threshold or cross it.
pub(crate) fn score_beside(score: f64, threshold: Option<f64>) -> String {
    let Some(threshold) = threshold else {
        return if (0.0..=1.0).contains(&score.abs()) {
            format!("{score:.3}")
        } else {
            rough(score)
        };
    };
    let misleads = |text: &str| {
        let shown: f64 = text.parse().unwrap_or(score);
        shown.total_cmp(&threshold) != score.total_cmp(&threshold)
    };
    if score.is_nan() || score.abs() >= TOO_LARGE {
        return exact(score);
    }
    (3..17)
        .map(|digits| format!("{score:.digits$}"))
        .find(|text| !misleads(text))
        .unwrap_or_else(|| exact(score))
}

/// A JSON value as people write it: strings without quotes, the rest as it stands.
pub(crate) fn json(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time as people read it, to the second: `2026-06-19 11:23:04 UTC`. What has another form stays as it is.
pub(crate) fn moment(time: &str) -> String {
    let Some((date, rest)) = time.split_once('T') else {
        return time.to_owned();
    };
    let (Some(clock), Some(behind)) = (rest.get(..8), rest.get(8..)) else {
        return time.to_owned();
    };
    let offset = behind.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let zone = if offset == "Z" { "UTC" } else { offset };
    format!("{date} {clock} {zone}")
}

/// With a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// `1 field`, `1,204 fields`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", grouped(number))
}

/// `1,204,331`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dictionary_gives_names_meanings_and_units() {
        let words = Words::of_dictionary(&json!({"config": {"dictionary": {
            "score": {"label": "probability of default"},
            "decisions": {"deny": "Denied"},
            "attributes": {
                "duration": {"label": "Term", "unit": "months"},
                "a/b": {"label": "Odd"},
                "status": {"label": "Account", "values": {"A12": "overdrawn", "1": "one"}}}}}}));
        assert_eq!(words.field("/input/duration"), "Term");
        assert_eq!(words.field("duration"), "Term");
        assert_eq!(words.field("/input/a~1b"), "Odd");
        assert_eq!(
            words.value("/input/duration", &Scalar::Number(28.0)),
            "28 months"
        );
        assert_eq!(
            words.value("status", &Scalar::Text("A12".into())),
            "overdrawn (A12)"
        );
        assert_eq!(words.value("status", &Scalar::Number(1.0)), "one (1)");
        assert_eq!(words.decision("deny"), "Denied");
        assert_eq!(words.decision("refer"), "Refer");
        assert_eq!(words.score(), "probability of default");
    }

    #[test]
    fn a_field_without_a_name_is_its_path() {
        let words = Words::default();
        assert_eq!(words.field("/input/applicant/age"), "applicant.age");
        assert_eq!(words.field("/output/p"), "output.p");
        assert_eq!(words.field("age"), "age");
    }

    #[test]
    fn rounding_never_moves_a_score_onto_a_threshold() {
        assert_eq!(score_beside(0.499_96, Some(0.5)), "0.49996");
        assert_eq!(score_beside(0.5781, Some(0.5)), "0.578");
        assert_eq!(score_beside(0.5, Some(0.5)), "0.500");
        assert_eq!(score_beside(712.0, None), "712");
    }

    #[test]
    fn times_are_read_to_the_second() {
        assert_eq!(
            moment("2026-06-19T11:23:04.118Z"),
            "2026-06-19 11:23:04 UTC"
        );
        assert_eq!(
            moment("2026-06-19T11:23:04+02:00"),
            "2026-06-19 11:23:04 +02:00"
        );
        assert_eq!(moment("yesterday"), "yesterday");
        assert_eq!(moment("Tä"), "Tä");
    }

    #[test]
    fn numbers_are_as_long_as_they_need_to_be() {
        assert_eq!(exact(6.0), "6");
        assert_eq!(exact(1e300), "1e300");
        assert_eq!(rough(0.043_217), "0.0432");
        assert_eq!(rough(1_234.6), "1235");
        assert_eq!(signed(0.25, 3), "+0.250");
        assert_eq!(signed(-0.000_01, 3), "-1e-5");
        assert_eq!(signed(-0.0, 3), "0.000");
        assert_eq!(digits_for(0.8), 3);
        assert_eq!(digits_for(120.0), 0);
        assert_eq!(grouped(1_204_331), "1,204,331");
        assert_eq!(grouped(331), "331");
    }
}
