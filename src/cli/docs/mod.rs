//! `tagwerk docs`: the functions that scripts may call, from where they are written: for people, as
//! Markdown, and as definitions for editors.

pub(super) mod definitions;
mod markdown;

use std::path::PathBuf;

use clap::Args;

use super::{Exit, paint};
use crate::script::api::{TOPICS, Topic};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk docs
  tagwerk docs time
  tagwerk docs --markdown > functions.md
  tagwerk docs --definitions            files for the Rhai language server, in .rhai/")]
pub(super) struct Options {
    /// Only this topic, such as `time` or `tracify`
    topic: Option<String>,

    /// Print them as Markdown
    #[arg(long, conflicts_with = "definitions")]
    markdown: bool,

    /// Write definition files for editors into this folder
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = definitions::FOLDER, conflicts_with = "topic")]
    definitions: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<(), Exit> {
    if let Some(folder) = &options.definitions {
        let count = definitions::write(folder)?;
        anstream::println!("wrote {count} files to {}", folder.display());
        return Ok(());
    }
    let wanted = |topic: &&Topic| {
        options
            .topic
            .as_deref()
            .is_none_or(|name| name == topic.name)
    };
    let topics: Vec<_> = TOPICS.iter().filter(wanted).collect();
    if topics.is_empty() {
        let names: Vec<_> = TOPICS
            .iter()
            .map(|topic| topic.name)
            .filter(|name| !name.is_empty())
            .collect();
        return Err(Exit::usage(format!(
            "there is no such topic; there are {}",
            names.join(", ")
        )));
    }
    if options.markdown {
        anstream::print!("{}", markdown::reference(&topics));
        return Ok(());
    }
    for topic in topics {
        let name = if topic.name.is_empty() {
            "everywhere"
        } else {
            topic.name
        };
        anstream::println!("{} {}\n", paint::strong(name), paint::dim(topic.about));
        for function in topic.functions {
            anstream::println!("  {}", paint::good(function.signature));
            anstream::println!("      {}", function.about);
            anstream::println!("      {}\n", paint::dim(function.example));
        }
    }
    Ok(())
}
