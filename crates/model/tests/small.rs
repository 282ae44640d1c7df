//! Small models of each kind, and what their own libraries said of rows with missing values, values at thresholds, and
//! categories that no training row had: `tests/data/small`, made by `tests/data/make.py`.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use causebook_model::{Limits, Model, ModelError, Terms, Value};
use proptest::prelude::*;

const XGBOOST: [&str; 5] = [
    "xgboost-stump",
    "xgboost-categories",
    "xgboost-dart",
    "xgboost-linear",
    "xgboost-pruned",
];
const LIGHTGBM: [&str; 4] = [
    "lightgbm-stump",
    "lightgbm-categories",
    "lightgbm-zero-as-missing",
    "lightgbm-rf",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/small")
        .join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    Model::read(Model::detect(bytes).unwrap(), bytes, &Limits::default())
}

/// Every file of the folder that holds a model.
fn files() -> Vec<String> {
    let xgboost = XGBOOST
        .iter()
        .flat_map(|name| [format!("{name}.json"), format!("{name}.ubj")]);
    xgboost
        .chain(LIGHTGBM.iter().map(|name| format!("{name}.txt")))
        .collect()
}

struct Said {
    rows: Vec<Vec<Value>>,
    margins: Vec<Vec<f64>>,
    values: Vec<Vec<f64>>,
}

fn said(file: &str) -> Said {
    let name = file.split('.').next().unwrap();
    let json: serde_json::Value =
        serde_json::from_slice(&bytes(&format!("{name}.said.json"))).unwrap();
    let numbers = |member: &str| -> Vec<Vec<Option<f64>>> {
        let rows = json[member].as_array().unwrap().iter();
        rows.map(|row| row.as_array().unwrap().iter().map(number).collect())
            .collect()
    };
    let all = |member| {
        numbers(member)
            .into_iter()
            .map(|row| row.into_iter().map(Option::unwrap).collect())
    };
    let value = |number: Option<f64>| number.map_or(Value::Missing, Value::Number);
    Said {
        rows: numbers("rows")
            .into_iter()
            .map(|row| row.into_iter().map(value).collect())
            .collect(),
        margins: all("margins").collect(),
        values: all("values").collect(),
    }
}

/// By its text, which is read in one rounding.
fn number(json: &serde_json::Value) -> Option<f64> {
    (!json.is_null()).then(|| json.to_string().parse().unwrap())
}

#[test]
fn what_the_libraries_said_is_predicted_to_the_last_bit() {
    for file in files() {
        let (model, said) = (read(&bytes(&file)).unwrap(), said(&file));
        assert!(said.rows.len() > 50);
        for ((row, margins), values) in said.rows.iter().zip(&said.margins).zip(&said.values) {
            let prediction = model.predict(row).unwrap();
            assert_eq!(&prediction.margins, margins, "{file}: {row:?}");
            assert_eq!(&prediction.values, values, "{file}: {row:?}");
        }
    }
}

#[test]
fn both_spellings_of_a_model_are_the_same() {
    for name in XGBOOST {
        let json = read(&bytes(&format!("{name}.json"))).unwrap();
        let ubj = read(&bytes(&format!("{name}.ubj"))).unwrap();
        assert!(json.is_same_computation(&ubj), "{name}");
    }
}

#[test]
fn what_attributions_add_up_is_what_is_predicted() {
    for file in files() {
        let (model, said) = (read(&bytes(&file)).unwrap(), said(&file));
        for (row, margins) in said.rows.iter().zip(&said.margins) {
            let columns = model.columns(row).unwrap();
            let sums = match model.additive().unwrap().terms {
                Terms::Trees(ensemble) => ensemble.margins(&columns),
                Terms::Linear(linear) => linear.margins(&columns),
            };
            assert_eq!(&sums.unwrap(), margins, "{file}");
        }
    }
}

#[test]
fn a_row_that_does_not_fit_is_refused_by_the_name_of_its_input() {
    let model = read(&bytes("xgboost-dart.json")).unwrap();
    let short = model.predict(&[Value::Missing]).unwrap_err();
    assert!(
        short.to_string().contains("1 values, the model takes 8"),
        "{short}"
    );
    let mut row = vec![Value::Missing; 8];
    row[3] = Value::Text("rent".to_owned());
    let word = model.predict(&row).unwrap_err();
    assert!(
        word.to_string().contains("\"f3\"") && word.to_string().contains("rent"),
        "{word}"
    );
}

/// The file with one text in place of another, which it must hold.
fn changed(file: &str, from: &str, to: &str) -> Result<Model, ModelError> {
    let text = String::from_utf8(bytes(file)).unwrap();
    assert!(text.contains(from), "{file} does not hold {from}");
    read(text.replacen(from, to, 1).as_bytes())
}

