//! What the demo prints: a table of what became of each request, and what to try next.

use std::time::Duration;

use super::stage::Stage;
use crate::cli::table::table;
use crate::cli::{Exit, paint};
use crate::delivery::State;
use crate::journal::Record;
use crate::preview::Wish;
use crate::secret::Secret;

/// How long the session that is printed lasts.
const SESSION: Duration = Duration::from_secs(60 * 60);

const HEAD: [&str; 5] = ["request", "event", "tag", "destination", "delivered"];

/// What became of one sample.
pub(super) struct Outcome {
    request: String,
    status: u16,
    /// For each event, its deliveries.
    events: Vec<Vec<Record>>,
}

/// One line of the table: event, tag, destination, and what became of it.
struct Row {
    cells: [String; 3],
    state: String,
    good: bool,
}

impl Outcome {
    pub(super) fn new(path: &str, status: u16, events: Vec<Vec<Record>>) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        Self {
            request: name.trim_end_matches(".http").to_owned(),
            status,
            events,
        }
    }

    /// WooCommerce's ping makes no event; everything else makes one, and all of it arrives.
    pub(super) fn is_good(&self) -> bool {
        let delivered = |deliveries: &Vec<Record>| {
            !deliveries.is_empty()
                && deliveries
                    .iter()
                    .all(|record| record.delivery.state == State::Delivered)
        };
        let makes_events = !self.request.ends_with("_ping");
        self.status == 200
            && makes_events != self.events.is_empty()
            && self.events.iter().all(delivered)
    }

    fn rows(&self) -> Vec<Row> {
        if self.events.is_empty() {
            return vec![self.row(
                "–",
                "–",
                "–",
                format!("answered {}", self.status),
                self.is_good(),
            )];
        }
        self.events
            .iter()
            .flat_map(|deliveries| self.event_rows(deliveries))
            .collect()
    }

    fn event_rows(&self, deliveries: &[Record]) -> Vec<Row> {
        if deliveries.is_empty() {
            return vec![self.row(
                "?",
                "–",
                "–",
                "no tag made anything of it".to_owned(),
                false,
            )];
        }
        let row = |record: &Record| {
            let state = record.delivery.state;
            let text = match &record.note {
                Some(note) if state != State::Delivered => format!("{}: {note}", state.as_str()),
                _ => state.as_str().to_owned(),
            };
            let delivery = &record.delivery;
            self.row(
                &event_name(record),
                &delivery.tag,
                &delivery.destination,
                text,
                state == State::Delivered,
            )
        };
        deliveries.iter().map(row).collect()
    }

    fn row(&self, event: &str, tag: &str, destination: &str, state: String, good: bool) -> Row {
        Row {
            cells: [event.into(), tag.into(), destination.into()],
            state,
            good,
        }
    }
}

fn event_name(record: &Record) -> String {
    let data: serde_json::Value = serde_json::from_slice(&record.data).unwrap_or_default();
    data["event_name"].as_str().unwrap_or("?").to_owned()
}

/// Request → event → tag → destination → delivered.
pub(super) fn of_all(outcomes: &[Outcome]) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for outcome in outcomes {
        let mut request = outcome.request.as_str();
        for Row { cells, state, good } in outcome.rows() {
            let mark = match good {
                true => paint::good(format!("✓ {state}")),
                false => paint::bad(format!("✗ {state}")),
            };
            // A request is named once.
            let mut row = vec![std::mem::take(&mut request).to_owned()];
            row.extend(cells);
            row.push(mark);
            rows.push(row);
        }
    }
    table(&HEAD, &rows)
}

/// The table in one sentence.
pub(super) fn summary(outcomes: &[Outcome]) -> String {
    let events: usize = outcomes.iter().map(|outcome| outcome.events.len()).sum();
    let records = || {
        outcomes
            .iter()
            .flat_map(|outcome| outcome.events.iter().flatten())
    };
    let delivered = records()
        .filter(|record| record.delivery.state == State::Delivered)
        .count();
    format!(
        "{} requests, {events} events, {delivered} of {} deliveries delivered",
        outcomes.len(),
        records().count()
    )
}

/// What to try while it goes on serving.
pub(super) fn next_steps(stage: &Stage) -> Result<String, Exit> {
    let wish = Wish {
        ttl: SESSION,
        send: false,
        capture: None,
        limit: None,
    };
    let opened = stage.app.preview.sessions.open(wish)?;
    let token = opened.token.as_ref().map_or("", Secret::expose);
    let link = stage.app.login_link()?;
    let (address, folder) = (stage.app.address, stage.folder.path().display());
    let received: Vec<String> = stage
        .accepted()
        .iter()
        .map(|(kind, accepted, refused)| format!("{kind} {accepted} accepted, {refused} refused"))
        .collect();
    Ok(format!(
        "{received}\n
{listening} http://{address}
{page}
  {link}
{watch}
  curl -s http://{address}/collect -H 'X-Preview: {token}' -H 'Content-Type: application/json' \\
    -H 'Accept: application/vnd.tagwerk.trace+json' \\
    -d '{{\"event_name\":\"purchase\",\"user_id\":\"user-123456\",\"transaction_id\":\"1001\",\"value\":120,\"currency\":\"EUR\"}}'
{change}
  {folder}/tags/slack_order.rhai

Ctrl-C ends the demo and removes its folder.",
        received = paint::dim(format!("the stand-ins say: {}", received.join("; "))),
        listening = paint::strong("serving on"),
        page = paint::strong("the page, where everything can be watched; the link works once:"),
        link = link.expose(),
        watch = paint::strong("watch one request, step by step, without sending anything:"),
        change = paint::strong("change a tag; it is live when you save the file:"),
    ))
}
