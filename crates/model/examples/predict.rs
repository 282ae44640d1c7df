//! Predicts rows with a model file: `predict FILE`, a row a line on standard input, as an array of JSON in which `null` is a
//! missing value. The first line of the answer says what was read, or why it was refused; then one line a row. The tests in
//! `tests/peers/models` compare the answers with the libraries that wrote the files.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use causebook_model::{Limits, Model, Value};
use serde_json::{Value as Json, json};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to be told if this fails.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("predict FILE")?;
    let bytes = std::fs::read(path)?;
    let mut out = std::io::stdout().lock();
    let format = Model::detect(&bytes).ok_or("a file of no format that is known")?;
    let model = match Model::read(format, &bytes, &Limits::default()) {
        Ok(model) => model,
        Err(refusal) => {
            writeln!(
                out,
                "{}",
                json!({"format": format, "refused": refusal.to_string()})
            )?;
            return Ok(());
        }
    };
    let names: Vec<&str> = model
        .inputs()
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    let description = model.description();
    let about = json!({
        "format": format,
        "description": description,
        "inputs": names,
        "classes": model.classes(),
        "scale": model.scale(),
    });
    writeln!(out, "{about}")?;
    for line in std::io::stdin().lock().lines() {
        let row: Vec<Json> = serde_json::from_str(&line?)?;
        let row: Result<Vec<Value>, String> = row.iter().map(value).collect();
        let answer = match model.predict(&row?) {
            Ok(prediction) => json!({
                "margins": numbers(&prediction.margins),
                "values": numbers(&prediction.values),
                "label": prediction.label,
                "single": prediction.single,
            }),
            Err(error) => json!({"error": error.to_string()}),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

fn value(json: &Json) -> Result<Value, String> {
    match json {
        Json::Null => Ok(Value::Missing),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Number(number) => number
            .as_f64()
            .map(Value::Number)
            .ok_or_else(|| format!("{number} is not a double")),
        _ => Err(format!("{json} is no value of a row")),
    }
}

/// In their shortest form that is read back as the same; as a word where JSON has no number.
fn numbers(numbers: &[f64]) -> Vec<Json> {
    let number = |number: &f64| {
        if number.is_finite() {
            json!(number)
        } else {
            json!(number.to_string())
        }
    };
    numbers.iter().map(number).collect()
}
