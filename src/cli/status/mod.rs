//! `tagwerk status`: how the running server is, for people and for scripts; and telling it to send
//! to a destination again that waits for a person.

mod overview;
mod remarks;

use std::path::Path;

use clap::Args;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::remote::{self, Remote};
use super::{Exit, paint};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk status
  tagwerk status --json | jq '.destinations[] | select(.state != \"ready\")'
  tagwerk status --resume slack         its key was mended: send to it again
  tagwerk status || mail -s 'tagwerk needs you' ops@example.com

Exit codes: 0 all is well, 1 something needs a person or the server cannot be reached.")]
pub(super) struct Options {
    /// Print what `GET /api/status` answers
    #[arg(long)]
    json: bool,
    /// Send to this destination again, which is paused or disabled
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    resume: Option<String>,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    remote::ask(config, async |remote| match &options.resume {
        Some(name) => resume(remote, name).await,
        None => show(remote, options.json).await,
    })
}

async fn show(remote: &Remote, as_json: bool) -> Result<(), Exit> {
    let status = remote.call(Method::GET, "/api/status", None).await?;
    let overview = overview::of(&status);
    match as_json {
        true => anstream::println!("{status}"),
        false => anstream::print!("{}", overview.text),
    }
    match overview.needs_a_person {
        true => Err(Exit::told()),
        false => Ok(()),
    }
}

async fn resume(remote: &Remote, name: &str) -> Result<(), Exit> {
    let path = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = format!("/api/destinations/{path}/resume");
    let _: Value = remote.call(Method::POST, &path, None).await?;
    anstream::println!(
        "{} is sent to again; `tagwerk status` shows whether it works",
        paint::strong(name)
    );
    Ok(())
}
