//! ONNX: a file is refused, or is a graph that runs or refuses a row, and answers the same twice.
#![no_main]

use causebook_fuzz::models::read_and_try;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| read_and_try(data));
