//! The handlers of the JSON API: each reads or changes one thing and says it as JSON.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use crate::config::{Problems, parse_duration};
use crate::generation::Reload;

/// How long a preview session lasts if nobody says.
const DEFAULT_TTL: Duration = Duration::from_secs(60 * 60);

pub(super) async fn clients(State(admin): State<Admin>) -> Json<Value> {
    let generation = admin.live.current();
    let list = generation.clients.iter().map(|client| {
        json!({
            "name": &*client.name,
            "file": client.script.file,
            "paths": client.paths.iter().map(crate::client::Pattern::as_str).collect::<Vec<_>>(),
            "methods": client.methods.iter().map(|method| method.as_str()).collect::<Vec<_>>(),
            "priority": client.priority,
        })
    });
    Json(list.collect())
}

pub(super) async fn tags(State(admin): State<Admin>) -> Json<Value> {
    let generation = admin.live.current();
    let list = generation.tags.iter().map(|tag| {
        json!({
            "name": &*tag.name,
            "file": tag.script.file,
            "on": tag.on.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "destination": &*tag.to,
            "enabled": tag.enabled,
            "priority": tag.priority,
        })
    });
    Json(list.collect())
}

pub(super) async fn destinations(State(admin): State<Admin>) -> Json<Value> {
    let generation = admin.live.current();
    let list = generation.destinations.values().map(|destination| {
        json!({
            "name": &*destination.name,
            "type": destination.kind,
            "dry_run": destination.options.dry_run,
            "configured": destination.missing.is_empty(),
            "missing": destination.missing,
        })
    });
    Json(list.collect())
}

pub(super) async fn traces(State(admin): State<Admin>) -> Json<Value> {
    let ids = admin.preview.ring.ids();
    Json(ids.iter().map(|id| json!({ "trace_id": &**id })).collect())
}

pub(super) async fn trace(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    match admin.preview.ring.get(&id) {
        Some(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        None => failure(
            StatusCode::NOT_FOUND,
            "there is no such trace, or no longer",
        ),
    }
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
    body: Result<Json<OpenSession>, JsonRejection>,
) -> Response {
    let asked = match body {
        Ok(Json(asked)) => asked,
        Err(rejection) => return failure(rejection.status(), &rejection.body_text()),
    };
    let ttl = match asked.ttl.as_deref().map(parse_duration) {
        None => DEFAULT_TTL,
        Some(Some(ttl)) => ttl,
        Some(None) => {
            return failure(
                StatusCode::BAD_REQUEST,
                "ttl is not a duration; write \"30m\" or \"1h\"",
            );
        }
    };
    match admin.preview.sessions.open(ttl, asked.send) {
        Ok(opened) => Json(json!({
            "id": opened.id,
            "token": opened.token.expose(),
            "expires": opened.expires,
            "send": asked.send,
            "header": "X-Preview",
            "public_url": admin.public_url,
        }))
        .into_response(),
        Err(error) => failure(StatusCode::CONFLICT, &error.to_string()),
    }
}

pub(super) async fn sessions(State(admin): State<Admin>) -> Json<Value> {
    let list = admin.preview.sessions.list();
    let list = list.iter().map(
        |session| json!({ "id": session.id, "expires": session.expires, "send": session.send }),
    );
    Json(list.collect())
}

pub(super) async fn close_session(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    if admin.preview.sessions.close(&id) {
        return Json(json!({ "closed": id })).into_response();
    }
    failure(
        StatusCode::NOT_FOUND,
        "there is no such session, or no longer",
    )
}

pub(super) async fn reload(State(admin): State<Admin>) -> Response {
    let live = admin.live.clone();
    match tokio::task::spawn_blocking(move || live.reload()).await {
        Ok(Reload::Unchanged) => Json(json!({ "reload": "unchanged" })).into_response(),
        Ok(Reload::Live(id)) => {
            Json(json!({ "reload": "live", "generation": &*id })).into_response()
        }
        Ok(Reload::Refused(problems)) => {
            let body = json!({ "reload": "refused", "problems": problem_list(&problems) });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
        Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

pub(super) async fn not_found() -> Response {
    failure(
        StatusCode::NOT_FOUND,
        "there is nothing here; the API is under /api/",
    )
}

pub(super) fn problem_list(problems: &Problems) -> Vec<Value> {
    let one = |problem: &crate::config::Problem| {
        json!({
            "file": problem.file.display().to_string(),
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "hint": problem.hint,
        })
    };
    problems.iter().map(one).collect()
}

fn failure(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
