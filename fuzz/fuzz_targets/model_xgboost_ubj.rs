//! XGBoost's Universal Binary JSON: a file is refused, or is a model that predicts.
#![no_main]

use causebook_fuzz::models::read_and_predict;
use causebook_model::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read_and_predict(Format::XgboostUbj, data);
});
