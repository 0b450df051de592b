//! `tagwerk trace FILE.http`: one request through the scripts, dry, as a tree for people or as JSON.

mod tree;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::Exit;
use crate::case;
use crate::clock::Clock;
use crate::config::SystemEnvironment;
use crate::error::BoxError;
use crate::generation::{self, Loaded};
use crate::preview::Trace;
use crate::processor::Watch;
use crate::request::Request;
use crate::script::Pool;
use crate::watched;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk trace examples/requests/woocommerce_order_created.http
  tagwerk trace order.http --json | jq '.events[0].data'
  tagwerk trace --draft order.http
  tagwerk trace --no-verify order.http
  cat order.http | tagwerk trace -")]
pub(super) struct Options {
    /// The request: request line, headers, an empty line, the body; `-` reads standard input
    file: PathBuf,

    /// Print the trace as JSON
    #[arg(long)]
    json: bool,

    /// Run through the draft set
    #[arg(long)]
    draft: bool,

    /// Leave out the client's VERIFY: the file has no signature, or an old one
    #[arg(long)]
    no_verify: bool,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let loaded = generation::load(config, &SystemEnvironment)
        .map_err(|problems| Exit::configuration(&problems))?;
    let shown = options.file.display();
    let text = read(&options.file).map_err(|error| Exit::usage(format!("{shown}: {error}")))?;
    let request = case::parse(&text, Clock::System.now())
        .map_err(|why| Exit::usage(format!("{shown}: {why}")))?;
    let trace = super::serve::runtime()?.block_on(trace(options, loaded, request))?;
    if options.json {
        let json = serde_json::to_string_pretty(&trace).map_err(BoxError::from)?;
        anstream::println!("{json}");
    } else {
        anstream::print!("{}", tree::draw(&trace));
    }
    if trace.response.status == 401 && !options.no_verify {
        let hint = "to run it as if it came from its sender: tagwerk trace --no-verify FILE";
        anstream::eprintln!("{}", super::paint::dim(hint));
    }
    if is_bad(&trace) {
        return Err(Exit::bad("something failed; see above"));
    }
    Ok(())
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    Ok(text)
}

async fn trace(options: &Options, loaded: Loaded, request: Request) -> Result<Trace, Exit> {
    let draft_problems = loaded.draft_problems;
    let generation = match (options.draft, loaded.draft) {
        (false, _) => loaded.live,
        (true, Some(draft)) => draft,
        (true, None) if draft_problems.is_empty() => {
            return Err(Exit::usage("there is no draft set"));
        }
        (true, None) => return Err(Exit::configuration(&draft_problems)),
    };
    let request = Arc::new(request);
    let now = request.received_at;
    let no_verify = options.no_verify;
    let job = move |worker: &mut _| {
        let watched = match no_verify {
            true => watched::run_trusted(worker, &generation, &request, now),
            false => watched::run(worker, &generation, &request, now, Watch::Dry),
        };
        let public_url = &generation.config.server.public_url;
        watched.record.trace(None, public_url)
    };
    let trace = Pool::start(1)?.run(job).await;
    trace.ok_or_else(|| {
        Exit::from(BoxError::from(
            "the request could not be run; this is a defect of ours",
        ))
    })
}

/// A script failed, or made what can never be sent.
fn is_bad(trace: &Trace) -> bool {
    let clients = trace.clients.iter().any(|client| client.fault.is_some());
    let mut tags = trace.events.iter().flat_map(|event| &event.tags);
    clients
        || tags.any(|tag| {
            tag.fault.is_some() || tag.deliveries.iter().any(|one| one.refused.is_some())
        })
}
