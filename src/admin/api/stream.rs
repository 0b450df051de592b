//! The stream of what happens (server-sent events): traces as they come and change, sessions,
//! reloads. It keeps no queue: each listener remembers how far it has come, and is told what has
//! changed since. So one that is slow misses nothing but what the ring has dropped, and costs nothing.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;

use super::Refusal;
use super::ask::query;
use super::preview::{ended_to_json, session_to_json};
use super::problems;
use super::traces::TracesAsked;
use crate::admin::Admin;
use crate::preview::{Row, TraceFilter};

/// How often a proxy or a browser hears that the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What has changed is gathered for so long: a flood becomes a few messages, and nobody sees less.
const GATHER: Duration = Duration::from_millis(50);

/// Messages that may wait for a slow listener; then the stream waits for it.
const WAITING: usize = 64;

pub(super) async fn stream(
    State(admin): State<Admin>,
    headers: HeaderMap,
    asked: Result<Query<TracesAsked>, QueryRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let filter = query(asked)?.into_filter()?;
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let seat = admin.listeners.clone().try_acquire_owned();
    let seat = seat.map_err(|_| {
        let why = "as many streams are open as may be; close a page";
        Refusal(StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
    })?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let follower = Follower::new(admin, filter, last, sender);
    tokio::spawn(async move {
        follower.follow().await;
        drop(seat);
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One listener.
struct Follower {
    admin: Admin,
    filter: TraceFilter,
    sender: mpsc::Sender<Result<Event, Infallible>>,
    /// How far it has come with the traces, and with the sessions.
    traces: u64,
    sessions: u64,
    changed_traces: watch::Receiver<u64>,
    changed_sessions: watch::Receiver<u64>,
    reloads: watch::Receiver<u64>,
}

/// The listener has gone.
struct Gone;

impl Follower {
    fn new(
        admin: Admin,
        filter: TraceFilter,
        last: Option<u64>,
        sender: mpsc::Sender<Result<Event, Infallible>>,
    ) -> Self {
        let changed_traces = admin.preview.ring.subscribe();
        let changed_sessions = admin.preview.sessions.subscribe();
        let reloads = admin.live.subscribe_attempts();
        let (newest, sessions) = (*changed_traces.borrow(), *changed_sessions.borrow());
        Self {
            filter,
            sender,
            // After a restart the numbers begin anew.
            traces: last.map_or(newest, |last| if last > newest { 0 } else { last }),
            sessions,
            changed_traces,
            changed_sessions,
            reloads,
            admin,
        }
    }

    /// Until the listener goes, or the server stops.
    async fn follow(mut self) {
        if self.greet().await.is_err() || self.tell_traces().await.is_err() {
            return;
        }
        let stop = self.admin.stop.clone();
        loop {
            let end = self.admin.preview.sessions.next_end();
            let told = tokio::select! {
                () = stop.cancelled() => return,
                () = self.sender.closed() => return,
                _ = self.changed_traces.changed() => {
                    sleep(GATHER).await;
                    self.changed_traces.mark_unchanged();
                    self.tell_traces().await
                }
                _ = self.changed_sessions.changed() => self.tell_sessions().await,
                _ = self.reloads.changed() => self.tell_reload().await,
                // Nobody else looks whether a session has run out.
                () = after(end) => self.tell_sessions().await,
            };
            if told.is_err() {
                return;
            }
        }
    }

    async fn greet(&mut self) -> Result<(), Gone> {
        let (open, _, change) = self.admin.preview.sessions.since(u64::MAX);
        self.sessions = change;
        let open = open.iter().map(|one| session_to_json(&self.admin, one));
        let hello = json!({
            "time": self.admin.clock.now(),
            "sessions": open.collect::<Vec<Value>>(),
            "generation": &*self.admin.live.current().id,
            "config_ok": self.admin.live.problems().is_empty(),
        });
        self.send("hello", self.traces, &hello).await
    }

    async fn tell_traces(&mut self) -> Result<(), Gone> {
        let (from, filter) = (self.traces, &self.filter);
        let look = |entry: &crate::preview::Entry| {
            let is_wanted = filter.matches(&entry.record);
            let name = match entry.since > from {
                true => "trace",
                false => "update",
            };
            is_wanted.then(|| (name, entry.changed, Row::of(entry)))
        };
        let (rows, change) = self.admin.preview.ring.since(from, look);
        for (name, changed, row) in rows.into_iter().flatten() {
            self.send(name, changed, &row).await?;
        }
        self.traces = change;
        Ok(())
    }

    async fn tell_sessions(&mut self) -> Result<(), Gone> {
        let (open, ended, change) = self.admin.preview.sessions.since(self.sessions);
        if change == self.sessions {
            return Ok(());
        }
        self.sessions = change;
        let open = open.iter().map(|one| session_to_json(&self.admin, one));
        let ended = ended
            .iter()
            .map(|one| ended_to_json(&self.admin, &one.session, one.why));
        let sessions: Vec<Value> = open.chain(ended).collect();
        self.send("sessions", self.traces, &sessions).await
    }

    async fn tell_reload(&mut self) -> Result<(), Gone> {
        let live = &self.admin.live;
        let found = live.problems();
        let reload = json!({
            "at": self.admin.clock.now(),
            "reload": if found.is_empty() { "live" } else { "refused" },
            "generation": &*live.current().id,
            "problems": problems::with_source(&self.admin, &found).await,
        });
        self.send("reload", self.traces, &reload).await
    }

    async fn send(&self, name: &str, id: u64, data: &impl Serialize) -> Result<(), Gone> {
        let event = Event::default().event(name).id(id.to_string());
        let event = event.json_data(data).map_err(|_| Gone)?;
        self.sender.send(Ok(event)).await.map_err(|_| Gone)
    }
}

async fn after(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => pending().await,
    }
}
