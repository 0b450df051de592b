//! Stands in for Slack: incoming webhooks (any path under `/services/`), which answer with a bare
//! word and a status, and `/api/chat.postMessage`, which answers 200 with `ok: false`.
//!
//! Not stood in for: channels, scopes and tokens (any `xox…` token passes), rate limits (ask for
//! them with a forced 429), and mrkdwn. `<!channel>` in a text is lawful and would ping everybody:
//! escaping it is the sender's duty.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::blocks;
use crate::clock::Millis;
use crate::destination::judge::{Answer, Asked, StandIn};

pub(super) const STAND_IN: StandIn = StandIn::new(judge, forced);

const POST_MESSAGE: &str = "/api/chat.postMessage";

/// How long a forced 429 asks the sender to wait, in seconds. Slack's example says 30; a person
/// who watches a stand-in would rather not.
const RETRY_AFTER_SECONDS: u32 = 1;

/// `too_many_attachments`: "a maximum of 100 attachments are allowed".
const MAX_ATTACHMENTS: usize = 100;

type Message = Map<String, Value>;

/// Why a message is refused: Slack's word for it, and each detail.
struct Refusal {
    error: &'static str,
    details: Vec<String>,
}

impl From<&'static str> for Refusal {
    fn from(error: &'static str) -> Self {
        let details = Vec::new();
        Self { error, details }
    }
}

fn judge(asked: &Asked<'_>) -> Answer {
    match asked.path {
        POST_MESSAGE => judge_call(asked),
        path if path.starts_with("/services/") => judge_webhook(asked),
        _ => Answer::word(404, "no_service").refusing(format!("use /services/… or {POST_MESSAGE}")),
    }
}

fn forced(asked: &Asked<'_>, status: StatusCode) -> Answer {
    let is_call = asked.path == POST_MESSAGE;
    let answer = match (status, is_call) {
        (StatusCode::TOO_MANY_REQUESTS, true) => call_error(429, "ratelimited", &[]),
        (StatusCode::TOO_MANY_REQUESTS, false) => Answer::word(429, "rate_limited"),
        (status, true) => call_error(status.as_u16(), "fatal_error", &[]),
        (status, false) => Answer::word(status.as_u16(), word(status)),
    };
    if status == StatusCode::TOO_MANY_REQUESTS {
        return answer.retry_after(RETRY_AFTER_SECONDS);
    }
    answer
}

/// What a webhook says with a status.
fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 | 413 => "invalid_payload",
        403 => "action_prohibited",
        404 => "no_service",
        410 => "channel_is_archived",
        500 => "rollup_error",
        _ => status.canonical_reason().unwrap_or("no reason"),
    }
}

fn judge_webhook(asked: &Asked<'_>) -> Answer {
    if asked.method != Method::POST {
        return Answer::word(405, "method_not_allowed").refusing("use POST");
    }
    let refusal = match read_webhook(asked) {
        Ok(message) => check(&message).err(),
        Err(why) => Some(Refusal {
            error: "invalid_payload",
            details: vec![why],
        }),
    };
    match refusal {
        None => Answer::word(200, "ok").accepting(vec![None]),
        Some(refusal) => explain(Answer::word(400, refusal.error), &refusal),
    }
}

/// JSON, or a form whose field `payload` is JSON; "verify your content body matches your content
/// type".
fn read_webhook(asked: &Asked<'_>) -> Result<Message, String> {
    let parse = |json: &[u8]| serde_json::from_slice(json).map_err(|error| error.to_string());
    if asked.is_json() {
        return parse(asked.body);
    }
    if asked.is_form() {
        let payload = form_urlencoded::parse(asked.body).find(|(name, _)| name == "payload");
        let (_, payload) = payload.ok_or("the form has no field payload")?;
        return parse(payload.as_bytes());
    }
    Err(format!(
        "content-type `{}` is not application/json",
        asked.media_type()
    ))
}

fn judge_call(asked: &Asked<'_>) -> Answer {
    if asked.method != Method::POST {
        return call_error(405, "method_not_allowed", &[]).refusing("use POST");
    }
    let refusal = match read_call(asked) {
        Ok(message) => match check_call(asked, &message) {
            Ok(channel) => return posted(channel, asked.at),
            Err(refusal) => refusal,
        },
        Err(error) => Refusal::from(error),
    };
    explain(call_error(200, refusal.error, &refusal.details), &refusal)
}

