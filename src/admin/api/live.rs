//! What is live: how it is, which scripts and destinations there are, and loading them anew.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::query;
use super::{Refusal, with_source};
use crate::admin::Admin;
use crate::admin::standing::{self, counts};
use crate::clock::Millis;
use crate::generation::Reload;
use crate::telemetry::{ClientResult, DestinationState, LastFault, TagResult};

pub(super) async fn clients(State(admin): State<Admin>) -> Json<Value> {
    let generation = admin.live.current();
    let list = generation.clients.iter().map(|client| {
        let meter = client.meter(&admin.metrics);
        let runs = [
            ClientResult::Good,
            ClientResult::Refused,
            ClientResult::Failed,
        ]
        .map(|result| meter.runs(result));
        let [_, refused, failures] = runs;
        let all = runs.iter().sum::<u64>();
        json!({
            "name": &*client.name,
            "file": client.script.file,
            "paths": client.paths.iter().map(crate::client::Pattern::as_str).collect::<Vec<_>>(),
            "methods": client.methods.iter().map(|method| method.as_str()).collect::<Vec<_>>(),
            "priority": client.priority,
            "requests": by_word(meter.answers.by_status()),
            "runs": all,
            "failures": failures,
            "refused": refused,
            "events": meter.events(),
            "us_per_run": (all > 0).then(|| meter.run_time().as_secs_f64() * 1e6 / all as f64),
            "last_fault": last_fault(meter.last_fault()),
        })
    });
    Json(list.collect())
}

pub(super) async fn tags(State(admin): State<Admin>) -> Json<Value> {
    let generation = admin.live.current();
    let list = generation.tags.iter().map(|tag| {
        let meter = tag.meter(&admin.metrics);
        json!({
            "name": &*tag.name,
            "file": tag.script.file,
            "on": tag.on.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "destination": &*tag.to,
            "enabled": tag.enabled,
            "priority": tag.priority,
            "fires": meter.runs(TagResult::Fired),
            "filtered": meter.runs(TagResult::Filtered),
            "failures": meter.runs(TagResult::Failed),
            "us_per_run": meter.mean_time().map(|mean| mean.as_secs_f64() * 1e6),
            "last_fault": last_fault(meter.last_fault()),
        })
    });
    Json(list.collect())
}

pub(super) async fn destinations(State(admin): State<Admin>) -> Json<Value> {
    let generation = admin.live.current();
    let standings = admin.standings.all();
    let counts = counts(&admin).await.ok();
    let books = standing::standings(&admin, counts.as_ref());
    let list = generation.destinations.values().map(|destination| {
        // Its worker may not have started yet.
        let standing = standings.get(&destination.name);
        let meter = admin.metrics.destination(&destination.name);
        let milliseconds = |share| meter.durations().quantile(share).map(|one| one * 1e3);
        // Nothing is known of them while the journal cannot tell.
        let books = books.iter().find(|one| one.name == *destination.name);
        let books = books.filter(|_| counts.is_some());
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
            "pending": books.map(|books| books.pending),
            "delivered": books.map(|books| books.delivered),
            "dead": books.map(|books| books.dead),
            "requests": by_word(meter.by_answer()),
            "p50_ms": milliseconds(0.5),
            "p99_ms": milliseconds(0.99),
        })
    });
    Json(list.collect())
}

fn by_word(counts: Vec<(&'static str, u64)>) -> Value {
    let counts = counts.into_iter();
    let counts = counts.map(|(word, count)| (word.to_owned(), count.into()));
    Value::Object(counts.collect())
}

fn last_fault(fault: &LastFault) -> Value {
    match fault.get() {
        Some((at, fault)) => json!({ "at": at, "fault": fault }),
        None => Value::Null,
    }
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

/// `?since=`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SeriesAsked {
    since: Millis,
}

pub(super) async fn series(
    State(admin): State<Admin>,
    asked: Result<Query<SeriesAsked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let since = query(asked)?.since;
    Ok(Json(admin.series.to_json(since, admin.clock.now())))
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
            let problems = with_source(&admin, &problems).await;
            let body = json!({ "reload": "refused", "problems": problems });
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
