//! What is live: how it is, which scripts and destinations there are, and loading them anew.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Refusal;
use crate::admin::Admin;
use crate::config::Problems;
use crate::generation::Reload;
use crate::telemetry::DestinationState;

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
    let generation = admin.live.current();
    let Some(destination) = generation.destinations.get(&*name) else {
        return Err(Refusal::missing("there is no destination of that name"));
    };
    if !destination.missing.is_empty() {
        let why = format!(
            "destination {name} is not configured: set ${}, then it goes on by itself",
            destination.missing.join(", $")
        );
        return Err(Refusal(StatusCode::CONFLICT, why));
    }
    admin.standings.resume(&name);
    Ok(Json(json!({ "resumed": name })))
}

pub(super) async fn reload(State(admin): State<Admin>) -> Response {
    let live = admin.live.clone();
    match tokio::task::spawn_blocking(move || live.reload()).await {
        Ok(Reload::Unchanged) => {
            hope(&admin);
            Json(json!({ "reload": "unchanged" })).into_response()
        }
        Ok(Reload::Live(id)) => {
            Json(json!({ "reload": "live", "generation": &*id })).into_response()
        }
        Ok(Reload::Refused(problems)) => {
            let body = json!({ "reload": "refused", "problems": problem_list(&problems) });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
        Err(error) => Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A reload that finds nothing new was asked for all the same: a person may have acted elsewhere, at
/// the vendor most often.
fn hope(admin: &Admin) {
    for (name, standing) in admin.standings.all() {
        if standing.state == DestinationState::Paused {
            admin.standings.resume(&name);
        }
    }
}

pub(in crate::admin) fn problem_list(problems: &Problems) -> Vec<Value> {
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
