//! A form's dotted names: maps and arrays, as many as a script may hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwerk::script::api::nest_form;
use tagwerk::script::{limits, map_to_json, parse_form};

fuzz_target!(|body: &[u8]| {
    if let Ok(form) = parse_form(b"application/x-www-form-urlencoded", body) {
        let nested = nest_form(form);
        assert!(nested.len() <= limits::FORM_FIELDS);
        assert!(map_to_json(&nested).is_ok());
    }
});
