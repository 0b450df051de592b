//! `tagwerk preview`: opens and closes preview sessions on the running server.

use std::path::Path;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::remote::Remote;
use super::{Exit, paint};
use crate::clock::{Millis, utc_text};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk preview open
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
  tagwerk preview open --json | jq -r .token")]
    Open {
        /// How long it lasts, up to 24h
        #[arg(long, default_value = "1h")]
        ttl: String,
        /// Really send what the tags make; otherwise nothing is sent and nothing journalled
        #[arg(long)]
        send: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
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

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let remote = Remote::of(config)?;
    super::serve::runtime()?.block_on(async {
        match &options.action {
            Action::Open { ttl, send, json } => open(&remote, ttl, *send, *json).await,
            Action::List => list(&remote).await,
            Action::Close { id } => close(&remote, id).await,
        }
    })
}

async fn open(remote: &Remote, ttl: &str, send: bool, as_json: bool) -> Result<(), Exit> {
    let body = json!({ "ttl": ttl, "send": send });
    let opened = remote
        .call(Method::POST, "/api/preview/sessions", Some(&body))
        .await?;
    if as_json {
        anstream::println!("{opened}");
        return Ok(());
    }
    let (token, url) = (text(&opened, "token"), text(&opened, "public_url"));
    let mode = if send {
        paint::odd("sends what the tags make")
    } else {
        "dry: nothing is sent, nothing journalled".to_owned()
    };
    anstream::println!(
        "session {} until {} UTC, {mode}\n",
        paint::strong(text(&opened, "id")),
        utc_text(time(&opened))
    );
    anstream::println!("  {}\n", paint::strong(format!("X-Preview: {token}")));
    anstream::println!("  curl -s {url}/order_created -H 'X-Preview: {token}' \\");
    anstream::println!(
        "    -H 'Accept: application/vnd.tagwerk.trace+json' -H 'Content-Type: application/json' --data @order.json\n"
    );
    anstream::println!(
        "{}",
        paint::dim(
            "an answer without x-preview-trace was not watched: the token is wrong or has expired, and the request was live traffic"
        )
    );
    Ok(())
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
        let mode = if session["send"] == true {
            "sends"
        } else {
            "dry"
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
