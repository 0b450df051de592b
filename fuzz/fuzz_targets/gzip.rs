//! A packed body: unpacked within its bounds, or refused.
#![no_main]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use tagwerk::request::unpack;

const MOST: usize = 1 << 20;

fuzz_target!(|body: &[u8]| {
    let gzip = HeaderValue::from_static("gzip");
    let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, gzip)]);
    if let Ok(unpacked) = unpack(&headers, &Bytes::copy_from_slice(body), MOST) {
        assert!(unpacked.len() <= MOST && unpacked.len() <= 100 * body.len());
    }
});
