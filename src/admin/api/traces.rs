//! Traces: listed, shown, and followed as they come.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Refusal;
use super::ask::query;
use crate::admin::Admin;
use crate::preview::{OUTCOMES, PathFilter, Row, Trace, TraceFilter};
use crate::rerun::MOST_PER_PAGE;

/// Traces of a list if nobody says.
const DEFAULT_LIMIT: usize = 100;

/// `?path=&client=&event=&tag=&outcome=&session=&text=&before=&limit=`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TracesAsked {
    path: Option<String>,
    client: Option<String>,
    event: Option<String>,
    tag: Option<String>,
    outcome: Option<String>,
    session: Option<String>,
    text: Option<String>,
    before: Option<u64>,
    limit: Option<usize>,
}

impl TracesAsked {
    pub(super) fn into_filter(self) -> Result<TraceFilter, Refusal> {
        // A page's empty field asks for nothing.
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let path = some(self.path).map(|path| PathFilter::parse(&path));
        let outcome = some(self.outcome);
        if let Some(outcome) = &outcome
            && !OUTCOMES.contains(&outcome.as_str())
        {
            return Err(Refusal::bad(format!(
                "there is no outcome `{outcome}`; there are {}",
                OUTCOMES.join(", ")
            )));
        }
        Ok(TraceFilter {
            path: path.transpose().map_err(Refusal::bad)?,
            client: some(self.client),
            event: some(self.event),
            tag: some(self.tag),
            outcome,
            session: some(self.session),
            text: some(self.text).map(|text| text.to_lowercase()),
        })
    }
}

pub(super) async fn list(
    State(admin): State<Admin>,
    asked: Result<Query<TracesAsked>, QueryRejection>,
) -> Result<Json<Vec<Row>>, Refusal> {
    let asked = query(asked)?;
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT);
    if limit > MOST_PER_PAGE {
        return Err(Refusal::bad(format!(
            "limit is at most {MOST_PER_PAGE}; go on with `before`, the `seq` of the last"
        )));
    }
    let before = asked.before.unwrap_or(u64::MAX);
    let filter = asked.into_filter()?;
    // A text is looked for in 16 MiB at most, but that is too long for one of tokio's workers.
    let look = move || {
        admin.preview.ring.newest(limit, |entry| {
            let is_wanted = entry.seq < before && filter.matches(&entry.record);
            is_wanted.then(|| Row::of(entry))
        })
    };
    Ok(Json(apart(look).await?))
}

pub(super) async fn show(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let trace = apart(move || trace(&admin, &id)).await?;
    let trace = trace.ok_or_else(gone)?;
    Ok(Json(trace).into_response())
}

/// The whole trace of that id, if it is still there.
pub(super) fn trace(admin: &Admin, id: &str) -> Option<Trace> {
    let public_url = admin.public_url();
    let ring = &admin.preview.ring;
    ring.with(id, |entry| entry.record.trace(Some(entry.seq), &public_url))
}

pub(super) fn gone() -> Refusal {
    Refusal::missing("there is no such trace, or no longer")
}

/// Does something that takes a while beside tokio's workers.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
