//! What is live: how it is, which scripts and destinations there are, and loading them anew.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Refusal, with_source};
use crate::admin::Admin;
use crate::generation::Reload;

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
    let standings = admin.standings.all();
    let list = generation.destinations.values().map(|destination| {
        // Its worker may not have started yet.
        let standing = standings.get(&destination.name);
        json!({
            "name": &*destination.name,
            "type": destination.kind,
            "dry_run": destination.options.dry_run,
            "configured": destination.missing.is_empty(),
            "missing": destination.missing,
            "state": standing.map(|standing| standing.state.as_str()),
            "since": standing.map(|standing| standing.since),
            "until": standing.and_then(|standing| standing.until),
            "why": standing.and_then(|standing| standing.why.as_deref()),
            "in_flight": standing.map(|standing| standing.in_flight),
            "concurrency": standing.map(|standing| standing.concurrency),
        })
    });
    Json(list.collect())
}

pub(super) async fn resume(
    State(admin): State<Admin>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    if admin.standings.resume(&name) {
        return Ok(Json(json!({ "resumed": name })));
    }
    Err(Refusal::missing("there is no destination of that name"))
}

pub(super) async fn reload(State(admin): State<Admin>) -> Response {
    let live = admin.live.clone();
    match tokio::task::spawn_blocking(move || live.reload()).await {
        Ok(Reload::Unchanged) => Json(json!({ "reload": "unchanged" })).into_response(),
        Ok(Reload::Live(id)) => {
            Json(json!({ "reload": "live", "generation": &*id })).into_response()
        }
        Ok(Reload::Refused(problems)) => {
            let problems = with_source(&admin, &problems).await;
            let body = json!({ "reload": "refused", "problems": problems });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
        Err(error) => Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
