//! A multipart form: the first line is the content type's boundary, the rest the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwerk::script::{limits, parse_form};

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (boundary, body) = input.split_at(end);
    let content_type = [b"multipart/form-data; boundary=", boundary].concat();
    if let Ok(form) = parse_form(&content_type, body.get(1..).unwrap_or_default()) {
        assert!(form.len() <= limits::FORM_PARTS);
    }
});
