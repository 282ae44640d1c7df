//! XGBoost's JSON: a file is refused, or is a model that predicts, and is the same model in the other spelling.
#![no_main]

use causebook_fuzz::models::{read_and_predict, ubj};
use causebook_model::{Format, Limits, Model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(model) = read_and_predict(Format::XgboostJson, data) else {
        return;
    };
    // A general reader refuses some of what XGBoost writes: NaN, and infinite numbers.
    let Ok(document) = serde_json::from_slice(data) else {
        return;
    };
    let spelled = ubj(&document);
    let again = Model::read(Format::XgboostUbj, &spelled, &Limits::default());
    let again = again.expect("the same document is a model in either spelling");
    assert!(model.is_same_computation(&again));
});
