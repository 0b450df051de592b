//! Preview sessions: opened, listed, closed.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;
use super::access::ttl;
use super::ask::body;
use crate::admin::Admin;
use crate::client::Pattern;
use crate::preview::{Capture, End, Session, SessionsFull, Wish};
use crate::secret::Secret;

/// How long a preview session lasts if nobody says.
const DEFAULT_TTL: Duration = Duration::from_secs(60 * 60);

/// `{ "ttl": "1h", "send": false, "capture": {}, "limit": 200 }`, all optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OpenSession {
    ttl: Option<String>,
    send: bool,
    capture: Option<CaptureAsked>,
    limit: Option<u64>,
}

/// What of live traffic; all of it, if nothing is said.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CaptureAsked {
    path: Option<String>,
    client: Option<String>,
    event: Option<String>,
}

pub(super) async fn open_session(
    State(admin): State<Admin>,
    asked: Result<Json<OpenSession>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let wish = read(body(asked)?)?;
    let opened = admin.preview.sessions.open(wish).map_err(|error| {
        let status = match error.is::<SessionsFull>() {
            true => StatusCode::CONFLICT,
            false => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal(status, error.to_string())
    })?;
    let token = opened.token.as_ref().map(Secret::expose);
    let mut shown = session_to_json(&admin, &opened.session);
    shown["token"] = token.into();
    shown["curl"] = token.map(|token| curl(&admin.public_url(), token)).into();
    Ok(Json(shown))
}

fn read(asked: OpenSession) -> Result<Wish, Refusal> {
    if asked.capture.is_none() && asked.limit.is_some() {
        return Err(Refusal::bad(
            "a limit is for sessions that capture; without `capture` a session ends with its ttl",
        ));
    }
    if asked.capture.is_some() && asked.send {
        return Err(Refusal::bad(
            "`send` is for header sessions; what a capture session watches is sent as ever",
        ));
    }
    if asked.limit == Some(0) {
        return Err(Refusal::bad("a limit of 0 would watch nothing"));
    }
    Ok(Wish {
        ttl: ttl(asked.ttl.as_deref(), DEFAULT_TTL)?,
        send: asked.send,
        capture: asked.capture.map(capture).transpose()?,
        limit: asked.limit,
    })
}

fn capture(asked: CaptureAsked) -> Result<Capture, Refusal> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let path = some(asked.path).map(|path| Pattern::parse(&path));
    Ok(Capture {
        path: path.transpose().map_err(Refusal::bad)?,
        client: some(asked.client),
        event: some(asked.event),
    })
}

pub(super) async fn sessions(State(admin): State<Admin>) -> Json<Value> {
    let list = admin.preview.sessions.list();
    Json(
        list.iter()
            .map(|one| session_to_json(&admin, one))
            .collect(),
    )
}

/// A session, without its token, which nobody knows any more.
pub(super) fn session_to_json(admin: &Admin, session: &Session) -> Value {
    let capture = session.capture().map(|capture| {
        json!({
            "path": capture.path.as_ref().map(Pattern::as_str),
            "client": capture.client,
            "event": capture.event,
        })
    });
    json!({
        "id": &*session.id,
        "kind": if capture.is_some() { "capture" } else { "header" },
        "opened_at": session.opened_at,
        "expires": session.expires,
        "send": session.send,
        "draft": capture.is_none() && admin.live.has_draft(),
        "capture": capture,
        "limit": session.limit(),
        "seen": session.seen,
        "passed_over": session.passed_over,
        "header": "X-Preview",
        "public_url": admin.public_url(),
    })
}

/// A session that is over, and why.
pub(super) fn ended_to_json(admin: &Admin, session: &Session, why: End) -> Value {
    let mut shown = session_to_json(admin, session);
    shown["ended"] = why.as_str().into();
    shown
}

fn curl(public_url: &str, token: &str) -> String {
    format!(
        "curl -s {public_url}/order_created -H 'X-Preview: {token}' -H 'Content-Type: application/json' --data @order.json"
    )
}

pub(super) async fn close_session(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    if admin.preview.sessions.close(&id) {
        return Ok(Json(json!({ "closed": id })));
    }
    Err(Refusal::missing("there is no such session, or no longer"))
}
