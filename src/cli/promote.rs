//! `tagwerk promote` and `tagwerk rollback`: the draft set becomes the live one, and back. A server that
//! runs loads it like any saved file.

use std::io;
use std::path::Path;

use clap::Args;

use super::{Exit, paint};
use crate::config::{self, Config, SystemEnvironment};
use crate::generation::{self, Direction, FORMER};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk diff draft --since 24h && tagwerk promote
  tagwerk rollback                      if it was no good idea

The folders in draft/ and the live ones change places. What was live is kept in former/, the newest
only. A running server has the new set as a whole, in less than half a second. If it is interrupted,
servers keep the set that they have, and the next `promote` finishes it.

Exit codes: 0 good, 1 it could not be done, 2 there is no draft, 78 the draft does not load.")]
pub(super) struct Promote {}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk rollback

The set in former/, which `promote` kept, is live again. What was live becomes the draft, so nothing
is lost.

Exit codes: 0 good, 1 it could not be done, 2 nothing was promoted, 78 the former set does not load.")]
pub(super) struct Rollback {}

pub(super) fn promote(_: &Promote, file: &Path) -> Result<(), Exit> {
    if finish(file)?.is_some() {
        return Ok(());
    }
    let loaded = generation::load(file, &SystemEnvironment)
        .map_err(|problems| Exit::configuration(&problems))?;
    if loaded.draft.is_none() {
        return Err(match loaded.draft_problems.is_empty() {
            true => Exit::usage("there is no draft set: put clients/ or tags/ into draft/"),
            false => Exit::configuration(&loaded.draft_problems),
        });
    }
    let config = &loaded.live.config;
    let moved = generation::promote(&config.scripts).map_err(not_done)?;
    let id = check_or_undo(file, || generation::rollback(&config.scripts))?;
    anstream::println!(
        "{} the draft's {} (generation {id}); what was live is in {FORMER}/",
        paint::good("live:"),
        moved.join(" and "),
    );
    Ok(())
}

pub(super) fn rollback(_: &Rollback, file: &Path) -> Result<(), Exit> {
    if finish(file)? == Some(Direction::Rollback) {
        return Ok(());
    }
    let config = load(file)?;
    let former = generation::former(&config.scripts);
    if std::fs::metadata(&former).is_err() {
        return Err(Exit::usage(format!(
            "there is nothing to roll back to: {} is not there; `tagwerk promote` makes it",
            former.display()
        )));
    }
    let moved = generation::rollback(&config.scripts).map_err(not_done)?;
    let id = check_or_undo(file, || match std::fs::metadata(&former).is_ok() {
        true => generation::rollback(&config.scripts),
        false => generation::promote(&config.scripts),
    })?;
    anstream::println!(
        "{} the former {} (generation {id})",
        paint::good("live:"),
        moved.join(" and "),
    );
    Ok(())
}

/// What was interrupted is finished first.
fn finish(file: &Path) -> Result<Option<Direction>, Exit> {
    let finished = generation::finish(&load(file)?.scripts).map_err(not_done)?;
    let what = match finished {
        None => return Ok(None),
        Some(Direction::Promote) => "the draft set, which `promote` had begun to move",
        Some(Direction::Rollback) => "the former set, which `rollback` had begun to move",
    };
    anstream::println!("{} {what}", paint::good("live:"));
    Ok(finished)
}

fn load(file: &Path) -> Result<Config, Exit> {
    let config = config::load(file, &SystemEnvironment);
    config.map_err(|problems| Exit::configuration(&problems))
}

fn not_done(error: io::Error) -> Exit {
    Exit::bad(format!("nothing was changed: {error}"))
}

/// The set as it is now must load, or all goes back.
fn check_or_undo(
    file: &Path,
    undo: impl FnOnce() -> io::Result<Vec<&'static str>>,
) -> Result<String, Exit> {
    match generation::load(file, &SystemEnvironment) {
        Ok(loaded) => Ok(loaded.live.id.to_string()),
        Err(problems) => {
            undo()?;
            Err(Exit::configuration(&problems))
        }
    }
}
