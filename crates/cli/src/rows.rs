//! Records as lines of a list, in every form a list can take.

use causebook_ledger::Row;
use causebook_record::{Fields, Stored};
use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::grid::{Column, Grid};
use crate::output::{Format, Output};
use crate::units::second;

/// The forms of a list of records.
pub(crate) const FORMATS: [Format; 6] = [
    Format::Table,
    Format::Json,
    Format::Ndjson,
    Format::Csv,
    Format::Markdown,
    Format::Line,
];

/// Prints rows in the order given.
pub(crate) fn print(output: &Output, rows: &[Row], format: Format) -> Outcome {
    match format {
        Format::Table if rows.is_empty() => {
            output.say("no records");
            Ok(())
        }
        Format::Table => output.line(grid(rows).table(output.width(), output.paint())),
        Format::Markdown => output.line(grid(rows).markdown()),
        Format::Csv => output.line(grid(rows).csv()),
        Format::Json => {
            let items: Vec<String> = rows.iter().map(json).collect();
            output.line(crate::json::pretty(&format!("[{}]", items.join(","))))
        }
        Format::Line => {
            for row in rows {
                if let Some(line) = text_line(row) {
                    output.line(line)?;
                }
            }
            Ok(())
        }
        Format::Ndjson | Format::Arrow | Format::Parquet => {
            for row in rows {
                output.line(json(row))?;
            }
            Ok(())
        }
    }
}

/// A row as one JSON object: the members of the record, preceded by its `index`. Erased content is counted in
/// `erased_facts`, or said by `"erased":true` where nothing is left.
pub(crate) fn json(row: &Row) -> String {
    let index = row.index;
    match &row.record {
        Stored::Whole { text, .. } => join(&format!("\"index\":{index}"), text),
        Stored::Redacted { text, redaction } => join(
            &format!(
                "\"index\":{index},\"erased_facts\":{}",
                redaction.hidden.len()
            ),
            text,
        ),
        Stored::Erased { id } => {
            let id = id
                .as_ref()
                .map_or_else(|| "null".to_owned(), |id| causebook_record::string_text(id));
            format!("{{\"index\":{index},\"erased\":true,\"id\":{id}}}")
        }
    }
}

/// The record as a value to look things up in; its numbers keep their digits.
pub(crate) fn value(row: &Row) -> Outcome<Value> {
    let Some(text) = row.record.text() else {
        return Ok(Value::Object(serde_json::Map::new()));
    };
    serde_json::from_str(text).map_err(|error| {
        Failure::new(
            crate::failure::Exit::Tampered,
            "not-json",
            "a stored record is not JSON",
        )
        .place(format!("index {}", row.index))
        .detail(error.to_string())
        .hint("causebook verify")
    })
}

/// `2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved`; nothing for what is not a decision.
pub(crate) fn text_line(row: &Row) -> Option<String> {
    causebook_capture::format_line(row.record.text()?).ok()
}

/// `credit-risk@1.0.0`, or as much of it as there is.
pub(crate) fn model(fields: &Fields) -> Option<String> {
    let name = fields.model_name.as_deref();
    let version = fields.model_version.as_deref();
    match (name, version) {
        (Some(name), Some(version)) => Some(format!("{name}@{version}")),
        (Some(one), None) => Some(one.to_owned()),
        (None, Some(version)) => Some(format!("@{version}")),
        (None, None) => fields.model_digest.clone(),
    }
}

fn join(first: &str, object: &str) -> String {
    match object.strip_prefix('{') {
        Some("}") | None => format!("{{{first}}}"),
        Some(members) => format!("{{{first},{members}"),
    }
}

fn grid(rows: &[Row]) -> Grid {
    let columns = vec![
        Column::new("INDEX", true, 4),
        Column::new("TIME", false, 0),
        Column::new("ID", false, 0),
        Column::new("KIND", false, 1),
        Column::new("DECISION", false, 0),
        Column::new("SCORE", true, 0),
        Column::new("MODEL", false, 2),
        Column::new("SUBJECT", false, 3),
    ];
    Grid {
        columns,
        rows: rows.iter().map(cells).collect(),
    }
}

fn cells(row: &Row) -> Vec<String> {
    let fields = row.record.fields();
    let erased = matches!(row.record, Stored::Erased { .. });
    let kind = fields.kind.map_or("erased", |kind| kind.as_str());
    vec![
        row.index.to_string(),
        fields.time.map(second).unwrap_or_default(),
        fields.id.clone().unwrap_or_default(),
        if erased {
            "erased".to_owned()
        } else {
            kind.to_owned()
        },
        fields
            .decision
            .clone()
            .or_else(|| result(row))
            .unwrap_or_default(),
        fields
            .score
            .map(|score| format!("{score:.3}"))
            .unwrap_or_default(),
        model(&fields).unwrap_or_default(),
        fields.subject.unwrap_or_default(),
    ]
}

/// What a record that is no decision comes to, in a word: the label of an outcome, the act of a review.
pub(crate) fn result(row: &Row) -> Option<String> {
    let text = row.record.text()?;
    let at = |pointer| causebook_record::string_value(causebook_record::value_at(text, pointer)?);
    at("/outcome/label")
        .or_else(|| at("/review/action"))
        .map(std::borrow::Cow::into_owned)
}
