//! Stands in for a NATS server with a stream on every subject: what it refuses, in its own words. Which
//! users there are is not stood in for: whoever says who they are is let in.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::message::{head_length, head_problem, message_id, subject_problem};
use super::talk::{MAX_PAYLOAD, Server};
use crate::destination::judge::{Answer, Asked, Spoken, StandIn};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced).talking(Server::begin);

fn judge(asked: &Asked<'_>) -> Answer {
    if asked.method == Method::CONNECT {
        let why = "CONNECT has no auth_token, no user and pass, and no key with a signature";
        return error(401, "Authorization Violation").refusing(why);
    }
    let subject = asked.path.trim_start_matches('/');
    if let Some(why) = subject_problem(subject) {
        return error(400, "Invalid Publish Subject").refusing(why);
    }
    if asked.body.len() > MAX_PAYLOAD {
        let why = format!("{} bytes, the most is {MAX_PAYLOAD}", asked.body.len());
        return error(413, "Maximum Payload Violation").refusing(why);
    }
    let (head, _) = asked.body.split_at(head_length(asked.body));
    if !head.is_empty()
        && let Some(why) = head_problem(head)
    {
        return error(400, "Parser Error").refusing(why);
    }
    let stored = json!({ "stream": "STAND_IN", "seq": 1 });
    Answer::json(200, &stored).accepting(vec![message_id(head)])
}

fn forced(asked: &Asked<'_>, status: StatusCode) -> Answer {
    let subject = asked.path.trim_start_matches('/');
    match status.as_u16() {
        400 => error(400, "Invalid Publish Subject"),
        401 => error(401, "Authorization Violation"),
        403 => error(
            403,
            &format!("Permissions Violation for Publish to \"{subject}\""),
        ),
        413 => error(413, "Maximum Payload Violation"),
        code => {
            let why = status.canonical_reason().unwrap_or("no reason");
            Answer::json(
                code,
                &json!({ "error": { "code": code, "description": why } }),
            )
        }
    }
}

fn error(status: u16, why: &str) -> Answer {
    Answer::word(status, &format!("-ERR '{why}'"))
}

/// A request of the protocol as one that can be judged.
pub(super) fn asked(method: Method, subject: &str, body: Bytes) -> Spoken {
    Spoken {
        method,
        path: format!("/{subject}"),
        body,
    }
}

/// True if somebody says who they are.
pub(super) fn is_introduced(connect: &Value) -> bool {
    let has = |key: &str| connect[key].as_str().is_some_and(|text| !text.is_empty());
    has("auth_token") || (has("user") && has("pass")) || (has("sig") && (has("jwt") || has("nkey")))
}
