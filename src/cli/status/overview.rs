//! The overview: what needs a person first, with what to do about it, then the numbers. Text from
//! the API's answer; it asks nobody.

use serde_json::Value;

use super::remarks::{self, Remark, list, number, whole, word};
use crate::cli::numbers::{bytes, grouped, span};
use crate::cli::paint;
use crate::cli::table::table;

/// What is printed, and what the exit code says.
pub(super) struct Overview {
    pub(super) text: String,
    pub(super) needs_a_person: bool,
}

/// The overview of what `GET /api/status` answered.
pub(super) fn of(status: &Value) -> Overview {
    let status = &printable(status);
    let remarks = remarks::all(status);
    let needs_a_person = remarks.iter().any(|remark| remark.is_urgent);

    let mut text = heading(status, needs_a_person);
    for (title, is_urgent) in [("needs you", true), ("worth a look", false)] {
        section(&mut text, title, is_urgent, &remarks);
    }
    text.push_str(&destinations(status));
    text.push_str(&numbers(&status["journal"]));
    Overview {
        text,
        needs_a_person,
    }
}

/// What vendors said is shown, and must not steer the terminal.
fn printable(value: &Value) -> Value {
    match value {
        Value::String(text) => text.replace(char::is_control, " ").into(),
        Value::Array(items) => items.iter().map(printable).collect(),
        Value::Object(entries) => {
            let entries = entries.iter();
            Value::Object(
                entries
                    .map(|(key, value)| (key.clone(), printable(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn heading(status: &Value, needs_a_person: bool) -> String {
    let well = match needs_a_person {
        true => paint::bad("needs you"),
        false => paint::good("well"),
    };
    let since = number(&status["started_at"]) + 1e3 * number(&status["uptime_seconds"]);
    let live_for = (since - number(&status["generation_since"])) / 1e3;
    format!(
        "tagwerk {}: {well}, up for {}; generation {} is live for {}\n",
        word(&status["version"]),
        span(number(&status["uptime_seconds"])),
        word(&status["generation"]),
        span(live_for),
    )
}

fn section(text: &mut String, title: &str, is_urgent: bool, remarks: &[Remark]) {
    let mut remarks = remarks.iter().filter(|one| one.is_urgent == is_urgent);
    let Some(first) = remarks.next() else { return };
    let title = match is_urgent {
        true => paint::bad(title),
        false => paint::odd(title),
    };
    text.push_str(&format!("\n{title}\n"));
    for Remark { what, remedy, .. } in std::iter::once(first).chain(remarks) {
        text.push_str(&format!("  {what}\n"));
        for line in remedy.lines() {
            text.push_str(&format!("    {}\n", paint::dim(line)));
        }
    }
}

const COLUMNS: [&str; 6] = [
    "destination",
    "type",
    "state",
    "pending",
    "delivered",
    "dead",
];

/// The column that decides how a line is painted.
const STATE: usize = 2;

fn destinations(status: &Value) -> String {
    let rows: Vec<Vec<String>> = list(&status["destinations"]).map(row).collect();
    if rows.is_empty() {
        return "\nno destinations; tagwerk.toml is where they are named\n".to_owned();
    }
    let drawn = table(&COLUMNS, &rows);
    let mut lines = drawn.lines();
    let mut text = format!("\n{}\n", lines.next().unwrap_or_default());
    for (line, row) in lines.zip(&rows) {
        let line = match row.get(STATE).map(String::as_str) {
            Some("ready" | "not_configured") => line.to_owned(),
            Some("open" | "throttled") => paint::odd(line),
            _ => paint::bad(line),
        };
        text.push_str(&format!("{line}\n"));
    }
    text
}

fn row(destination: &Value) -> Vec<String> {
    let text = |key: &str| destination[key].as_str().unwrap_or("–").to_owned();
    let count = |key: &str| grouped(whole(&destination[key]));
    vec![
        text("name"),
        text("type"),
        text("state"),
        count("pending"),
        count("delivered"),
        count("dead"),
    ]
}

fn numbers(journal: &Value) -> String {
    if journal["events"].is_null() {
        return String::new();
    }
    let of = |key: &str| number(&journal[key]);
    let mut text = format!(
        "\nevents   {} acknowledged, {} not processed yet, the oldest undelivered waits for {}\n",
        grouped(whole(&journal["events"])),
        grouped(whole(&journal["unprocessed"])),
        span(of("oldest_undelivered_seconds")),
    );
    text.push_str(&format!(
        "journal  {} of {} in use",
        bytes(of("size_bytes")),
        bytes(of("max_size")),
    ));
    if let (Some(half), Some(most)) = (
        journal["commit_p50_ms"].as_f64(),
        journal["commit_p99_ms"].as_f64(),
    ) {
        text.push_str(&format!(
            ", a commit takes {half:.1} ms (p50), {most:.1} ms (p99)"
        ));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn well() -> Value {
        json!({
            "version": "0.1.0", "started_at": 0, "uptime_seconds": 11_520, "generation": "778b",
            "generation_since": 10_800_000, "config_ok": true, "problems": [], "deliveries": [],
            "journal": {
                "healthy": true, "error": null, "events": 1_234, "unprocessed": 0,
                "failed_requests": 0, "oldest_undelivered_seconds": 4.2, "size_bytes": 1_258_291,
                "max_size": 10_737_418_240_u64, "commit_p50_ms": 0.42, "commit_p99_ms": 2.06
            },
            "destinations": [
                { "name": "amplitude", "type": "amplitude", "state": "ready", "why": null,
                  "pending": 0, "delivered": 12_345, "dead": 0 },
                { "name": "crm", "type": "http", "state": "not_configured",
                  "why": "not set: $CRM_TOKEN", "pending": 0, "delivered": 0, "dead": 0 },
            ],
        })
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn the_numbers_stand_in_columns() {
        let overview = of(&well());
        let expected = "\
tagwerk 0.1.0: well, up for 3 h 12 min; generation 778b is live for 12 min 0 s

destination  type       state           pending  delivered  dead
amplitude    amplitude  ready                 0     12,345     0
crm          http       not_configured        0          0     0

events   1,234 acknowledged, 0 not processed yet, the oldest undelivered waits for 4 s
journal  1.2 MiB of 10.0 GiB in use, a commit takes 0.4 ms (p50), 2.1 ms (p99)
";
        assert_eq!(plain(&overview.text), expected);
        assert!(!overview.needs_a_person);
    }

    /// Where, what is there instead, a part of what is printed, and whether a person is needed.
    fn odd() -> Vec<(&'static str, Value, &'static str, bool)> {
        let destination = "/destinations/0";
        let slack = |state: &str, pending: u64, dead: u64| {
            json!({ "name": "slack", "type": "slack", "state": state, "why": "401 \u{1b}[2Jno",
                "pending": pending, "delivered": 1, "dead": dead })
        };
        vec![
            (
                destination,
                slack("paused", 14, 0),
                "  slack is paused: 401  [2Jno; 14 deliveries wait\n    mend its key, then save, or: tagwerk status --resume slack\n",
                true,
            ),
            (
                destination,
                slack("disabled", 1, 0),
                "; 1 delivery waits",
                true,
            ),
            (
                destination,
                slack("removed", 2, 0),
                "put [destinations.slack] back",
                true,
            ),
            (
                destination,
                slack("not_configured", 3, 0),
                "set it and start",
                true,
            ),
            (
                destination,
                slack("open", 3, 0),
                "tried again by itself",
                false,
            ),
            (
                destination,
                slack("throttled", 3, 0),
                "tried again by itself",
                false,
            ),
            (
                destination,
                slack("ready", 0, 7),
                "7 dead letters for slack\n    tagwerk dead list --destination slack",
                false,
            ),
            (
                "/journal/healthy",
                json!(false),
                "the journal cannot be written: see the log",
                true,
            ),
            (
                "/journal/error",
                json!("no space"),
                "cannot be written: no space",
                true,
            ),
            (
                "/journal/size_bytes",
                json!(10_737_418_240_u64),
                "new events are refused",
                true,
            ),
            (
                "/journal/size_bytes",
                json!(9_663_676_416_u64),
                "holds 9.0 GiB of 10.0 GiB",
                false,
            ),
            (
                "/journal/oldest_undelivered_seconds",
                json!(100_000),
                "has waited for 1 d 3 h",
                false,
            ),
            (
                "/journal/failed_requests",
                json!(1),
                "1 request is kept",
                false,
            ),
            (
                "/config_ok",
                json!(false),
                "not live, the set before them is",
                true,
            ),
        ]
    }

    #[test]
    fn what_is_odd_comes_with_what_to_do_about_it() {
        for (place, instead, expected, needs_a_person) in odd() {
            let mut status = well();
            *status.pointer_mut(place).unwrap() = instead;
            let overview = of(&status);
            let text = plain(&overview.text);
            assert!(text.contains(expected), "{place}: {text}");
            assert_eq!(overview.needs_a_person, needs_a_person, "{place}");
            let title = if needs_a_person {
                "\nneeds you\n"
            } else {
                "\nworth a look\n"
            };
            assert!(
                text.contains(title) && !overview.text.contains("[2J\u{1b}"),
                "{text}"
            );
        }
    }

    #[test]
    fn problems_are_shown_as_check_shows_them() {
        let mut status = well();
        status["config_ok"] = json!(false);
        status["problems"] = json!([{ "file": "tags/a.rhai", "line": 3, "column": null,
            "message": "unknown constant WEHN", "hint": "did you mean `WHEN`?" }]);
        let text = plain(&of(&status).text);
        let expected =
            "    tags/a.rhai:3: unknown constant WEHN\n      hint: did you mean `WHEN`?\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn an_answer_without_anything_in_it_is_no_panic() {
        let overview = of(&json!({}));
        assert!(overview.needs_a_person);
    }
}
