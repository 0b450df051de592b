//! Deliveries, dead ones above all: looked at, retried, discarded.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

use super::Refusal;
use super::ask::{self, ActAsked, FilterAsked, body, delivery_id, query};
use crate::admin::Admin;
use crate::destination::Destinations;
use crate::journal::{Filter, Page, Record};
use crate::preview::SentTrace;
use crate::rerun::Retried;

/// Deliveries of a list if nobody says.
const DEFAULT_LIMIT: usize = 100;

/// `?state=&tag=&destination=&class=&since=&until=&after=&limit=`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListAsked {
    state: Option<String>,
    tag: Option<String>,
    destination: Option<String>,
    class: Option<String>,
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
    let state = asked.state.as_deref().map(ask::state).transpose()?;
    let filter = FilterAsked {
        tag: asked.tag,
        destination: asked.destination,
        class: asked.class,
        client: None,
        since: asked.since,
        until: asked.until,
    };
    let filter = filter.of_deliveries(admin.rerunner.clock.now())?;
    let filter = Filter { state, ..filter };
    let total = match page.after {
        0 => Some(admin.journal.count_deliveries(filter.clone()).await?),
        _ => None,
    };
    let records = match page.limit {
        0 => Vec::new(),
        _ => admin.journal.deliveries(filter.clone(), page).await?,
    };
    let next = next(&admin, filter, &records).await?;
    let deliveries: Vec<Value> = records.iter().map(line).collect();
    Ok(Json(
        json!({ "deliveries": deliveries, "next": next, "total": total }),
    ))
}

/// Where the next page begins, if there is one.
async fn next(admin: &Admin, filter: Filter, page: &[Record]) -> Result<Option<u64>, Refusal> {
    let Some(after) = page.last().map(|record| record.number) else {
        return Ok(None);
    };
    let more = admin.journal.deliveries(filter, Page { after, limit: 1 });
    Ok((!more.await?.is_empty()).then_some(after))
}

fn line(record: &Record) -> Value {
    let delivery = &record.delivery;
    json!({
        "delivery_id": delivery.id.to_string(),
        "event_id": &*delivery.event_id,
        "event_number": record.event,
        "tag": &*delivery.tag,
        "destination": &*delivery.destination,
        "state": delivery.state.as_str(),
        "class": record.class.map(|class| class.as_str()),
        "note": record.note,
        "attempts": record.attempts,
        "received_at": delivery.received_at,
        "due": delivery.due,
        "expires": delivery.expires,
    })
}

pub(super) async fn show(
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let filter = Filter {
        ids: vec![delivery_id(&id)?],
        ..Filter::default()
    };
    let found = admin
        .journal
        .deliveries(filter, Page { after: 0, limit: 1 });
    let found = found.await?;
    let record = found.first();
    let record =
        record.ok_or_else(|| Refusal::missing("there is no such delivery, or no longer"))?;
    Ok(Json(whole(record, &admin.live.current().destinations)))
}

/// Dead letters by cause, and how many requests wait because their client failed.
pub(super) async fn dead(State(admin): State<Admin>) -> Result<Json<Value>, Refusal> {
    let groups = admin.journal.dead_groups().await?;
    let counts = admin.journal.counts().await?;
    let deliveries: u64 = groups.iter().map(|group| group.count).sum();
    let groups = groups.iter().map(|group| {
        json!({
            "class": group.class.map(|class| class.as_str()),
            "tag": group.tag,
            "destination": group.destination,
            "count": group.count,
            "oldest_at": group.oldest_at,
            "newest_at": group.newest_at,
            "note": group.note,
        })
    });
    Ok(Json(json!({
        "deliveries": deliveries,
        "requests": counts.failed_requests,
        "groups": groups.collect::<Vec<_>>(),
    })))
}

fn whole(record: &Record, destinations: &Destinations) -> Value {
    let mut whole = line(record);
    let delivery = &record.delivery;
    whole["data"] = serde_json::from_slice(&record.data).unwrap_or_default();
    whole["payload"] = serde_json::from_slice(&delivery.payload).unwrap_or_default();
    // A tag that failed made nothing that could be a request.
    if !delivery.payload.is_empty() {
        match SentTrace::of(destinations, delivery) {
            Ok(request) => whole["request"] = json!(request),
            Err(why) => whole["refused"] = why.into(),
        }
    }
    whole
}

pub(super) async fn retry(
    State(admin): State<Admin>,
    asked: Result<Json<ActAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let asked = body(asked)?;
    let as_sent = asked.as_sent;
    let (filter, pages) = asked.of_deliveries(admin.rerunner.clock.now())?;
    let mut retried = Retried::default();
    let mut page = pages.first;
    loop {
        let filter = filter.clone();
        let done = match as_sent {
            true => admin.rerunner.retry_as_sent(filter, page).await?,
            false => admin.rerunner.retry(filter, page).await?,
        };
        retried += done;
        match retried.next {
            Some(after) if pages.all => page.after = after,
            _ => break,
        }
    }
    log(&retried, as_sent);
    let reran = retried.reran;
    Ok(Json(json!({
        "found": retried.found,
        "to_send": reran.to_send,
        "dead": reran.dead,
        "skipped": reran.skipped,
        "left": reran.left,
        "reasons": ask::reasons(&retried.reasons),
        "next": retried.next,
    })))
}

fn log(retried: &Retried, as_sent: bool) {
    let reran = retried.reran;
    info!(
        found = retried.found,
        to_send = reran.to_send,
        dead = reran.dead,
        skipped = reran.skipped,
        left = reran.left,
        as_sent,
        "dead deliveries were retried by the admin API"
    );
}

pub(super) async fn discard(
    State(admin): State<Admin>,
    asked: Result<Json<ActAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let (filter, pages) = body(asked)?.of_deliveries(admin.rerunner.clock.now())?;
    let (mut discarded, mut page) = (0, pages.first);
    let next = loop {
        let (count, next) = admin.rerunner.discard(filter.clone(), page).await?;
        discarded += count;
        match next {
            Some(after) if pages.all => page.after = after,
            next => break next,
        }
    };
    info!(discarded, "dead deliveries were discarded by the admin API");
    Ok(Json(json!({ "discarded": discarded, "next": next })))
}
