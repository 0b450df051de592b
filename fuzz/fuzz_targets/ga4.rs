//! A hit of GA4: the query up to the first line end, then the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwerk::script::api::decode_ga4;

fuzz_target!(|hit: &[u8]| {
    let end = hit.iter().position(|byte| *byte == b'\n');
    let (query, body) = hit.split_at(end.unwrap_or(hit.len()));
    if let Ok(events) = decode_ga4(query, body, 0) {
        assert!(events.len() <= 100);
    }
});
