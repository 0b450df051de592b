//! Preview: sessions, and the traces of what they watched.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;
use super::ask::body;
use crate::admin::Admin;
use crate::config::parse_duration;

/// How long a preview session lasts if nobody says.
const DEFAULT_TTL: Duration = Duration::from_secs(60 * 60);

pub(super) async fn traces(State(admin): State<Admin>) -> Json<Value> {
    let ids = admin.preview.ring.ids();
    Json(ids.iter().map(|id| json!({ "trace_id": &**id })).collect())
}

pub(super) async fn trace(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let json = admin.preview.ring.get(&id);
    let json = json.ok_or_else(|| Refusal::missing("there is no such trace, or no longer"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// `{ "ttl": "1h", "send": false }`, both optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OpenSession {
    ttl: Option<String>,
    send: bool,
}

pub(super) async fn open_session(
    State(admin): State<Admin>,
    asked: Result<Json<OpenSession>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let asked = body(asked)?;
    let ttl = match asked.ttl.as_deref().map(parse_duration) {
        None => DEFAULT_TTL,
        Some(Some(ttl)) => ttl,
        Some(None) => {
            return Err(Refusal::bad(
                "ttl is not a duration; write \"30m\" or \"1h\"",
            ));
        }
    };
    let opened = admin.preview.sessions.open(ttl, asked.send);
    let opened = opened.map_err(|error| Refusal(StatusCode::CONFLICT, error.to_string()))?;
    Ok(Json(json!({
        "id": opened.id,
        "token": opened.token.expose(),
        "expires": opened.expires,
        "send": asked.send,
        "header": "X-Preview",
        "public_url": admin.public_url,
    })))
}

pub(super) async fn sessions(State(admin): State<Admin>) -> Json<Value> {
    let list = admin.preview.sessions.list();
    let list = list.iter().map(
        |session| json!({ "id": session.id, "expires": session.expires, "send": session.send }),
    );
    Json(list.collect())
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
