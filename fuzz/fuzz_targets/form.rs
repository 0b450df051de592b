//! A form's body: read, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwerk::script::{limits, parse_form};

fuzz_target!(|body: &[u8]| {
    if let Ok(form) = parse_form(b"application/x-www-form-urlencoded", body) {
        assert!(form.len() <= limits::FORM_FIELDS);
    }
});
