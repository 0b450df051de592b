//! `tagwerk check`: the same load as `serve` and every reload, without serving.

use std::path::Path;

use clap::Args;

use super::{Exit, online, paint, trials};
use crate::config::{Problems, SystemEnvironment};
use crate::generation::{self, Generation};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk check
  tagwerk check --config shop/tagwerk.toml
  tagwerk check --online    # asks Google's validation server, too, about what goes to GA4

Exit codes: 0 good, 1 there are problems.")]
pub(super) struct Options {
    /// Ask those vendors that can judge without recording (GA4) about what comes of the cases
    #[arg(long)]
    online: bool,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let loaded = generation::load(config, &SystemEnvironment).map_err(Exit::bad)?;
    warn(&loaded.live);
    let mut problems = generation::unknown_keys(&loaded.live);
    problems.extend(trials::refusals(config, &loaded.live)?);
    if !problems.is_empty() {
        return Err(Exit::bad(Problems::from_iter(problems)));
    }
    if !loaded.draft_problems.is_empty() {
        return Err(Exit::bad(format!(
            "the draft set is bad:\n{}",
            loaded.draft_problems
        )));
    }
    anstream::println!("{} {}", paint::good("good:"), summary(&loaded.live));
    if let Some(draft) = &loaded.draft {
        anstream::println!("{} draft: {}", paint::good("good:"), summary(draft));
    }
    if options.online {
        online::run(&loaded.live, config)?;
    }
    Ok(())
}

fn warn(generation: &Generation) {
    for warning in &generation.config.warnings {
        anstream::eprintln!("{}: {warning}", paint::odd("warning"));
    }
    for destination in generation.destinations.values() {
        for name in &destination.missing {
            anstream::eprintln!(
                "{}: destination {} waits for ${name}, which is not set",
                paint::odd("warning"),
                destination.name
            );
        }
    }
    if generation.clients.is_empty() {
        let folder = generation.config.scripts.clients.display();
        anstream::eprintln!(
            "{}: there are no clients in {folder}, so every request is answered 404",
            paint::odd("warning")
        );
    }
}

fn summary(generation: &Generation) -> String {
    format!(
        "{}, {}, {} (generation {})",
        count(generation.clients.len(), "client"),
        count(generation.tags.len(), "tag"),
        count(generation.destinations.len(), "destination"),
        generation.id
    )
}

fn count(number: usize, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {word}{ending}")
}
