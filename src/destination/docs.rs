//! The page of a type, `docs/destinations/NAME.md`, made of what the type says of itself and of what
//! its code does with answers. It writes no file.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::Path;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};

use super::encode::{Limits, Verdict};
use super::judge::Asked;
use super::kind::{Others, Type};
use super::reply::Reply;
use super::{Destination, load_as};
use crate::config::{self, Rate};
use crate::outcome::Outcome;

/// The statuses of which a page says what is done.
const STATUSES: [u16; 12] = [200, 301, 400, 401, 403, 404, 410, 413, 422, 429, 500, 503];

/// The page of a type, in Markdown.
///
/// # Errors
/// If the type's own example is no configuration.
pub fn page(kind: &'static Type) -> Result<String, String> {
    let destination = example(kind)?;
    let mut page = String::new();
    write_page(kind, &destination, &mut page).map_err(|error| error.to_string())?;
    Ok(page)
}

/// The destination that a type's example makes.
pub(super) fn example(kind: &'static Type) -> Result<Destination, String> {
    let variables = kind.example.variables.iter();
    let environment: BTreeMap<String, String> = variables
        .map(|variable| (variable.name.to_owned(), variable.value.to_owned()))
        .collect();
    let config = config::parse(&table(kind), Path::new("tagwerk.toml"), &environment)
        .map_err(|problems| problems.to_string())?;
    let configured = config.destinations.values().next();
    let configured = configured.ok_or("there is no destination")?;
    load_as(kind, configured).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        problems.join("\n")
    })
}

/// The example's table of the configuration.
fn table(kind: &Type) -> String {
    format!(
        "[destinations.{name}]\ntype = \"{name}\"\n{settings}\n",
        name = kind.name,
        settings = kind.example.settings
    )
}

fn write_page(kind: &Type, destination: &Destination, page: &mut String) -> fmt::Result {
    writeln!(page, "# {}\n", kind.title)?;
    writeln!(
        page,
        "<!-- Made by `tagwerk docs --destinations docs/destinations` from src/destination/types/{}. -->\n",
        kind.name
    )?;
    writeln!(page, "{}\n", kind.about)?;
    write_settings(kind, page)?;
    writeln!(
        page,
        "## A tag for it\n\n```rhai\n{}```\n",
        kind.example.tag
    )?;
    write_fields(kind, page)?;
    write_limits(kind, &destination.limits(), page)?;
    write_answers(kind, destination, page)?;
    writeln!(page, "## Repeats\n\n{}\n", kind.facts.idempotency)?;
    if !kind.facts.notes.is_empty() {
        writeln!(page, "## Good to know\n")?;
        for note in kind.facts.notes {
            writeln!(page, "* {note}")?;
        }
        writeln!(page)?;
    }
    write_trial(kind, page)?;
    write_sources(kind, page)
}

fn write_settings(kind: &Type, page: &mut String) -> fmt::Result {
    writeln!(page, "## Settings\n\n```toml\n{}```\n", table(kind))?;
    writeln!(page, "| key | without it | what it is |\n|---|---|---|")?;
    for setting in kind.settings {
        let (key, default, about) = (setting.key, setting.default, setting.about);
        writeln!(page, "| `{key}` | {default} | {} |", cell(about))?;
    }
    writeln!(
        page,
        "\nAnd [those of every type](../delivery.md#settings-of-every-destination): `endpoint`, `dry_run`, `timeout`, `retry`, `rate`, and so on.\n"
    )
}

fn write_fields(kind: &Type, page: &mut String) -> fmt::Result {
    writeln!(page, "## What a tag returns\n")?;
    if !kind.fields.is_empty() {
        writeln!(page, "| key | value | what it is |\n|---|---|---|")?;
    }
    for field in kind.fields {
        let needed = if field.is_required { ", required" } else { "" };
        let (path, words, about) = (field.path, field.shape.words(), cell(field.about));
        writeln!(page, "| `{path}` | {}{needed} | {about} |", cell(&words))?;
    }
    let others = match kind.others {
        Others::Refused => "Any other key is refused.",
        Others::Sent => "Other keys are sent as they are.",
    };
    writeln!(page, "\n{others}\n")
}

