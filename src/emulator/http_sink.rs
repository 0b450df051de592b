//! Stands in for any HTTP endpoint: whatever comes is answered with 200 and remembered.

use http::StatusCode;
use serde_json::json;

use super::answer::Answer;
use crate::clock::Millis;
use crate::request::Head;

/// How long a forced 429 or 503 asks the sender to wait, in seconds: the shortest there is, so
/// that whoever watches the demo sees the second attempt.
const RETRY_AFTER_SECONDS: u32 = 1;

pub(super) fn judge(_head: Head<'_>, _body: &[u8], _at: Millis) -> Answer {
    Answer::json(200, &json!({ "received": true })).accepting(vec![None])
}

pub(super) fn forced(status: StatusCode, _head: Head<'_>, _body: &[u8]) -> Answer {
    let reason = status.canonical_reason().unwrap_or("no reason");
    let answer = Answer::json(
        status.as_u16(),
        &json!({ "received": false, "error": reason }),
    );
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            answer.retry_after(RETRY_AFTER_SECONDS)
        }
        _ => answer,
    }
}
