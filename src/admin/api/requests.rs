//! Requests whose client failed: looked at, retried, discarded.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

use super::Refusal;
use super::ask::{self, ActAsked, FilterAsked, body, query};
use crate::admin::Admin;
use crate::journal::{KeptRequest, Page, RequestFilter};
use crate::preview::RequestTrace;
use crate::request::Request;
use crate::rerun::Repaired;

/// Requests of a list if nobody says.
const DEFAULT_LIMIT: usize = 100;

/// `?client=&since=&until=&after=&limit=`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListAsked {
    client: Option<String>,
    since: Option<String>,
    until: Option<String>,
    after: u64,
    limit: Option<usize>,
}

pub(super) async fn list(
    State(admin): State<Admin>,
    asked: Result<Query<ListAsked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let asked = query(asked)?;
    let page = ask::page(asked.after, asked.limit.unwrap_or(DEFAULT_LIMIT))?;
    let filter = FilterAsked {
        client: asked.client,
        since: asked.since,
        until: asked.until,
        ..FilterAsked::default()
    };
    let filter = filter.of_requests(admin.rerunner.clock.now())?;
    let total = match page.after {
        0 => Some(admin.journal.count_failed_requests(filter.clone()).await?),
        _ => None,
    };
    let requests = match page.limit {
        0 => Vec::new(),
        _ => admin.journal.failed_requests(filter.clone(), page).await?,
    };
    let next = next(&admin, filter, &requests).await?;
    let requests: Vec<Value> = requests.iter().map(line).collect();
    Ok(Json(
        json!({ "requests": requests, "next": next, "total": total }),
    ))
}

/// Where the next page begins, if there is one.
async fn next(
    admin: &Admin,
    filter: RequestFilter,
    page: &[KeptRequest],
) -> Result<Option<u64>, Refusal> {
    let Some(after) = page.last().map(|kept| kept.number) else {
        return Ok(None);
    };
    let more = admin
        .journal
        .failed_requests(filter, Page { after, limit: 1 });
    Ok((!more.await?.is_empty()).then_some(after))
}

fn line(kept: &KeptRequest) -> Value {
    let request = &kept.request;
    json!({
        "request_id": request.id,
        "client": request.client,
        "fault": request.fault,
        "received_at": request.received_at,
        "bytes": request.message.len(),
    })
}

pub(super) async fn show(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let filter = RequestFilter {
        ids: vec![id],
        ..RequestFilter::default()
    };
    let found = admin
        .journal
        .failed_requests(filter, Page { after: 0, limit: 1 });
    let found = found.await?;
    let kept = found.first();
    let kept = kept.ok_or_else(|| Refusal::missing("there is no such request, or no longer"))?;
    let mut whole = line(kept);
    let message = &kept.request.message;
    match Request::from_message(&kept.request.id, kept.request.received_at, message) {
        Ok(request) => whole["request"] = json!(RequestTrace::of(&request)),
        Err(why) => whole["refused"] = why.into(),
    }
    Ok(Json(whole))
}

pub(super) async fn retry(
    State(admin): State<Admin>,
    asked: Result<Json<ActAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let (filter, pages) = body(asked)?.of_requests(admin.rerunner.clock.now())?;
    let mut repaired = Repaired::default();
    let mut page = pages.first;
    loop {
        repaired += admin.rerunner.repair(filter.clone(), page).await?;
        match repaired.next {
            Some(after) if pages.all => page.after = after,
            _ => break,
        }
    }
    info!(
        found = repaired.found,
        repaired = repaired.repaired,
        events = repaired.events,
        left = repaired.left,
        "failed requests were retried by the admin API"
    );
    Ok(Json(json!({
        "found": repaired.found,
        "repaired": repaired.repaired,
        "events": repaired.events,
        "left": repaired.left,
        "reasons": ask::reasons(&repaired.reasons),
        "next": repaired.next,
    })))
}

pub(super) async fn discard(
    State(admin): State<Admin>,
    asked: Result<Json<ActAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let (filter, pages) = body(asked)?.of_requests(admin.rerunner.clock.now())?;
    let (mut discarded, mut page) = (0, pages.first);
    let next = loop {
        let (count, next) = admin.rerunner.forget(filter.clone(), page).await?;
        discarded += count;
        match next {
            Some(after) if pages.all => page.after = after,
            next => break next,
        }
    };
    info!(discarded, "failed requests were discarded by the admin API");
    Ok(Json(json!({ "discarded": discarded, "next": next })))
}
