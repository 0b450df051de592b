//! What the demo prints: a table of what became of each request, and what to try next.

use std::time::Duration;

use super::stage::Stage;
use crate::cli::{Exit, paint};
use crate::delivery::State;
use crate::journal::Record;

/// How long the session that is printed lasts.
const SESSION: Duration = Duration::from_secs(60 * 60);

/// What became of one sample.
pub(super) struct Outcome {
    request: String,
    status: u16,
    /// For each event, its deliveries.
    events: Vec<Vec<Record>>,
}

/// One line of the table.
struct Row {
    cells: [String; 4],
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
            cells: [
                self.request.clone(),
                event.into(),
                tag.into(),
                destination.into(),
            ],
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
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let head = ["request", "event", "tag", "destination"];
    let rows: Vec<Row> = outcomes.iter().flat_map(Outcome::rows).collect();
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.cells.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain(head.get(column).map(|head| head.len()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[&str]| -> String {
        cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect()
    };
    let mut text = format!("{}\n", paint::strong(format!("{}delivered", line(&head))));
    let mut request = "";
    for row in &rows {
        let [name, event, tag, destination] = &row.cells;
        let shown = if *name == request { "" } else { name };
        request = name;
        let mark = if row.good {
            paint::good(format!("✓ {}", row.state))
        } else {
            paint::bad(format!("✗ {}", row.state))
        };
        text.push_str(&format!(
            "{}{mark}\n",
            line(&[shown, event, tag, destination])
        ));
    }
    text
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
    let session = stage.app.preview.sessions.open(SESSION, false)?;
    let (address, folder) = (stage.app.address, stage.folder.path().display());
    let token = session.token.expose();
    let received: Vec<String> = stage
        .accepted()
        .iter()
        .map(|(kind, accepted, refused)| format!("{kind} {accepted} accepted, {refused} refused"))
        .collect();
    Ok(format!(
        "{received}\n
{listening} http://{address}
{watch}
  curl -s http://{address}/collect -H 'X-Preview: {token}' -H 'Content-Type: application/json' \\
    -H 'Accept: application/vnd.tagwerk.trace+json' \\
    -d '{{\"event_name\":\"purchase\",\"user_id\":\"user-123456\",\"transaction_id\":\"1001\",\"value\":120,\"currency\":\"EUR\"}}'
{change}
  {folder}/tags/slack_order.rhai

Ctrl-C ends the demo and removes its folder.",
        received = paint::dim(format!("the stand-ins say: {}", received.join("; "))),
        listening = paint::strong("serving on"),
        watch = paint::strong("watch one request, step by step, without sending anything:"),
        change = paint::strong("change a tag; it is live when you save the file:"),
    ))
}
