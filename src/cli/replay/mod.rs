//! `tagwerk replay`: the events of a time through the tags as they are now, on the running server.

pub(super) mod show;

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::confirm::confirm;
use super::dead::moment;
use super::numbers::counted;
use super::progress::Progress;
use super::remote::{self, PAGE, Remote};
use super::{Exit, paint};
use crate::clock::Clock;

/// Beyond so many events a person is asked: it may be a slip, and vendors count what they get.
const ASK_FROM: u64 = 1_000;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk replay --since 2h --tag crm_order --dry-run --diff
  tagwerk replay --since 2h --dry-run
  tagwerk replay --since 2026-11-21T00:00:00Z --until 2026-11-21T06:00:00Z --tag crm_order

The safe way to change a tag: save it, look with --dry-run --diff at what would have been sent
otherwise, and replay only if you want that. --diff compares the requests that the tags make now
with those of the deliveries in the journal; nothing is sent.

Without --dry-run everything that the tags make is sent again, under the ids that it had. Amplitude
ignores a repeated insert_id for 7 days, an API that reads Idempotency-Key ignores it too; Slack and
others take it twice. Events can be replayed for as long as they are kept: [journal] retention.

Exit codes: 0 good, 1 a tag failed.")]
pub(super) struct Options {
    /// Events that arrived since then: `2h` (that long ago) or `2026-11-21T00:19:31Z`
    #[arg(long, value_name = "TIME")]
    since: String,
    /// Events that arrived before then; now, if not given
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this tag
    #[arg(long)]
    tag: Option<String>,
    /// Send nothing, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Show how the requests would differ from those in the journal
    #[arg(long)]
    diff: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    if options.diff && !options.dry_run {
        return Err(Exit::usage(
            "`--diff` compares and sends nothing\n  hint: say so with `--dry-run --diff`, and replay without both afterwards",
        ));
    }
    remote::ask(config, async |remote| replay(remote, options).await)
}

async fn replay(remote: &Remote, options: &Options) -> Result<(), Exit> {
    let total = settle(remote, options).await?;
    let mut body = total.body;
    if !options.dry_run && total.events > ASK_FROM {
        let events = counted(total.events, "event", "events");
        confirm(&format!("replay {events} for real?"), options.yes)?;
    }
    body["limit"] = PAGE.into();
    let progress = Progress::new(total.events, "events");
    let mut done = Done::default();
    loop {
        let answer = remote.work("/api/replay", &body).await?;
        done.add(&answer);
        progress.advance(answer["events"].as_u64().unwrap_or(0));
        for difference in answer["differences"].as_array().into_iter().flatten() {
            progress.print(|| {
                anstream::print!("{}", show::difference(difference, "in the journal", "now"))
            });
        }
        match answer["next"].as_u64() {
            Some(next) => body["after"] = next.into(),
            None => break,
        }
    }
    drop(progress);
    anstream::println!("{}", summary(options, &done));
    match done.faults(options) {
        0 => Ok(()),
        faults => Err(Exit::bad(failed(options, faults))),
    }
}

/// What is to be replayed, with its times settled, so that it is the same on every page.
struct Total {
    body: Value,
    events: u64,
}

async fn settle(remote: &Remote, options: &Options) -> Result<Total, Exit> {
    let now = Clock::System.now();
    let until = options.until.as_deref();
    let mut body = json!({
        "since": moment(&options.since, now),
        "until": until.map(|until| moment(until, now)),
        "tag": options.tag,
        "dry_run": options.dry_run,
        "diff": options.diff,
        "limit": 0,
    });
    let answer = remote.work("/api/replay", &body).await?;
    body["until"] = answer["until"].clone();
    Ok(Total {
        body,
        events: answer["total"].as_u64().unwrap_or(0),
    })
}

/// What the pages came to.
#[derive(Default)]
struct Done {
    events: u64,
    to_send: u64,
    dead: u64,
    skipped: u64,
    left: u64,
    same: u64,
    changed: u64,
    new: u64,
    gone: u64,
    faults: u64,
}

impl Done {
    fn add(&mut self, answer: &Value) {
        for (sum, key) in [
            (&mut self.events, "events"),
            (&mut self.to_send, "to_send"),
            (&mut self.dead, "dead"),
            (&mut self.skipped, "skipped"),
            (&mut self.left, "left"),
        ] {
            *sum += answer[key].as_u64().unwrap_or(0);
        }
        let compared = &answer["compared"];
        for (sum, key) in [
            (&mut self.same, "same"),
            (&mut self.changed, "changed"),
            (&mut self.new, "new"),
            (&mut self.gone, "gone"),
            (&mut self.faults, "faults"),
        ] {
            *sum += compared[key].as_u64().unwrap_or(0);
        }
    }

    /// A comparison counts what failed as well as what cannot be sent; otherwise it is what is dead.
    fn faults(&self, options: &Options) -> u64 {
        match options.diff {
            true => self.faults,
            false => self.dead,
        }
    }
}

fn summary(options: &Options, done: &Done) -> String {
    let events = counted(done.events, "event", "events");
    if options.diff {
        return format!(
            "{}: {} same, {} changed, {} new, {} gone, {}; nothing was sent",
            paint::strong(events),
            done.same,
            done.changed,
            done.new,
            done.gone,
            counted(done.faults, "fault", "faults"),
        );
    }
    let deliveries = counted(done.to_send, "delivery", "deliveries");
    if options.dry_run {
        return format!(
            "{} would make {deliveries}, {}; nothing was sent",
            paint::strong(events),
            counted(done.dead, "fault", "faults")
        );
    }
    format!(
        "{} replayed: {deliveries} to send, {} dead, {} skipped, {} left as they were",
        paint::strong(events),
        done.dead,
        done.skipped,
        done.left
    )
}

fn failed(options: &Options, faults: u64) -> String {
    let faults = counted(faults, "fault", "faults");
    match (options.diff, options.dry_run) {
        (true, _) => format!("{faults}; see above"),
        (_, true) => format!("{faults}; `--dry-run --diff` shows each"),
        _ => format!("{faults}; `tagwerk dead list --class script` shows each"),
    }
}
