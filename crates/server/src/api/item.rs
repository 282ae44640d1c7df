//! A record as it is shown: its members, preceded by its index, with what the reader may not see masked.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use causebook_ledger::Row;
use causebook_record::{Mask, Stored, string_text};

/// The record as one JSON object.
pub(super) fn item(row: &Row, mask: &Mask) -> String {
    let index = row.index;
    match &row.record {
        Stored::Whole { text, .. } => shown(format!("\"index\":{index}"), text, mask),
        Stored::Redacted { text, redaction } => {
            let erased = redaction.hidden.len();
            shown(
                format!("\"index\":{index},\"erased_facts\":{erased}"),
                text,
                mask,
            )
        }
        Stored::Erased { id } => {
            let id = id
                .as_ref()
                .map_or_else(|| "null".to_owned(), |id| string_text(id));
            format!("{{\"index\":{index},\"erased\":true,\"id\":{id}}}")
        }
    }
}

fn shown(mut first: String, text: &str, mask: &Mask) -> String {
    let (text, masked) = mask.apply(text);
    if !masked.is_empty() {
        let masked: Vec<String> = masked.iter().map(|pointer| string_text(pointer)).collect();
        let _ = write!(first, ",\"masked\":[{}]", masked.join(","));
    }
    match text.strip_prefix('{') {
        Some("}") | None => format!("{{{first}}}"),
        Some(members) => format!("{{{first},{members}"),
    }
}

/// Items in a JSON array.
pub(super) fn array(items: impl Iterator<Item = String>) -> String {
    let mut text = String::from("[");
    for (number, item) in items.enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&item);
    }
    text.push(']');
    text
}

/// A header value of plain text.
pub(super) fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
