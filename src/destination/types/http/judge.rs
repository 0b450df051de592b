//! Stands in for any HTTP endpoint: whatever comes is answered with 200 and remembered.

use http::StatusCode;
use serde_json::json;

use crate::destination::judge::{Answer, Asked, StandIn};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

/// How long a forced 429 or 503 asks the sender to wait, in seconds: the shortest there is, so
/// that whoever watches the demo sees the second attempt.
const RETRY_AFTER_SECONDS: u32 = 1;

fn judge(_asked: &Asked<'_>) -> Answer {
    Answer::json(200, &json!({ "received": true })).accepting(vec![None])
}

fn forced(_asked: &Asked<'_>, status: StatusCode) -> Answer {
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
