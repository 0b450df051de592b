//! `tagwerk new client|tag`: a script to begin with, made for a sender or for a destination. It never
//! overwrites anything.

mod client;
mod sample;
mod tag;

use std::path::Path;

use clap::{Args, Subcommand};

use super::{Exit, paint};
use crate::case::Unset;
use crate::config::{self, Config};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(subcommand)]
    what: What,
}

const EXAMPLES: &str = "\
Examples:
  tagwerk new client --from stripe      the shipped client, with what it imports and its cases
  tagwerk new client booking --from captured.http
  tagwerk new client booking --path /hooks/booking
  tagwerk new tag --to slack --on purchase
  tagwerk new tag big_orders --to slack --on purchase,order_created";

#[derive(Debug, Subcommand)]
enum What {
    /// A client: from a shipped one, from a captured request, or an empty one
    #[command(after_help = EXAMPLES)]
    Client(client::Options),
    /// A tag for a destination, with a test beside it
    #[command(after_help = EXAMPLES)]
    Tag(tag::Options),
}

pub(super) fn run(options: &Options, file: &Path) -> Result<(), Exit> {
    // Variables are not needed to write a script.
    let config = config::load(file, &Unset).map_err(|problems| Exit::configuration(&problems))?;
    match &options.what {
        What::Client(options) => client::run(options, &config, file),
        What::Tag(options) => tag::run(options, &config, file),
    }
}

/// The longest name of a script.
const MAX_NAME: usize = 64;

/// A name that is a file's on every system.
fn check_name(name: &str) -> Result<(), Exit> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(plain) {
        return Ok(());
    }
    Err(Exit::usage(format!(
        "`{name}` is not a script's name: use a-z, 0-9, _ and -, at most {MAX_NAME} of them"
    )))
}

/// A path as users know it.
fn shown(config: &Config, path: &Path) -> String {
    path.strip_prefix(&config.base)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// A file that was written, or that was there already.
fn tell(path: &str, is_new: bool) {
    let what = if is_new {
        paint::good("made")
    } else {
        paint::dim("kept")
    };
    anstream::println!("{what} {path}");
}

/// What to do next.
fn next(steps: &[(String, &str)]) {
    anstream::println!("\nnext:");
    for (step, why) in steps {
        anstream::println!("  {step:45} {}", paint::dim(format!("# {why}")));
    }
}