fn read_call(asked: &Asked<'_>) -> Result<Message, &'static str> {
    if asked.is_json() {
        let value: Value = serde_json::from_slice(asked.body).map_err(|_| "invalid_json")?;
        return match value {
            Value::Object(message) => Ok(message),
            _ => Err("json_not_object"),
        };
    }
    if asked.is_form() {
        return Ok(form_urlencoded::parse(asked.body)
            .map(|(name, value)| argument(&name, &value))
            .collect());
    }
    match asked.media_type() {
        "" => Err("missing_post_type"),
        _ => Err("invalid_post_type"),
    }
}

/// In a form, the arguments that are lists are JSON in a text.
fn argument(name: &str, value: &str) -> (String, Value) {
    let text = Value::from(value);
    let value = match name {
        "blocks" | "attachments" => serde_json::from_str(value).unwrap_or(text),
        _ => text,
    };
    (name.to_owned(), value)
}

/// The channel, if the call may be made.
fn check_call<'a>(asked: &Asked<'_>, message: &'a Message) -> Result<&'a str, Refusal> {
    let header = asked.header("authorization");
    let token = match header {
        Some(header) => header.strip_prefix("Bearer "),
        // Only a form may carry its token; in JSON it is ignored.
        None if asked.is_form() => message.get("token").and_then(Value::as_str),
        None => None,
    };
    match token.map(str::trim) {
        None | Some("") => return Err("not_authed".into()),
        Some(token) if !token.starts_with("xox") => return Err("invalid_auth".into()),
        Some(_) => {}
    }
    let channel = message
        .get("channel")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if channel.is_empty() {
        return Err("channel_not_found".into());
    }
    check(message)?;
    Ok(channel)
}

/// A message must say something, and its blocks must be well formed.
fn check(message: &Message) -> Result<(), Refusal> {
    let sent = |field: &str| message.get(field).filter(|value| !value.is_null());
    let blocks = match sent("blocks") {
        None => &[][..],
        Some(Value::Array(blocks)) => blocks,
        Some(_) => return Err("invalid_blocks_format".into()),
    };
    let details = blocks::problems(blocks);
    if !details.is_empty() {
        let error = "invalid_blocks";
        return Err(Refusal { error, details });
    }
    let attachments = match sent("attachments") {
        None => &[][..],
        Some(Value::Array(attachments)) if attachments.len() > MAX_ATTACHMENTS => {
            return Err("too_many_attachments".into());
        }
        Some(Value::Array(attachments)) => attachments,
        Some(_) => return Err("invalid_attachments".into()),
    };
    let has_text = sent("text")
        .and_then(Value::as_str)
        .is_some_and(|text| !text.is_empty());
    if !has_text && blocks.is_empty() && attachments.is_empty() {
        return Err("no_text".into());
    }
    Ok(())
}

/// A message's `ts` names it: seconds and microseconds.
fn posted(channel: &str, at: Millis) -> Answer {
    let ts = format!("{}.{:06}", at.div_euclid(1000), at.rem_euclid(1000) * 1000);
    let body = json!({ "ok": true, "channel": channel, "ts": ts });
    Answer::json(200, &body).accepting(vec![None])
}

fn call_error(status: u16, error: &str, details: &[String]) -> Answer {
    let mut body = json!({ "ok": false, "error": error });
    if !details.is_empty() {
        let messages: Vec<_> = details
            .iter()
            .map(|detail| format!("[ERROR] {detail}"))
            .collect();
        body["errors"] = json!(details);
        body["response_metadata"] = json!({ "messages": messages });
    }
    Answer::json(status, &body)
}

fn explain(mut answer: Answer, refusal: &Refusal) -> Answer {
    answer.refused.clone_from(&refusal.details);
    if answer.refused.is_empty() {
        answer.refused.push(refusal.error.to_owned());
    }
    answer
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::STAND_IN;
    use crate::destination::tests::answers::{Post, check_fixtures, parsed};

    #[test]
    fn the_documented_payloads_are_accepted() {
        check_fixtures(
            STAND_IN,
            "slack",
            &[
                ("webhook_text.json", 1),
                ("webhook_blocks.json", 1),
                ("chat_post_message.json", 1),
            ],
        );
    }

    #[test]
    fn a_forced_429_asks_to_wait_in_the_words_of_each_api() {
        let cases = [
            ("/services/T/B/X", json!("rate_limited")),
            (
                "/api/chat.postMessage",
                json!({ "ok": false, "error": "ratelimited" }),
            ),
        ];
        for (path, body) in cases {
            let post = Post::raw(path, "application/json", b"{}".to_vec());
            let answer = post.forced_by(STAND_IN, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!((answer.status, answer.retry_after), (429, Some(1)));
            assert_eq!(parsed(&answer.body), body);
        }
    }
}
