//! A body of JSON: read, or refused; what was read can be written, and reads as the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwerk::script::{parse_json, to_json};

fuzz_target!(|body: &[u8]| {
    if let Ok(value) = parse_json(body) {
        let written = to_json(&value).unwrap();
        let again = parse_json(&written).unwrap();
        assert_eq!(to_json(&again).unwrap(), written);
    }
});
