//! `tagwerk diff draft`: what the draft set would do otherwise with the events of a time. It reads the
//! journal's file, whether or not a server runs, and changes nothing.

use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::dead::moment;
use super::numbers::counted;
use super::replay::show;
use super::{Exit, paint};
use crate::clock::{Clock, Millis, parse_rfc3339};
use crate::config::SystemEnvironment;
use crate::error::BoxError;
use crate::generation::{self, Loaded};
use crate::journal::{self, Page, TakenEvent, Window};
use crate::rerun::{Compared, Sets};
use crate::script::{Worker, with_script_stack};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

const EXAMPLES: &str = "\
Examples:
  tagwerk diff draft --since 24h
  tagwerk diff draft --since 2h --tag crm_order
  tagwerk diff draft --since 7d --json | jq .compared

Each event that was journalled in that time runs through the live tags and through those in draft/,
dry; shown is what would be sent otherwise. `tagwerk promote` makes the draft live.

Exit codes: 0 good (whether or not something differs), 1 a tag of the draft fails.";

#[derive(Debug, Subcommand)]
enum What {
    /// The draft set beside the live one, over journalled events
    #[command(after_help = EXAMPLES)]
    Draft(Draft),
}

#[derive(Debug, Args)]
struct Draft {
    /// Events that arrived since then: `24h` (that long ago) or `2026-11-21T00:19:31Z`
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,
    /// Events that arrived before then; now, if not given
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this tag
    #[arg(long)]
    tag: Option<String>,
    /// Differences that are shown; all are counted
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Events that are read at once.
const PAGE: usize = 500;

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let What::Draft(options) = &options.what;
    let loaded = generation::load(config, &SystemEnvironment)
        .map_err(|problems| Exit::configuration(&problems))?;
    let now = Clock::System.now();
    let window = Window {
        since: Some(time(&options.since, now)?),
        until: Some(
            options
                .until
                .as_deref()
                .map_or(Ok(now), |until| time(until, now))?,
        ),
    };
    let done = with_script_stack(|| compare(options, &loaded, window, now));
    let done = done.map_err(BoxError::from)??;
    if options.json {
        anstream::println!("{:#}", to_json(&done));
    } else {
        anstream::println!("{}", summary(&done, options.limit));
    }
    match done.compared.faults {
        0 => Ok(()),
        faults => Err(Exit::bad(format!(
            "{} of the draft; see above",
            counted(faults, "fault", "faults")
        ))),
    }
}

fn time(text: &str, now: Millis) -> Result<Millis, Exit> {
    let moment = moment(text, now);
    let found = parse_rfc3339(&moment);
    found.ok_or_else(|| {
        Exit::usage(format!(
            "`{text}` is neither a duration, such as 24h, nor a time"
        ))
    })
}

/// What the events came to.
#[derive(Default)]
struct Done {
    events: u64,
    compared: Compared,
    differences: Vec<Value>,
}

fn compare(options: &Draft, loaded: &Loaded, window: Window, now: Millis) -> Result<Done, Exit> {
    let Some(draft) = &loaded.draft else {
        return Err(match loaded.draft_problems.is_empty() {
            true => Exit::usage("there is no draft set: put clients/ or tags/ into draft/"),
            false => Exit::configuration(&loaded.draft_problems),
        });
    };
    let sets = Sets {
        live: &loaded.live,
        draft,
    };
    check_tag(options.tag.as_deref(), sets)?;
    let mut worker = Worker::new();
    let mut done = Done::default();
    let folder = &loaded.live.config.data.dir;
    let mut page = Page {
        after: 0,
        limit: PAGE,
    };
    loop {
        let events = journal::events_in_folder(folder, window, page).map_err(BoxError::from)?;
        let Some(last) = events.last() else {
            return Ok(done);
        };
        page.after = last.number;
        for taken in &events {
            done.add(options, sets, &mut worker, taken, now);
        }
    }
}

fn check_tag(tag: Option<&str>, sets: Sets<'_>) -> Result<(), Exit> {
    let Some(tag) = tag else { return Ok(()) };
    let all = || {
        sets.live
            .tags
            .iter()
            .chain(&sets.draft.tags)
            .map(|tag| &*tag.name)
    };
    if all().any(|name| name == tag) {
        return Ok(());
    }
    let hint = crate::config::suggest(tag, all()).unwrap_or_default();
    Err(Exit::usage(
        format!("neither set has a tag {tag}; {hint}").trim_end_matches("; "),
    ))
}

impl Done {
    fn add(
        &mut self,
        options: &Draft,
        sets: Sets<'_>,
        worker: &mut Worker,
        taken: &TakenEvent,
        now: Millis,
    ) {
        let (compared, differences) = sets.compare(worker, taken, options.tag.as_deref(), now);
        self.events += 1;
        self.compared += compared;
        let room = options.limit.saturating_sub(self.differences.len());
        for difference in differences.into_iter().take(room) {
            let difference = json!(difference);
            if !options.json {
                anstream::print!("{}", show::difference(&difference, "live", "draft"));
            }
            self.differences.push(difference);
        }
    }
}

fn to_json(done: &Done) -> Value {
    json!({ "events": done.events, "compared": done.compared, "differences": done.differences })
}

fn summary(done: &Done, limit: usize) -> String {
    let Compared {
        same,
        changed,
        new,
        gone,
        faults,
    } = done.compared;
    let all = changed + new + gone + faults;
    let more = match all.saturating_sub(done.differences.len() as u64) {
        0 => String::new(),
        more => format!(" ({more} not shown; --limit {limit})"),
    };
    format!(
        "{}: {same} same, {changed} changed, {new} new, {gone} gone, {}{more}; nothing was sent",
        paint::strong(counted(done.events, "event", "events")),
        counted(faults, "fault", "faults"),
    )
}
