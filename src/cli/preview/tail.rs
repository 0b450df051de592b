//! `tagwerk preview tail`: traces as they come, a line each, until Ctrl-C.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use crate::cli::remote::Remote;
use crate::cli::{Exit, paint};
use crate::clock::utc_text;
use crate::config::parse_duration;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Only this path, or part of it; or a pattern, as clients have it
    #[arg(long)]
    path: Option<String>,
    /// Only requests that this client took
    #[arg(long)]
    client: Option<String>,
    /// Only requests that made an event of this name
    #[arg(long)]
    event: Option<String>,
    /// Only requests for which this tag fired or failed
    #[arg(long)]
    tag: Option<String>,
    /// Only this outcome: unclaimed, failed, refused, dead, retrying, pending, delivered, dry_run, nothing
    #[arg(long)]
    outcome: Option<String>,
    /// Only this session
    #[arg(long)]
    session: Option<String>,
    /// Only what has this text in it somewhere
    #[arg(long)]
    text: Option<String>,
    /// Stop after so many lines
    #[arg(long)]
    limit: Option<usize>,
    /// Stop after so long, such as 30s
    #[arg(long)]
    during: Option<String>,
    /// Print each trace's row as a line of JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    fn query(&self) -> String {
        let pairs = [
            ("path", &self.path),
            ("client", &self.client),
            ("event", &self.event),
            ("tag", &self.tag),
            ("outcome", &self.outcome),
            ("session", &self.session),
            ("text", &self.text),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

pub(super) async fn run(remote: &Remote, options: &Options) -> Result<(), Exit> {
    let during = match options.during.as_deref().map(parse_duration) {
        None => None,
        Some(Some(during)) => Some(during),
        Some(None) => return Err(Exit::usage("--during is a duration, such as 30s")),
    };
    let follow = follow(remote, options);
    match during {
        None => follow.await,
        Some(during) => tokio::time::timeout(during, follow).await.unwrap_or(Ok(())),
    }
}

async fn follow(remote: &Remote, options: &Options) -> Result<(), Exit> {
    let path = format!("/api/traces/stream?{}", options.query());
    let mut stream = remote.follow(&path).await?;
    let mut text = Vec::new();
    let mut left = options.limit.unwrap_or(usize::MAX);
    while let Some(chunk) = stream.next().await.map_err(Exit::bad)? {
        text.extend_from_slice(&chunk);
        for message in messages(&mut text) {
            let Some(line) = line(&message, options.json) else {
                continue;
            };
            // Whoever reads may have had enough, as `head` has.
            if writeln!(anstream::stdout(), "{line}").is_err() {
                return Ok(());
            }
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
    }
    Err(Exit::bad("the server has ended the stream"))
}

/// A message of the stream.
#[derive(Debug, Default, PartialEq)]
struct Message {
    name: String,
    data: String,
}

/// Takes the whole messages out of what has come so far.
fn messages(text: &mut Vec<u8>) -> Vec<Message> {
    let mut found = Vec::new();
    while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
        let whole: Vec<u8> = text.drain(..end + 2).collect();
        let whole = String::from_utf8_lossy(&whole);
        let mut message = Message::default();
        for line in whole.lines() {
            match line.split_once(':') {
                Some(("event", value)) => value.trim().clone_into(&mut message.name),
                Some(("data", value)) => message.data.push_str(value.trim_start()),
                _ => {}
            }
        }
        found.push(message);
    }
    found
}

fn line(message: &Message, as_json: bool) -> Option<String> {
    let data: Value = serde_json::from_str(&message.data).ok()?;
    match message.name.as_str() {
        "trace" | "update" if as_json => Some(message.data.clone()),
        "trace" | "update" => Some(row(&data)),
        "hello" if !as_json && data["sessions"].as_array().is_some_and(Vec::is_empty) => {
            Some(paint::dim(
                "no session is open, so nothing is watched; `tagwerk preview open` opens one",
            ))
        }
        "reload" if !as_json => Some(reload(&data)),
        "sessions" if !as_json => ended(&data),
        _ => None,
    }
}

fn row(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let time = utc_text(row["received_at"].as_i64().unwrap_or_default());
    let time = time.split(' ').next_back().unwrap_or_default();
    let list = |key: &str| {
        let list = row[key].as_array().into_iter().flatten();
        let names: Vec<&str> = list.filter_map(Value::as_str).collect();
        names.join(" ")
    };
    let outcome = text("outcome");
    let outcome = match outcome {
        "delivered" | "dry_run" => paint::good(format!("{outcome:9}")),
        "failed" | "dead" | "unclaimed" | "refused" => paint::bad(format!("{outcome:9}")),
        "retrying" => paint::odd(format!("{outcome:9}")),
        other => paint::dim(format!("{other:9}")),
    };
    let client = row["client"].as_str().unwrap_or("–");
    let milliseconds = row["duration_us"].as_f64().unwrap_or_default() / 1e3;
    format!(
        "{} {outcome} {} {} {} {client} {} {} {}",
        paint::dim(time),
        row["status"],
        text("method"),
        paint::strong(text("path")),
        paint::strong(list("events")),
        list("tags"),
        paint::dim(format!("{milliseconds:.1} ms {}", text("trace_id"))),
    )
}

fn reload(data: &Value) -> String {
    if data["reload"] == "live" {
        let generation = data["generation"].as_str().unwrap_or_default();
        return paint::good(format!(
            "the changed files are live: generation {generation}"
        ));
    }
    let problems = data["problems"].as_array().into_iter().flatten();
    let lines = problems.map(|problem| {
        let file = problem["file"].as_str().unwrap_or_default();
        let message = problem["message"].as_str().unwrap_or_default();
        let line = problem["line"].as_u64();
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("\n  {file}{line}: {message}")
    });
    format!(
        "{}{}",
        paint::bad("the changed files are not live:"),
        lines.collect::<String>()
    )
}

fn ended(sessions: &Value) -> Option<String> {
    let sessions = sessions.as_array()?.iter();
    let ended = sessions.filter_map(|session| {
        let why = match session["ended"].as_str()? {
            "time" => "its time is over",
            "limit" => "it has seen as much as was asked for",
            _ => "it was closed",
        };
        let id = session["id"].as_str()?;
        Some(format!("session {id} has ended: {why}"))
    });
    let lines: Vec<String> = ended.collect();
    (!lines.is_empty()).then(|| paint::odd(lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole() {
        let mut text = b"event: trace\nid: 3\ndata: {\"a\":1}\n\n:\n\nevent: upd".to_vec();
        let found = messages(&mut text);
        assert_eq!(found.len(), 2);
        assert_eq!((&*found[0].name, &*found[0].data), ("trace", "{\"a\":1}"));
        assert_eq!(found[1], Message::default());
        assert_eq!(text, b"event: upd");
    }
}
