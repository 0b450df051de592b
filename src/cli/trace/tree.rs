//! A trace as a tree that one reads from top to bottom, the way the data went.

use serde_json::Value;

use crate::cli::paint::{bad, dim, good, odd, strong};
use crate::preview::{
    ClientTrace, ConditionTrace, DeliveryTrace, EventTrace, TagTrace, Trace, TransformTrace,
};
use crate::script::Fault;
use crate::script::frame::LogLine;

/// How much of a value is shown on a line.
const SHOWN_CHARACTERS: usize = 100;

/// Draws the whole trace.
pub(super) fn draw(trace: &Trace) -> String {
    let mut tree = Tree::default();
    let request = &trace.request;
    tree.line(
        0,
        format!("{} {}", strong(&request.method), strong(&request.path)),
    );
    tree.line(
        1,
        dim(format!(
            "generation {}, {} bytes",
            trace.generation,
            request.body.len()
        )),
    );
    for client in &trace.clients {
        tree.client(client);
    }
    if trace.clients.is_empty() && trace.request.method == "EVENT" {
        trace.events.iter().for_each(|event| tree.event(event));
        return tree.0;
    }
    let status = trace.response.status;
    let painted = if status < 400 {
        good(status)
    } else {
        bad(status)
    };
    tree.line(1, format!("answer {painted} {}", cut(&trace.response.body)));
    for event in &trace.events {
        tree.event(event);
    }
    if trace.events.is_empty() {
        tree.line(1, dim("no events"));
    }
    tree.0
}

#[derive(Default)]
struct Tree(String);

impl Tree {
    fn line(&mut self, depth: usize, text: impl AsRef<str>) {
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    fn client(&mut self, client: &ClientTrace) {
        let mark = if client.claimed {
            good("claims")
        } else {
            dim("passes")
        };
        self.line(
            1,
            format!(
                "client {} {mark} {}",
                strong(&client.name),
                dim(format!("({})", client.reason))
            ),
        );
        self.log(2, &client.log);
        self.fault(2, client.fault.as_ref());
    }

    fn event(&mut self, event: &EventTrace) {
        let name = event.data["event_name"].as_str().unwrap_or("?");
        self.line(
            1,
            format!("event {} {}", strong(name), dim(&event.event_id)),
        );
        for (key, value) in event
            .data
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "event_name")
        {
            self.line(2, format!("{} {}", dim(format!("{key}:")), short(value)));
        }
        for tag in &event.tags {
            self.tag(tag);
        }
        if event.tags.is_empty() {
            self.line(2, odd("no tag listens to this event"));
        }
    }

    fn tag(&mut self, tag: &TagTrace) {
        let mark = match (&tag.fault, tag.fired) {
            (Some(_), _) => bad("✗ failed"),
            (None, true) => good("✓ fired"),
            (None, false) => dim("– not fired"),
        };
        let reason = tag
            .reason
            .as_ref()
            .map(|reason| dim(format!(" ({reason})")))
            .unwrap_or_default();
        self.line(
            2,
            format!(
                "tag {} → {} {mark}{reason} {}",
                strong(&tag.name),
                tag.destination,
                dim(format!("{} µs", tag.duration_us))
            ),
        );
        for condition in &tag.conditions {
            self.condition(condition);
        }
        if let Some(consent) = &tag.consent {
            let mark = if consent.granted {
                good("✓")
            } else {
                bad("✗")
            };
            self.line(3, format!("{mark} consent {}", consent.required.join(", ")));
        }
        for transform in &tag.transforms {
            self.transform(transform);
        }
        self.log(3, &tag.log);
        self.fault(3, tag.fault.as_ref());
        for delivery in &tag.deliveries {
            self.delivery(delivery);
        }
    }

    fn condition(&mut self, condition: &ConditionTrace) {
        let mark = if condition.holds != condition.except {
            good("✓")
        } else {
            bad("✗")
        };
        let except = if condition.except { "except " } else { "" };
        let not = if condition.not { "not " } else { "" };
        let note = condition
            .note
            .as_ref()
            .map(|note| dim(format!(" ({note})")))
            .unwrap_or_default();
        let (expected, actual) = (short(&condition.expected), short(&condition.actual));
        self.line(
            3,
            format!(
                "{mark} {except}{} {not}{} {expected}, is {actual}{note}",
                condition.key, condition.operator
            ),
        );
    }

    fn transform(&mut self, transform: &TransformTrace) {
        self.line(3, format!("transformed by {}", strong(&transform.name)));
        for change in &transform.changes {
            let before = change
                .before
                .as_ref()
                .map(|value| bad(format!("- {}: {}", change.key, short(value))));
            let after = change
                .after
                .as_ref()
                .map(|value| good(format!("+ {}: {}", change.key, short(value))));
            for line in before.into_iter().chain(after) {
                self.line(4, line);
            }
        }
    }

    fn delivery(&mut self, delivery: &DeliveryTrace) {
        if let Some(why) = &delivery.refused {
            self.line(3, format!("{} {why}", bad("cannot be sent:")));
        }
        let Some(request) = &delivery.request else {
            return;
        };
        self.line(
            3,
            format!(
                "{} {} {}",
                strong(&request.method),
                request.url,
                dim(format!("{} {}", delivery.delivery_id, delivery.state))
            ),
        );
        let body = match &request.body {
            Value::String(text) => text.clone(),
            body => serde_json::to_string_pretty(body).unwrap_or_default(),
        };
        for line in body.lines() {
            self.line(4, line);
        }
    }

    fn log(&mut self, depth: usize, lines: &[LogLine]) {
        for line in lines {
            self.line(depth, format!("{} {}", dim("log"), line.text));
        }
    }

    fn fault(&mut self, depth: usize, fault: Option<&Fault>) {
        let Some(fault) = fault else { return };
        let places = [fault.line, fault.column]
            .into_iter()
            .flatten()
            .map(|place| format!(":{place}"));
        self.line(
            depth,
            format!(
                "{} {}",
                bad(format!("{}{}", fault.file, places.collect::<String>())),
                fault.message
            ),
        );
        if let Some(hint) = &fault.hint {
            self.line(depth + 1, format!("{} {hint}", odd("hint:")));
        }
    }
}

fn short(value: &Value) -> String {
    cut(&value.to_string())
}

/// The first characters of a text, on one line.
fn cut(text: &str) -> String {
    let one_line = text.replace(['\n', '\r'], " ");
    let shown: String = one_line.chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < one_line.len() {
        format!("{shown}…")
    } else {
        shown
    }
}
