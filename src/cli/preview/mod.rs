//! `tagwerk preview`: opens and closes preview sessions on the running server, and follows what they
//! see.

mod tail;

use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};

use super::remote::{self, Remote};
use super::{Exit, paint};
use crate::clock::{Millis, utc_text};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk preview open
  tagwerk preview open --capture --path '/hooks/*' --limit 50
  tagwerk preview tail
  tagwerk preview link
  tagwerk preview list
  tagwerk preview close 1f2e3d4c")]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Open a session and print the header that requests must carry
    #[command(after_help = "\
Examples:
  tagwerk preview open
  tagwerk preview open --ttl 15m
  tagwerk preview open --send          deliveries are really sent
  tagwerk preview open --capture       watch live traffic, for senders that can set no header
  tagwerk preview open --capture --client woocommerce --event order_created --limit 20
  tagwerk preview open --json | jq -r .token")]
    Open(OpenOptions),
    /// Follow traces as they come, one line each
    #[command(after_help = "\
Examples:
  tagwerk preview tail
  tagwerk preview tail --client woocommerce --outcome failed
  tagwerk preview tail --json | jq -r 'select(.faults > 0) | .trace_id'

A trace is printed when it comes and again when it changes: a delivery was tried, or has arrived.
Traces are made in sessions; `tagwerk preview open` opens one.")]
    Tail(tail::Options),
    /// Print a link that logs a browser in to the page, once
    #[command(after_help = "\
Examples:
  tagwerk preview link
  tagwerk preview link --role read --ttl 1h     for a colleague who may look and not change")]
    Link {
        /// What the browser may do
        #[arg(long, value_enum, default_value = "admin")]
        role: Role,
        /// How long the link is good, up to 24h
        #[arg(long, default_value = "10m")]
        ttl: String,
    },
    /// List the open sessions
    #[command(after_help = "Examples:\n  tagwerk preview list")]
    List,
    /// Close a session
    #[command(after_help = "Examples:\n  tagwerk preview close 1f2e3d4c")]
    Close {
        /// The session's id, as `open` and `list` print it
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Look at everything
    Read,
    /// Change things, too
    Admin,
}

#[derive(Debug, Args)]
struct OpenOptions {
    /// How long it lasts, up to 24h
    #[arg(long, default_value = "1h")]
    ttl: String,
    /// Really send what the tags make; otherwise nothing is sent and nothing journalled
    #[arg(long, conflicts_with = "capture")]
    send: bool,
    /// Watch live traffic, without a header; delivery goes on as ever
    #[arg(long)]
    capture: bool,
    /// Only requests on these paths, as clients have them: /hooks/:shop, /g/*
    #[arg(long, requires = "capture")]
    path: Option<String>,
    /// Only requests that this client takes
    #[arg(long, requires = "capture")]
    client: Option<String>,
    /// Only requests that make an event of this name
    #[arg(long, requires = "capture")]
    event: Option<String>,
    /// End after so many traces
    #[arg(long, requires = "capture")]
    limit: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    remote::ask(config, async |remote| match &options.action {
        Action::Open(options) => open(remote, options).await,
        Action::Tail(options) => tail::run(remote, options).await,
        Action::Link { role, ttl } => {
            anstream::println!("{}", link(remote, *role, ttl).await?);
            Ok(())
        }
        Action::List => list(remote).await,
        Action::Close { id } => close(remote, id).await,
    })
}

async fn open(remote: &Remote, options: &OpenOptions) -> Result<(), Exit> {
    let mut body = json!({ "ttl": options.ttl, "send": options.send });
    if options.capture {
        body["capture"] = json!({
            "path": options.path,
            "client": options.client,
            "event": options.event,
        });
        body["limit"] = options.limit.into();
    }
    let opened = remote
        .call(Method::POST, "/api/preview/sessions", Some(&body))
        .await?;
    if options.json {
        anstream::println!("{opened}");
        return Ok(());
    }
    let mode = match (options.capture, options.send) {
        (true, _) => watches(&opened),
        (false, true) => paint::odd("sends what the tags make"),
        (false, false) => "dry: nothing is sent, nothing journalled".to_owned(),
    };
    anstream::println!(
        "session {} until {} UTC, {mode}\n",
        paint::strong(text(&opened, "id")),
        utc_text(time(&opened))
    );
    if !options.capture {
        how_to_send(&opened);
    }
    anstream::println!("  tagwerk preview tail        follows it here");
    anstream::println!(
        "  {}",
        paint::strong(link(remote, Role::Admin, "10m").await?)
    );
    anstream::println!(
        "  {}",
        paint::dim("the page; the link logs one browser in, once")
    );
    Ok(())
}

fn how_to_send(opened: &Value) {
    let (token, url) = (text(opened, "token"), text(opened, "public_url"));
    anstream::println!("  {}\n", paint::strong(format!("X-Preview: {token}")));
    anstream::println!("  curl -s {url}/order_created -H 'X-Preview: {token}' \\");
    anstream::println!(
        "    -H 'Accept: application/vnd.tagwerk.trace+json' -H 'Content-Type: application/json' --data @order.json\n"
    );
    anstream::println!(
        "{}\n",
        paint::dim(
            "an answer without x-preview-trace was not watched: the token is wrong or has expired, and the request was live traffic"
        )
    );
}

/// What a capture session watches.
fn watches(session: &Value) -> String {
    let capture = &session["capture"];
    let parts = ["path", "client", "event"].map(|key| {
        let value = capture[key].as_str();
        value.map(|value| format!("{key} {value}"))
    });
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let what = match parts.is_empty() {
        true => "all live traffic".to_owned(),
        false => format!("live traffic, {}", parts.join(", ")),
    };
    format!(
        "watches {what}: {} of {} seen",
        session["seen"], session["limit"]
    )
}

async fn link(remote: &Remote, role: Role, ttl: &str) -> Result<String, Exit> {
    let role = match role {
        Role::Read => "read",
        Role::Admin => "admin",
    };
    let asked = json!({ "role": role, "ttl": ttl });
    let link = remote
        .call(Method::POST, "/api/login-links", Some(&asked))
        .await?;
    Ok(text(&link, "url").to_owned())
}

async fn list(remote: &Remote) -> Result<(), Exit> {
    let sessions = remote
        .call(Method::GET, "/api/preview/sessions", None)
        .await?;
    let sessions = sessions.as_array().cloned().unwrap_or_default();
    if sessions.is_empty() {
        anstream::println!("no open sessions; `tagwerk preview open` opens one");
    }
    for session in &sessions {
        let mode = match (session["kind"] == "capture", session["send"] == true) {
            (true, _) => watches(session),
            (false, true) => "sends".to_owned(),
            (false, false) => "dry".to_owned(),
        };
        anstream::println!(
            "{}  {mode}  until {} UTC",
            paint::strong(text(session, "id")),
            utc_text(time(session))
        );
    }
    Ok(())
}

async fn close(remote: &Remote, id: &str) -> Result<(), Exit> {
    remote
        .call(Method::DELETE, &format!("/api/preview/sessions/{id}"), None)
        .await?;
    anstream::println!("closed {id}");
    Ok(())
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

fn time(object: &Value) -> Millis {
    object["expires"].as_i64().unwrap_or_default()
}
