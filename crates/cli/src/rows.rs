//! Records as lines of a list, in every form a list can take.

use causebook_client::Item;
use causebook_record::Fields;
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
pub(crate) fn print(output: &Output, items: &[Item], format: Format) -> Outcome {
    match format {
        Format::Table if items.is_empty() => {
            output.say("no records");
            Ok(())
        }
        Format::Table => output.line(grid(items).table(output.width(), output.paint())),
        Format::Markdown => output.line(grid(items).markdown()),
        Format::Csv => output.line(grid(items).csv()),
        Format::Json => {
            let objects: Vec<String> = items.iter().map(Item::to_json).collect();
            output.line(crate::json::pretty(&format!("[{}]", objects.join(","))))
        }
        Format::Line => {
            for item in items {
                if let Some(line) = text_line(item) {
                    output.line(line)?;
                }
            }
            Ok(())
        }
        Format::Ndjson | Format::Arrow | Format::Parquet => {
            for item in items {
                output.line(item.to_json())?;
            }
            Ok(())
        }
    }
}

/// The record as a value to look things up in; its numbers keep their digits.
pub(crate) fn value(item: &Item) -> Outcome<Value> {
    let Some(text) = item.text.as_deref() else {
        return Ok(Value::Object(serde_json::Map::new()));
    };
    serde_json::from_str(text).map_err(|error| {
        Failure::new(
            crate::failure::Exit::Tampered,
            "not-json",
            "a stored record is not JSON",
        )
        .place(format!("index {}", item.index))
        .detail(error.to_string())
        .hint("causebook verify")
    })
}

/// `2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved`; nothing for what is not a decision.
pub(crate) fn text_line(item: &Item) -> Option<String> {
    causebook_capture::format_line(item.text.as_deref()?).ok()
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

fn grid(items: &[Item]) -> Grid {
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
        rows: items.iter().map(cells).collect(),
    }
}

fn cells(item: &Item) -> Vec<String> {
    let fields = item.fields();
    let kind = match &item.text {
        Some(_) => fields.kind.map_or("erased", |kind| kind.as_str()),
        None => "erased",
    };
    vec![
        item.index.to_string(),
        fields.time.map(second).unwrap_or_default(),
        fields.id.clone().unwrap_or_default(),
        kind.to_owned(),
        fields
            .decision
            .clone()
            .or_else(|| result(item))
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
pub(crate) fn result(item: &Item) -> Option<String> {
    let text = item.text.as_deref()?;
    let at = |pointer| causebook_record::string_value(causebook_record::value_at(text, pointer)?);
    at("/outcome/label")
        .or_else(|| at("/review/action"))
        .map(std::borrow::Cow::into_owned)
}
