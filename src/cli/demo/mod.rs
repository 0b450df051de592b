//! `tagwerk demo`: the whole thing on this machine, with stand-ins for the vendors and real
//! webhooks. What it shows is read from the journal and from what the stand-ins received.

mod show;
mod stage;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::serve::{Signals, runtime};
use super::{Exit, paint};
use crate::telemetry;
use show::Outcome;
use stage::Stage;
use std::collections::BTreeMap;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk demo              then goes on serving; Ctrl-C ends it
  tagwerk demo --once       exit code 0 only if everything was delivered")]
pub(super) struct Options {
    /// End after the samples; the exit code says whether everything was delivered
    #[arg(long)]
    once: bool,

    /// Where to listen; another port is taken if this one is in use
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// How long deliveries may take. Slack's own limit of one message a second is kept here too.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn run(options: &Options) -> Result<(), Exit> {
    let quiet = BTreeMap::from([("TAGWERK_LOG".to_owned(), "warn".to_owned())]);
    telemetry::start(&quiet);
    runtime()?.block_on(demo(options))
}

async fn demo(options: &Options) -> Result<(), Exit> {
    let mut signals = Signals::listen()?;
    anstream::println!(
        "{}",
        paint::dim("starting a server, and stand-ins for Amplitude, Tracify, Slack and a CRM")
    );
    let stage = Stage::set(options.listen).await?;
    let outcomes = tokio::time::timeout(PATIENCE, stage.play()).await;
    let outcomes = outcomes
        .map_err(|_| Exit::bad(format!("not everything was delivered within {PATIENCE:?}")))??;
    anstream::println!("\n{}", show::of_all(&outcomes));
    let good = outcomes.iter().all(Outcome::is_good);
    anstream::println!("{}", show::summary(&outcomes));
    if !options.once {
        anstream::println!("{}", show::next_steps(&stage)?);
        signals.next().await;
        anstream::println!("{}", paint::dim("stopping, and removing the demo's folder"));
    }
    stage.clear().await;
    if good {
        Ok(())
    } else {
        Err(Exit::bad("not everything was delivered; see above"))
    }
}
