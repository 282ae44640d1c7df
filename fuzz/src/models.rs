//! What must hold of any model that was read, and XGBoost's JSON spelled in UBJ by the format's description (ubjson.org).

use causebook_model::{Format, InputKind, Limits, Model, Value};
use serde_json::Value as Json;

/// Numbers that readers and trees get wrong.
const NUMBERS: [f64; 14] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1e-36,
    1e300,
    -1e300,
    16_777_216.0,
    2_147_483_648.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

/// Reads a model, and predicts rows of every kind with it, twice.
pub fn read_and_predict(format: Format, bytes: &[u8]) -> Option<Model> {
    let model = Model::read(format, bytes, &Limits::default()).ok()?;
    let values = NUMBERS.map(Value::Number);
    for value in values.iter().chain([&Value::Missing]) {
        let row = vec![value.clone(); model.inputs().len()];
        let predicted = model.predict(&row).expect("a row of numbers");
        let again = model.predict(&row).expect("a row of numbers");
        assert_eq!(format!("{predicted:?}"), format!("{again:?}"));
        if let Some(additive) = model.additive() {
            let columns = model.columns(&row).expect("a row of numbers");
            assert_eq!(columns.len(), additive.owners.len());
            assert!(additive.owners.iter().all(|owner| *owner < row.len()));
        }
    }
    Some(model)
}

/// Reads a graph, and runs rows of every kind through it, twice: it may refuse a row, and does so again.
pub fn read_and_try(bytes: &[u8]) {
    let Ok(model) = Model::read(Format::Onnx, bytes, &Limits::default()) else {
        return;
    };
    let words = ["", "yes", "\u{1f600}"].map(|word| Value::Text(word.to_owned()));
    let numbers = NUMBERS.map(Value::Number);
    for place in 0..NUMBERS.len() {
        let row: Vec<Value> = model
            .inputs()
            .iter()
            .map(|input| match input.kind {
                InputKind::Text => words[place % words.len()].clone(),
                _ if place == 3 => Value::Missing,
                _ => numbers[place].clone(),
            })
            .collect();
        let answer = format!("{:?}", model.predict(&row));
        assert_eq!(answer, format!("{:?}", model.predict(&row)));
        if let (Some(additive), Ok(columns)) = (model.additive(), model.columns(&row)) {
            assert_eq!(columns.len(), additive.owners.len());
            assert!(additive.owners.iter().all(|owner| *owner < row.len()));
        }
    }
}

/// The document in UBJ, its numbers as XGBoost's reader of JSON takes them: whole, or single.
pub fn ubj(json: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    write(json, &mut out);
    out
}

fn write(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.push(b'Z'),
        Json::Bool(flag) => out.push(if *flag { b'T' } else { b'F' }),
        Json::Number(number) => match number.as_i64() {
            Some(whole) if !number.to_string().contains(['.', 'e', 'E']) => {
                out.push(b'L');
                out.extend(whole.to_be_bytes());
            }
            _ => {
                let single: f32 = number.to_string().parse().unwrap_or(f32::NAN);
                out.push(b'd');
                out.extend(single.to_be_bytes());
            }
        },
        Json::String(text) => {
            out.push(b'S');
            sized(text, out);
        }
        Json::Array(items) => {
            out.push(b'[');
            items.iter().for_each(|item| write(item, out));
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            for (name, item) in members {
                sized(name, out);
                write(item, out);
            }
            out.push(b'}');
        }
    }
}

fn sized(text: &str, out: &mut Vec<u8>) {
    out.push(b'L');
    out.extend((text.len() as i64).to_be_bytes());
    out.extend(text.as_bytes());
}
