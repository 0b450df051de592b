//! The last minutes in numbers, for charts: a small ring of samples in memory. Nothing is counted
//! for it; what is counted anyway is looked at every two seconds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::Admin;
use super::standing::{books, counts};
use super::status::of_state;
use crate::clock::Millis;
use crate::delivery::State;
use crate::telemetry::Totals;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(2);

/// Points that are kept: ten minutes of them.
const MAX_POINTS: usize = 300;

/// The samples. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Series(Arc<Mutex<VecDeque<Point>>>);

/// One moment.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    time: Millis,
    requests: f64,
    events: Option<f64>,
    delivered: f64,
    failed: f64,
    dead: Option<u64>,
    pending: Option<u64>,
    backlog_age: Option<f64>,
    answer: [Option<f64>; 2],
    fsync: [Option<f64>; 2],
}

/// What was counted at the last look.
struct Look {
    time: Millis,
    totals: Totals,
    events: Option<u64>,
}

/// A column: its name, and how it is read from a point.
type Column = (&'static str, fn(&Point) -> Value);

const COLUMNS: [Column; 12] = [
    ("time", |point| json!(point.time)),
    ("requests_per_second", |point| json!(point.requests)),
    ("events_per_second", |point| json!(point.events)),
    ("deliveries_per_second", |point| json!(point.delivered)),
    ("failures_per_second", |point| json!(point.failed)),
    ("dead_letters", |point| json!(point.dead)),
    ("pending", |point| json!(point.pending)),
    ("backlog_age_seconds", |point| json!(point.backlog_age)),
    ("answer_p50_ms", |point| json!(point.answer[0])),
    ("answer_p99_ms", |point| json!(point.answer[1])),
    ("fsync_p50_ms", |point| json!(point.fsync[0])),
    ("fsync_p99_ms", |point| json!(point.fsync[1])),
];

/// Looks until the server stops.
pub(super) async fn sample(admin: Admin) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<Look> = None;
    loop {
        tokio::select! {
            () = admin.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let counts = counts(&admin).await.ok();
        let look = Look {
            time: admin.clock.now(),
            totals: admin.metrics.totals(),
            events: counts.as_ref().map(|counts| counts.newest_event),
        };
        if let Some(before) = &last {
            let mut point = point(before, &look);
            if let Some(counts) = &counts {
                point.dead = Some(of_state(counts, State::Dead) + counts.failed_requests);
                point.pending = Some(of_state(counts, State::Pending));
                point.backlog_age = Some(books(counts).oldest_seconds(look.time));
            }
            admin.series.push(point);
        }
        last = Some(look);
    }
}

fn point(before: &Look, now: &Look) -> Point {
    let seconds = now.time.saturating_sub(before.time).max(1) as f64 / 1e3;
    let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
    let answers = now.totals.answers.clone().since(&before.totals.answers);
    let commits = now.totals.commits.clone().since(&before.totals.commits);
    let milliseconds = |seconds: Option<f64>| seconds.map(|seconds| seconds * 1e3);
    let events = now.events.zip(before.events);
    Point {
        time: now.time,
        requests: answers.count() as f64 / seconds,
        events: events.map(|(now, before)| rate(now, before)),
        delivered: rate(now.totals.delivered, before.totals.delivered),
        failed: rate(now.totals.failed, before.totals.failed),
        answer: [0.5, 0.99].map(|share| milliseconds(answers.quantile(share))),
        fsync: [0.5, 0.99].map(|share| milliseconds(commits.quantile(share))),
        ..Point::default()
    }
}

impl Series {
    fn push(&self, point: Point) {
        let mut points = self.lock();
        points.push_back(point);
        while points.len() > MAX_POINTS {
            points.pop_front();
        }
    }

    /// What is known after a moment, in columns.
    pub(super) fn to_json(&self, since: Millis, now: Millis) -> Value {
        let points = self.lock();
        let wanted: Vec<&Point> = points.iter().filter(|point| point.time > since).collect();
        let mut columns: Map<String, Value> = COLUMNS
            .iter()
            .map(|(name, read)| {
                let column = wanted.iter().map(|point| read(point));
                ((*name).to_owned(), column.collect())
            })
            .collect();
        let every = u64::try_from(EVERY.as_millis()).unwrap_or_default();
        columns.insert("every_ms".to_owned(), every.into());
        columns.insert("now".to_owned(), now.into());
        columns.into()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Point>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Attempt, Metrics};

    fn look(time: Millis, metrics: &Metrics, events: u64) -> Look {
        Look {
            time,
            totals: metrics.totals(),
            events: Some(events),
        }
    }

    #[test]
    fn a_point_is_what_happened_since_the_last() {
        let metrics = Metrics::new();
        let answered = |count: u64, took| {
            (0..count).for_each(|_| metrics.unclaimed().answered(200, took));
        };
        answered(1_000, Duration::from_millis(900));
        let before = look(1_000, &metrics, 5);
        answered(10, Duration::from_millis(1));
        metrics.destination("crm").attempted(Attempt::Delivered, 4);
        metrics.destination("crm").attempted(Attempt::Dead, 2);
        let point = point(&before, &look(3_000, &metrics, 11));
        assert_eq!(point.requests, 5.0);
        assert_eq!(point.events, Some(3.0));
        assert_eq!((point.delivered, point.failed), (2.0, 1.0));
        let p99 = point.answer[1].unwrap();
        assert!(p99 <= 1.0, "what came before does not count: {p99}");
        assert_eq!(point.fsync, [None, None]);
    }

    #[test]
    fn ten_minutes_are_kept_in_columns_of_one_length() {
        let series = Series::default();
        for time in 1..=2 * MAX_POINTS {
            series.push(Point {
                time: time as Millis,
                ..Point::default()
            });
        }
        let all = series.to_json(0, 0);
        for (name, _) in COLUMNS {
            assert_eq!(all[name].as_array().unwrap().len(), MAX_POINTS, "{name}");
        }
        let newest = series.to_json(2 * MAX_POINTS as Millis - 1, 0);
        assert_eq!(newest["time"], json!([2 * MAX_POINTS]));
    }
}
