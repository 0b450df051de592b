//! `GET /api/status`, for `tagwerk status` and scripts, and `GET /metrics`, for Prometheus: how
//! things are. Both answer also while the journal cannot.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Admin;
use super::api::{with_source, without_source};
use super::standing::{Standing, books, counts, standings};
use crate::delivery;
use crate::journal::Counts;
use crate::telemetry::{Exposition, Snapshot};

pub(super) async fn status(State(admin): State<Admin>) -> Json<Value> {
    let counts = counts(&admin).await;
    let generation = admin.live.current();
    let problems = admin.live.problems();
    let known = counts.as_ref().ok();
    let (traces, bytes) = admin.preview.ring.size();
    let deliveries = known.iter().flat_map(|counts| &counts.deliveries);
    let deliveries = deliveries.map(|((destination, state), count)| {
        json!({ "destination": destination, "state": state, "count": count })
    });
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": admin.started_at,
        "uptime_seconds": admin.clock.now().saturating_sub(admin.started_at).max(0) / 1_000,
        "generation": &*generation.id,
        "generation_since": admin.live.live_since(),
        "config_ok": problems.is_empty(),
        "problems": with_source(&admin, &problems).await,
        "warnings": without_source(&generation.warnings),
        "journal": journal(&admin, &counts),
        "destinations": standings(&admin, known),
        "deliveries": deliveries.collect::<Vec<_>>(),
        "draft": {
            "in_use": admin.live.has_draft(),
            "generation": admin.live.has_draft().then(|| admin.live.draft_or_current().id.to_string()),
            "problems": with_source(&admin, &admin.live.draft_problems()).await,
        },
        "preview": {
            "sessions": admin.preview.sessions.list().len(),
            "traces": traces,
            "bytes": bytes,
        },
        "dead_letters": {
            "deliveries": known.map(|counts| of_state(counts, delivery::State::Dead)),
            "requests": known.map(|counts| counts.failed_requests),
        },
    }))
}

pub(super) fn of_state(counts: &Counts, wanted: delivery::State) -> u64 {
    let all = counts.deliveries.iter();
    let of_state = all.filter(|((_, state), _)| *state == wanted.as_str());
    of_state.map(|(_, count)| count).sum()
}

/// Numbers that the journal does not tell now are `null`.
fn journal(admin: &Admin, counts: &Result<Counts, String>) -> Value {
    let known = counts.as_ref().ok();
    let commits = admin.metrics.journal().durations();
    let milliseconds = |share| commits.quantile(share).map(|seconds| seconds * 1e3);
    let now = admin.clock.now();
    json!({
        "healthy": admin.journal.is_healthy(),
        "full": admin.journal.is_full(),
        "error": counts.as_ref().err(),
        "events": known.map(|counts| counts.newest_event),
        "unprocessed": known.map(|counts| counts.unprocessed),
        "failed_requests": known.map(|counts| counts.failed_requests),
        "oldest_undelivered_seconds": known.map(|counts| books(counts).oldest_seconds(now)),
        "size_bytes": known.map(|counts| counts.size),
        "max_size": admin.max_size,
        "commit_p50_ms": milliseconds(0.5),
        "commit_p99_ms": milliseconds(0.99),
    })
}

pub(super) async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let accepts = headers.get_all(header::ACCEPT).iter();
    let accepts: Vec<&str> = accepts.filter_map(|value| value.to_str().ok()).collect();
    let form = Exposition::of(&accepts.join(","));
    let counts = counts(&admin).await.ok();
    let snapshot = snapshot(&admin, counts.as_ref());
    match admin.metrics.page(&snapshot, form) {
        Ok(page) => ([(header::CONTENT_TYPE, form.content_type())], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn snapshot(admin: &Admin, counts: Option<&Counts>) -> Snapshot {
    let generation = admin.live.current();
    let reloads = admin.live.reloads();
    let standings = standings(admin, counts).into_iter();
    Snapshot {
        journal_healthy: admin.journal.is_healthy(),
        max_size: admin.max_size,
        books: counts.map(books),
        destinations: standings
            .map(|Standing { name, state, .. }| (name, state))
            .collect(),
        reloads: [reloads.live, reloads.refused],
        config_ok: admin.live.problems().is_empty(),
        generation: generation.id.to_string(),
        live_since: admin.live.live_since(),
        now: admin.clock.now(),
    }
}
