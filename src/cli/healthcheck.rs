//! `tagwerk healthcheck`: for containers and supervisors, which have no curl.

use std::path::Path;

use clap::Args;

use super::{Exit, remote};
use crate::config::{self, SystemEnvironment};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk healthcheck && echo well
  HEALTHCHECK CMD [\"tagwerk\", \"healthcheck\"]

Exit codes: 0 ready for requests, 1 not.")]
pub(super) struct Options {}

pub(super) fn run(_options: &Options, config: &Path) -> Result<(), Exit> {
    let config = config::load(config, &SystemEnvironment)
        .map_err(|problems| Exit::configuration(&problems))?;
    let reply = super::serve::runtime()?.block_on(remote::get_public(&config, "/readyz"))?;
    if reply.status == 200 {
        anstream::println!("{}", String::from_utf8_lossy(&reply.body));
        return Ok(());
    }
    Err(Exit::bad(format!("not ready: {}", reply.summary())))
}
