//! `tagwerk verify`: recounts the journal in the data folder, with or without a running server.

use std::path::Path;

use clap::Args;

use super::table::table;
use super::{Exit, paint};
use crate::admin::verification_to_json;
use crate::config::{self, SystemEnvironment};
use crate::delivery::State;
use crate::error::BoxError;
use crate::journal::{self, TagCount, Verification};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk verify
  tagwerk verify --json | jq .problems

Of each tag, the events that it was handed must be those of which it made nothing, those whose
deliveries are settled, and those whose deliveries are pending. Nothing is changed.

Exit codes: 0 everything adds up, 1 something does not.")]
pub(super) struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let config = config::load(config, &SystemEnvironment)
        .map_err(|problems| Exit::configuration(&problems))?;
    let verification = journal::verify_folder(&config.data.dir).map_err(BoxError::from)?;
    if options.json {
        anstream::println!("{}", verification_to_json(&verification));
    } else {
        print(&verification);
    }
    match verification.problems.len() {
        0 => Ok(()),
        1 => Err(Exit::bad("1 thing does not add up")),
        many => Err(Exit::bad(format!("{many} things do not add up"))),
    }
}

fn print(verification: &Verification) {
    let Verification {
        acknowledged,
        kept,
        forgotten,
        unprocessed,
        ..
    } = verification;
    anstream::println!(
        "{} events acknowledged: {kept} kept, {forgotten} forgotten after the retention; {unprocessed} not processed yet\n",
        paint::strong(acknowledged)
    );
    if !verification.tags.is_empty() {
        let states = State::ALL.map(State::as_str);
        let head = [
            "tag",
            "handed",
            "filtered",
            "settled",
            "pending",
            "of deliveries:",
        ];
        let head: Vec<&str> = head.into_iter().chain(states).collect();
        let rows: Vec<Vec<String>> = verification.tags.iter().map(row).collect();
        anstream::println!("{}", table(&head, &rows));
    }
    if verification.problems.is_empty() {
        anstream::println!("{}", paint::good("everything adds up"));
    }
    for problem in &verification.problems {
        anstream::println!("{} {problem}", paint::bad("✗"));
    }
}

fn row(count: &TagCount) -> Vec<String> {
    let events = [count.handed, count.filtered, count.settled, count.pending];
    let of_state = |state: State| {
        let found = count.deliveries.iter().find(|(known, _)| *known == state);
        found.map_or(0, |(_, number)| *number)
    };
    let mut row = vec![count.tag.clone()];
    row.extend(events.map(|number| number.to_string()));
    row.push(String::new());
    row.extend(State::ALL.map(|state| of_state(state).to_string()));
    row
}
