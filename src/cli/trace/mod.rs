//! `tagwerk trace FILE.http`: one request, or one event, through the scripts, dry, as a tree for people or
//! as JSON.

mod input;
mod tree;

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, watching};
use crate::clock::{Clock, Millis};
use crate::config::SystemEnvironment;
use crate::error::BoxError;
use crate::generation::{self, Generation, Loaded};
use crate::preview::Trace;
use crate::processor::Watch;
use crate::script::{Pool, Worker};
use crate::watched;
use input::Input;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk trace examples/requests/woocommerce_order_created.http
  tagwerk trace order.http --json | jq '.events[0].data'
  tagwerk trace order.json --path /order_created     a body, as if it were posted there
  tagwerk trace events.json                          event data, straight to the tags
  tagwerk trace 01JGK2V3Q4R5S6T7V8W9X0YZAB            an event of the journal, by its id
  tagwerk trace --watch order.http                   again whenever a file is saved
  tagwerk trace --draft order.http
  tagwerk trace --no-verify order.http
  cat order.http | tagwerk trace -

What is no file is taken for the id of an event, which is looked up in the journal whether or not a
server runs. JSON is an event, or an array of events, if it has event_name.

Exit codes: 0 good, 1 a script failed, 2 the input cannot be read, 78 the scripts do not load.")]
pub(super) struct Options {
    /// A request (request line, headers, an empty line, the body), a JSON file, or an event's id; `-`
    /// reads standard input
    #[arg(value_name = "FILE|EVENT_ID")]
    file: PathBuf,

    /// Where a JSON body is posted
    #[arg(long, value_name = "PATH")]
    path: Option<String>,

    /// Run again whenever a file is saved
    #[arg(long, conflicts_with = "json")]
    watch: bool,

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
    if !options.watch {
        return run_once(options, config);
    }
    if options.file == Path::new("-") {
        return Err(Exit::usage(
            "standard input can be read only once, so not with `--watch`",
        ));
    }
    let folders = [watching::folder_of(config), options.file.clone()];
    watching::again_and_again(folders.to_vec(), || run_once(options, config))
}

fn run_once(options: &Options, config: &Path) -> Result<(), Exit> {
    let loaded = generation::load(config, &SystemEnvironment)
        .map_err(|problems| Exit::configuration(&problems))?;
    let folder = loaded.live.config.data.dir.clone();
    let generation = choose(options, loaded)?;
    let now = Clock::System.now();
    let input = input::read(&options.file, options.path.as_deref(), &folder, now)?;
    let traces = super::serve::runtime()?.block_on(trace(options, generation, input, now))?;
    show(options, &traces)?;
    let is_refused = traces.iter().any(|trace| trace.response.status == 401);
    if is_refused && !options.no_verify {
        let hint = "to run it as if it came from its sender: tagwerk trace --no-verify FILE";
        anstream::eprintln!("{}", super::paint::dim(hint));
    }
    if traces.iter().any(is_bad) {
        return Err(Exit::bad("something failed; see above"));
    }
    Ok(())
}

fn choose(options: &Options, loaded: Loaded) -> Result<Generation, Exit> {
    let draft_problems = loaded.draft_problems;
    match (options.draft, loaded.draft) {
        (false, _) => Ok(loaded.live),
        (true, Some(draft)) => Ok(draft),
        (true, None) if draft_problems.is_empty() => Err(Exit::usage("there is no draft set")),
        (true, None) => Err(Exit::configuration(&draft_problems)),
    }
}

fn show(options: &Options, traces: &[Trace]) -> Result<(), Exit> {
    if !options.json {
        traces
            .iter()
            .for_each(|trace| anstream::print!("{}", tree::draw(trace)));
        return Ok(());
    }
    let json = match traces {
        [one] => serde_json::to_string_pretty(one),
        all => serde_json::to_string_pretty(all),
    };
    anstream::println!("{}", json.map_err(BoxError::from)?);
    Ok(())
}

async fn trace(
    options: &Options,
    generation: Generation,
    input: Input,
    now: Millis,
) -> Result<Vec<Trace>, Exit> {
    let no_verify = options.no_verify;
    let job = move |worker: &mut Worker| {
        let public_url = generation.config.server.public_url.clone();
        let records = match input {
            Input::Request(request) => {
                let watched = match no_verify {
                    true => watched::run_trusted(worker, &generation, &request, now),
                    false => watched::run(worker, &generation, &request, now, Watch::Dry),
                };
                vec![watched.record]
            }
            Input::Events(events) => {
                let run = |event| watched::run_event(worker, &generation, event, now);
                events.into_iter().map(run).collect()
            }
        };
        let traces = records.iter().map(|record| record.trace(None, &public_url));
        traces.collect::<Vec<Trace>>()
    };
    let traces = Pool::start(1)?.run(job).await;
    traces.ok_or_else(|| {
        Exit::from(BoxError::from(
            "it could not be run; this is a defect of ours",
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
