//! Replays: events of a time through the tags as they are now, for real or dry.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

use super::Refusal;
use super::ask::{self, Pages, body, maybe_moment, moment};
use crate::admin::Admin;
use crate::clock::{Millis, rfc3339};
use crate::config::suggest;
use crate::generation::Generation;
use crate::journal::Window;
use crate::rerun::{MOST_SHOWN_BYTES, Replay, Replayed};

/// What to replay, and how. `since` must be said.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReplayAsked {
    since: Option<String>,
    until: Option<String>,
    tag: Option<String>,
    dry_run: bool,
    diff: bool,
    after: u64,
    limit: Option<usize>,
}

pub(super) async fn replay(
    State(admin): State<Admin>,
    asked: Result<Json<ReplayAsked>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let asked = body(asked)?;
    let pages = ask::pages(asked.after, asked.limit)?;
    let now = admin.rerunner.clock.now();
    let replay = read(asked, &admin.live.current(), now)?;
    let total = match pages.first.after {
        0 => Some(admin.journal.count_events(replay.window).await?),
        _ => None,
    };
    let replayed = match pages.first.limit {
        0 => Replayed::default(),
        _ => run(&admin, &replay, pages).await?,
    };
    if replayed.events > 0 && !replay.dry_run {
        log(&replay, &replayed);
    }
    Ok(Json(to_json(&replay, &replayed, total)))
}

fn log(replay: &Replay, replayed: &Replayed) {
    let reran = replayed.reran;
    info!(
        events = replayed.events,
        to_send = reran.to_send,
        dead = reran.dead,
        skipped = reran.skipped,
        left = reran.left,
        tag = replay.tag.as_deref().unwrap_or("all"),
        "events were replayed by the admin API"
    );
}

fn to_json(replay: &Replay, replayed: &Replayed, total: Option<u64>) -> Value {
    let reran = replayed.reran;
    json!({
        "since": replay.window.since.map(rfc3339),
        "until": replay.window.until.map(rfc3339),
        "events": replayed.events,
        "to_send": reran.to_send,
        "dead": reran.dead,
        "skipped": reran.skipped,
        "left": reran.left,
        "compared": replay.diff.then_some(replayed.compared),
        "differences": replayed.differences,
        "total": total,
        "next": replayed.next,
    })
}

fn read(asked: ReplayAsked, generation: &Generation, now: Millis) -> Result<Replay, Refusal> {
    let since = asked.since.as_deref().ok_or_else(|| {
        Refusal::bad("say since when: \"since\" is a duration such as \"2h\", which means that long ago, or a time")
    })?;
    if asked.diff && !asked.dry_run {
        return Err(Refusal::bad(
            "\"diff\" compares with what was sent, so it needs \"dry_run\": true",
        ));
    }
    if let Some(tag) = &asked.tag {
        check_tag(tag, generation)?;
    }
    let until = maybe_moment("until", asked.until.as_deref(), now)?;
    Ok(Replay {
        window: Window {
            since: Some(moment("since", since, now)?),
            // What arrives meanwhile is handled as it arrives.
            until: Some(until.unwrap_or(now)),
        },
        tag: asked.tag.map(Into::into),
        dry_run: asked.dry_run,
        diff: asked.diff,
    })
}

fn check_tag(name: &str, generation: &Generation) -> Result<(), Refusal> {
    match generation.tags.iter().find(|tag| &*tag.name == name) {
        Some(tag) if tag.enabled => Ok(()),
        Some(_) => Err(Refusal::bad(format!(
            "tag {name} is switched off (`ENABLED` is false)"
        ))),
        None => {
            let names = generation.tags.iter().map(|tag| &*tag.name);
            let hint =
                suggest(name, names).unwrap_or_else(|| "GET /api/tags lists them".to_owned());
            Err(Refusal::bad(format!("there is no tag {name}; {hint}")))
        }
    }
}

async fn run(admin: &Admin, replay: &Replay, pages: Pages) -> Result<Replayed, Refusal> {
    let mut replayed = Replayed::default();
    let mut page = pages.first;
    loop {
        replayed += admin.rerunner.replay(replay, page).await?;
        match replayed.next {
            Some(after) if pages.all && replayed.shown <= MOST_SHOWN_BYTES => page.after = after,
            _ => return Ok(replayed),
        }
    }
}
