//! Why: the reasons recorded with a decision, in their order, and what else counted.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Page;
use crate::output::printable;
use crate::words;

/// Attributions shown besides the reasons; the rest is one line.
const ATTRIBUTIONS_SHOWN: usize = 6;

impl Page<'_> {
    pub(super) fn why(&self, page: &mut String) {
        let Some(explanation) = self.value.get("explanation").and_then(Value::as_object) else {
            return;
        };
        let method = explanation.get("method").map(words::text_of);
        let version = explanation.get("method_version").map(words::text_of);
        let by: Vec<String> = method.into_iter().chain(version).collect();
        let by = if by.is_empty() {
            String::new()
        } else {
            format!(", by {}", by.join(", "))
        };
        self.section(page, &format!("Why (recorded with the decision{by})"));
        let reasons = explanation
            .get("reasons")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for (place, reason) in reasons.iter().enumerate() {
            self.reason(page, place + 1, reason);
        }
        let attributions = explanation.get("attributions").and_then(Value::as_object);
        if let Some(attributions) = attributions {
            self.attributions(page, attributions, reasons);
        }
        let base = explanation.get("base_value").map(words::text_of);
        if let (Some(base), Some(scale)) = (base, explanation.get("scale").and_then(Value::as_str))
        {
            let base = base
                .parse()
                .map_or(base, |number: f64| format!("{number:+.3}"));
            let scale = printable(scale);
            let _ = write!(
                page,
                "\n  {}",
                self.paint
                    .faint(&format!("Contributions in {scale}, from a base of {base}."))
            );
        }
    }

    fn reason(&self, page: &mut String, number: usize, reason: &Value) {
        let words = self.dictionary.reason(reason);
        let _ = write!(page, "\n  {number}. {words}");
        let attribute = reason.get("attribute").and_then(Value::as_str);
        if let Some(attribute) = attribute {
            let recorded = self
                .value
                .get("input")
                .and_then(|input| input.get(attribute));
            let meaning = recorded.or_else(|| reason.get("value"));
            let meaning = meaning.map_or_else(String::new, |value| {
                self.dictionary.meaning(attribute, value)
            });
            let contribution = reason
                .get("contribution")
                .map(words::signed)
                .unwrap_or_default();
            let said = format!("{}: {meaning}", self.dictionary.attribute(attribute));
            let _ = write!(page, "\n     {said:<60}  {contribution:>7}");
        }
    }

    /// The strongest attributions that no reason has named yet.
    fn attributions(
        &self,
        page: &mut String,
        attributions: &Map<String, Value>,
        reasons: &[Value],
    ) {
        let named = |name: &str| {
            reasons
                .iter()
                .any(|it| it.get("attribute").and_then(Value::as_str) == Some(name))
        };
        let weigh = |(name, value): (&String, &Value)| Some((name.clone(), value.as_f64()?));
        let mut others: Vec<(String, f64)> = attributions.iter().filter_map(weigh).collect();
        others.retain(|(name, _)| !named(name));
        if others.is_empty() {
            return;
        }
        others.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let _ = write!(
            page,
            "\n  {}",
            if reasons.is_empty() {
                "What counted most:"
            } else {
                "What else counted:"
            }
        );
        for (name, weight) in others.iter().take(ATTRIBUTIONS_SHOWN) {
            let value = self.value.get("input").and_then(|input| input.get(name));
            let meaning = value
                .map(|value| format!(": {}", self.dictionary.meaning(name, value)))
                .unwrap_or_default();
            let said = format!("{}{meaning}", self.dictionary.attribute(name));
            let _ = write!(page, "\n     {said:<60}  {weight:>+7.3}");
        }
        let rest = others.get(ATTRIBUTIONS_SHOWN..).unwrap_or_default();
        if !rest.is_empty() {
            let sum: f64 = rest.iter().map(|(_, weight)| weight).sum();
            let said = format!("{} more together", rest.len());
            let _ = write!(page, "\n     {said:<60}  {sum:>+7.3}");
        }
    }
}