fn write_limits(kind: &Type, limits: &Limits, page: &mut String) -> fmt::Result {
    writeln!(page, "## Limits\n\n| | |\n|---|---|")?;
    writeln!(page, "| deliveries in one request | {} |", limits.items)?;
    if limits.bytes != usize::MAX {
        writeln!(
            page,
            "| bytes of payload in one request | {} |",
            limits.bytes
        )?;
    }
    if limits.wait != Duration::ZERO {
        let wait = limits.wait.as_millis();
        writeln!(page, "| a delivery waits for others | {wait} ms |")?;
    }
    if let Rate::Per { count, period } = limits.rate {
        let seconds = period.as_secs();
        writeln!(page, "| requests started | {count} in {seconds} s |")?;
    }
    for (what, how_much) in kind.facts.limits {
        writeln!(page, "| {} | {} |", cell(what), cell(how_much))?;
    }
    writeln!(page)
}

fn write_answers(kind: &Type, destination: &Destination, page: &mut String) -> fmt::Result {
    writeln!(
        page,
        "## What becomes of an answer\n\n| answer | |\n|---|---|"
    )?;
    let mut rows: Vec<(&'static str, Vec<String>)> = Vec::new();
    let speaks_http = kind.stand_in.is_some_and(|stand_in| stand_in.speaks_http());
    for status in STATUSES.into_iter().filter(|_| speaks_http) {
        let done = consequence(kind, destination, status);
        match rows.iter_mut().find(|(other, _)| *other == done) {
            Some((_, statuses)) => statuses.push(status.to_string()),
            None => rows.push((done, vec![status.to_string()])),
        }
    }
    for (done, statuses) in rows {
        writeln!(page, "| {} | {done} |", statuses.join(", "))?;
    }
    for (answer, done) in kind.facts.answers {
        writeln!(page, "| {} | {} |", cell(answer), cell(done))?;
    }
    if kind.stand_in.is_some() {
        writeln!(page, "| no connection, no answer in time | again, later |")?;
    }
    writeln!(
        page,
        "\n*Again, later* is [the schedule](../delivery.md#when-it-is-tried-again) of 13 attempts over three days; `Retry-After` makes a wait longer.\n"
    )
}

/// What is done if the vendor answers one delivery so.
fn consequence(kind: &Type, destination: &Destination, status: u16) -> &'static str {
    let body = match (kind.stand_in, StatusCode::from_u16(status)) {
        (Some(stand_in), Ok(code)) if status != 200 => {
            let (method, headers) = (Method::POST, HeaderMap::new());
            let asked = Asked {
                method: &method,
                path: "/",
                query: "",
                headers: &headers,
                body: b"{}",
                at: 0,
            };
            (stand_in.forced)(&asked, code).body
        }
        _ => String::new(),
    };
    let reply = Reply {
        status,
        body: body.into(),
        ..Reply::default()
    };
    match destination.vendor.read(&reply, 1) {
        Verdict::All(outcome) => words(&outcome),
        Verdict::Each(outcomes) => outcomes.first().map_or("again, later", words),
        Verdict::Split(_) => "sent in halves; what is alone is dead (`rejected`)",
    }
}

fn words(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Retry { .. } => "again, later",
        Outcome::Throttled { .. } => "the destination is throttled; this was no attempt",
        Outcome::NotTried { .. } => "again at once",
        Outcome::Rejected { .. } => "dead (`rejected`)",
        Outcome::Redirected { .. } => "dead (`redirected`): redirects are not followed",
        Outcome::Paused { .. } => "the destination is paused until a person has acted",
        Outcome::Disabled { .. } => "the destination is disabled: what it goes to is gone",
    }
}

fn write_trial(kind: &Type, page: &mut String) -> fmt::Result {
    if kind.stand_in.is_none() {
        return Ok(());
    }
    writeln!(
        page,
        "## Try it without the vendor\n\n`tagwerk emulate {name}` refuses what the vendor refuses, and says why. Set `endpoint = \"http://127.0.0.1:9100\"`; `--answer 429,500` makes it begin with these.\n",
        name = kind.name
    )
}

fn write_sources(kind: &Type, page: &mut String) -> fmt::Result {
    writeln!(
        page,
        "## How sure this is\n\n{}",
        kind.facts.proof.sentence()
    )?;
    for source in kind.facts.sources {
        writeln!(page, "* <{source}>")?;
    }
    Ok(())
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
