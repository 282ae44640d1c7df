//! LightGBM's text: a file is refused, or is a model that predicts. Where the trees begin is said in the header, which no
//! chance keeps true, so every other input has its line taken out.
#![no_main]

use causebook_fuzz::models::read_and_predict;
use causebook_model::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read_and_predict(Format::LightgbmText, data);
    if let Ok(text) = std::str::from_utf8(data) {
        let without = text.lines().filter(|line| !line.starts_with("tree_sizes="));
        let without: Vec<&str> = without.collect();
        read_and_predict(Format::LightgbmText, without.join("\n").as_bytes());
    }
});