fn refusal(file: &str, from: &str, to: &str) -> String {
    changed(file, from, to).unwrap_err().to_string()
}

#[test]
fn what_is_not_known_is_refused_by_its_name() {
    let xgboost = "xgboost-dart.json";
    assert!(refusal(xgboost, "count:poisson", "count:tomorrow").contains("count:tomorrow"));
    assert!(refusal(xgboost, "\"version\":[3", "\"version\":[4").contains("version 4"));
    assert!(refusal(xgboost, "\"name\":\"dart\"", "\"name\":\"dash\"").contains("dash"));
    let lightgbm = "lightgbm-rf.txt";
    assert!(refusal(lightgbm, "binary sigmoid:1", "ternary sigmoid:1").contains("ternary"));
    assert!(refusal(lightgbm, "version=v4", "version=v5").contains("v5"));
    assert!(refusal(lightgbm, "is_linear=0", "is_linear=1").contains("linear"));
}

/// Of the learner, and not of a tree, which has a number of columns, too.
const CLASSES: &str = "\"num_class\":\"0\",\"num_feature\":\"8\"";

#[test]
fn a_file_that_contradicts_itself_is_refused_with_the_place() {
    let xgboost = "xgboost-dart.json";
    assert!(refusal(xgboost, CLASSES, &CLASSES.replace('8', "1")).contains("column"));
    assert!(
        refusal(xgboost, "\"left_children\":[1", "\"left_children\":[0").contains("right_children")
    );
    assert!(refusal(xgboost, "\"tree_info\":[0", "\"tree_info\":[7").contains("output 7"));
    assert!(refusal(xgboost, "\"version\":", "\"learner\":{},\"version\":").contains("twice"));
    let lightgbm = "lightgbm-rf.txt";
    assert!(refusal(lightgbm, "\nTree=1", "\n\nTree=1").contains("tree_sizes"));
    assert!(refusal(lightgbm, "num_leaves=5", "num_leaves=6").contains("there must be"));
    assert!(refusal(lightgbm, "max_feature_idx=7", "max_feature_idx=6").contains("feature_names"));
}

#[test]
fn a_deep_document_is_refused_and_does_not_end_the_process() {
    let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
    assert!(matches!(
        read(deep.as_bytes()),
        Err(ModelError::TooLarge { .. })
    ));
    let deep = [b"{L\0\0\0\0\0\0\0\x01a".as_slice(), &b"[".repeat(1_000_000)].concat();
    assert!(matches!(read(&deep), Err(ModelError::TooLarge { .. })));
}

#[test]
fn an_array_is_not_believed_to_be_longer_than_the_file() {
    let mut file = b"{L\0\0\0\0\0\0\0\x01a[$d#L".to_vec();
    file.extend(i64::MAX.to_be_bytes());
    assert!(matches!(read(&file), Err(ModelError::Malformed { .. })));
}

#[test]
fn limits_are_kept() {
    let small = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        let bytes = bytes("xgboost-categories.json");
        Model::read(Model::detect(&bytes).unwrap(), &bytes, &limits)
    };
    assert!(small(|_| {}).is_ok());
    let changes: [fn(&mut Limits); 8] = [
        |limits| limits.bytes = 100,
        |limits| limits.columns = 7,
        |limits| limits.trees = 5,
        |limits| limits.nodes = 10,
        |limits| limits.tree_depth = 0,
        |limits| limits.categories = 3,
        |limits| limits.outputs = 2,
        |limits| limits.depth = 3,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        assert!(
            matches!(small(change), Err(ModelError::TooLarge { .. })),
            "limit {at}"
        );
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<f64>(),
        -100.0..100.0,
        Just(0.0),
        Just(f64::INFINITY),
        Just(f64::NAN),
        Just(1e-36),
        Just(2_147_483_648.0),
    ];
    prop_oneof![1 => Just(Value::Missing), 6 => number.prop_map(Value::Number)]
}

proptest! {
    #[test]
    fn every_row_of_numbers_is_predicted_and_twice_the_same(row in prop::collection::vec(any_value(), 8)) {
        for file in files() {
            let model = read(&bytes(&file)).unwrap();
            let row = &row[..model.inputs().len()];
            let (once, again) = (model.predict(row).unwrap(), model.predict(row).unwrap());
            prop_assert_eq!(format!("{once:?}"), format!("{again:?}"));
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_gives_a_model_that_predicts(
        which in 0..14_usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut file = bytes(&files()[which]);
        let at = at.index(file.len());
        file[at] = byte;
        let Some(format) = Model::detect(&file) else { return Ok(()) };
        if let Ok(model) = Model::read(format, &file, &Limits::default()) {
            let row = vec![Value::Number(1.0); model.inputs().len()];
            prop_assert!(model.predict(&row).is_ok());
        }
    }
}
