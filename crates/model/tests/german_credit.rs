//! Two hundred decisions on the German credit data, predicted again: the models and what their own libraries said are in
//! `tests/data/german-credit`.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use causebook_model::{Format, Limits, Model, Value};

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/german-credit");
    std::fs::read(folder.join(name)).unwrap()
}

fn model(format: Format, name: &str) -> Model {
    let bytes = file(name);
    assert_eq!(Model::detect(&bytes), Some(format));
    Model::read(format, &bytes, &Limits::default()).unwrap()
}

/// Rows of numbers below a header.
fn table(name: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(file(name)).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

fn rows() -> Vec<Vec<Value>> {
    let number = |text: &String| Value::Number(text.parse().unwrap());
    table("test_features.csv")
        .iter()
        .map(|row| row.iter().map(number).collect())
        .collect()
}

/// How many of the 200 have the margin and the probability that XGBoost gave, to the last bit.
fn xgboost_agrees(model: &Model) -> usize {
    let single = |text: &str| f64::from(text.parse::<f32>().unwrap());
    let decisions = rows().into_iter().zip(table("predictions.csv"));
    let agreed = decisions.filter(|(row, said)| {
        let prediction = model.predict(row).unwrap();
        prediction.margins == [single(&said[1])] && prediction.values == [single(&said[2])]
    });
    agreed.count()
}

#[test]
fn every_decision_of_the_json_model_is_predicted_to_the_last_bit() {
    assert_eq!(
        xgboost_agrees(&model(Format::XgboostJson, "model.json")),
        200
    );
}

#[test]
fn every_decision_of_the_binary_json_model_is_predicted_to_the_last_bit() {
    assert_eq!(xgboost_agrees(&model(Format::XgboostUbj, "model.ubj")), 200);
}

#[test]
fn every_decision_of_the_lightgbm_model_is_predicted_to_the_last_bit() {
    let model = model(Format::LightgbmText, "lightgbm.txt");
    let decisions = rows().into_iter().zip(table("lightgbm_predictions.csv"));
    let agreed = decisions.filter(|(row, said)| {
        let prediction = model.predict(row).unwrap();
        let said: Vec<f64> = said.iter().map(|number| number.parse().unwrap()).collect();
        [prediction.margins, prediction.values].concat() == said
    });
    assert_eq!(agreed.count(), 200);
}

#[test]
fn both_spellings_are_the_same_model() {
    let (json, ubj) = (
        model(Format::XgboostJson, "model.json"),
        model(Format::XgboostUbj, "model.ubj"),
    );
    assert!(json.is_same_computation(&ubj));
}

#[test]
fn inputs_have_the_names_that_the_file_gives_them() {
    let model = model(Format::XgboostJson, "model.json");
    assert_eq!(model.inputs().len(), 54);
    assert_eq!(model.inputs().first().unwrap().name, "duration");
}
