//! What is not as it should be, and what to do about it. From the API's answer; it asks nobody.

use serde_json::Value;

use crate::cli::numbers::{bytes, counted, span};

/// Share of `max_size` from which on the journal's size is worth a look.
const NEARLY_FULL: f64 = 0.8;

/// An event that waits for longer than vendors are down at a time, in seconds.
const LONG_WAIT: f64 = 3_600.0;

/// Something that is not as it should be.
pub(super) struct Remark {
    /// What is wrong.
    pub(super) what: String,
    /// How to mend it.
    pub(super) remedy: String,
    /// It does not mend itself.
    pub(super) is_urgent: bool,
}

impl Remark {
    fn urgent(what: String, remedy: impl Into<String>) -> Self {
        Self {
            what,
            remedy: remedy.into(),
            is_urgent: true,
        }
    }

    fn mild(what: String, remedy: impl Into<String>) -> Self {
        Self {
            is_urgent: false,
            ..Self::urgent(what, remedy)
        }
    }
}

/// Everything about an answer of `GET /api/status`.
pub(super) fn all(status: &Value) -> Vec<Remark> {
    let mut remarks = about_journal(&status["journal"]);
    remarks.extend(about_files(status));
    remarks.extend(list(&status["destinations"]).filter_map(about_destination));
    remarks.extend(about_dead_letters(status));
    remarks
}

fn about_journal(journal: &Value) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if journal["healthy"] != true || journal["error"].is_string() {
        let why = journal["error"].as_str().unwrap_or("see the log");
        remarks.push(Remark::urgent(
            format!("the journal cannot be written: {why}"),
            "look at the disk of the data folder (space, errors); senders are told to come back,\nnothing acknowledged is lost, and it goes on by itself once the disk does",
        ));
    }
    let (size, most) = (number(&journal["size_bytes"]), number(&journal["max_size"]));
    let filled = format!("the journal holds {} of {}", bytes(size), bytes(most));
    if most > 0.0 && size >= most {
        remarks.push(Remark::urgent(
            format!("{filled}: new events are refused"),
            "see which destination holds events up, or raise [journal] max_size or lower its\nretention, and restart",
        ));
    } else if journal["full"] == true {
        remarks.push(Remark::urgent(
            "the disk of the data folder is nearly full: new events are refused".to_owned(),
            "make room on it; what is left is kept for what was acknowledged",
        ));
    } else if most > 0.0 && size >= NEARLY_FULL * most {
        remarks.push(Remark::mild(
            filled,
            "at the limit new events are refused; raise [journal] max_size, or lower its retention",
        ));
    }
    let waits = number(&journal["oldest_undelivered_seconds"]);
    if waits >= LONG_WAIT {
        remarks.push(Remark::mild(
            format!(
                "the oldest undelivered event has waited for {}",
                span(waits)
            ),
            "see the destinations below; a tag with DELAY makes events wait, too",
        ));
    }
    remarks
}

fn about_files(status: &Value) -> Option<Remark> {
    let problems: Vec<String> = list(&status["problems"]).map(problem).collect();
    (status["config_ok"] != true).then(|| {
        let remedy = format!("{}\nmend and save them", problems.join("\n"));
        let what = "the files as they are now are not live, the set before them is";
        Remark::urgent(what.to_owned(), remedy)
    })
}

fn problem(problem: &Value) -> String {
    let mut text = word(&problem["file"]).to_owned();
    for place in [&problem["line"], &problem["column"]] {
        if let Some(place) = place.as_u64() {
            text.push_str(&format!(":{place}"));
        }
    }
    text.push_str(&format!(": {}", word(&problem["message"])));
    match problem["hint"].as_str() {
        Some(hint) => format!("{text}\n  hint: {hint}"),
        None => text,
    }
}

fn about_destination(destination: &Value) -> Option<Remark> {
    let (name, state) = (word(&destination["name"]), word(&destination["state"]));
    let pending = whole(&destination["pending"]);
    let why = destination["why"].as_str();
    let because = why.map(|why| format!(": {why}")).unwrap_or_default();
    let waiting = counted(pending, "delivery waits", "deliveries wait");
    let resume = format!("tagwerk status --resume {name}");
    let remark = match state {
        "paused" => Remark::urgent(
            format!("{name} is paused{because}; {waiting}"),
            format!("mend its key, then save, or: {resume}"),
        ),
        "disabled" => Remark::urgent(
            format!("{name} is disabled{because}; {waiting}"),
            format!("the vendor says that it is gone: mend its address, then save, or: {resume}"),
        ),
        "not_configured" if pending > 0 => Remark::urgent(
            format!("{name} is not configured{because}; {waiting}"),
            "set it and start the server again, or write the value as ${file:PATH} and save",
        ),
        "removed" => Remark::urgent(
            format!("{name} is not in the configuration any more; {waiting}"),
            format!(
                "put [destinations.{name}] back; with `dry_run = true` they end without being sent"
            ),
        ),
        "open" | "throttled" => Remark::mild(
            format!("{name} is {state}{because}; {waiting}"),
            "it is tried again by itself",
        ),
        _ => return None,
    };
    Some(remark)
}

fn about_dead_letters(status: &Value) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for destination in list(&status["destinations"]) {
        let (name, dead) = (word(&destination["name"]), whole(&destination["dead"]));
        if dead > 0 {
            remarks.push(Remark::mild(
                format!(
                    "{} for {name}",
                    counted(dead, "dead letter", "dead letters")
                ),
                format!("tagwerk dead list --destination {name}"),
            ));
        }
    }
    let kept = whole(&status["journal"]["failed_requests"]);
    if kept > 0 {
        let requests = counted(kept, "request is", "requests are");
        remarks.push(Remark::mild(
            format!("{requests} kept because a client failed"),
            "tagwerk dead list",
        ));
    }
    remarks
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

pub(super) fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
