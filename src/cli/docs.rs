//! `tagwerk docs`: the functions that scripts may call, from where they are written.

use clap::Args;

use super::{Exit, paint};
use crate::script::api::mapping::{self, Mapping};
use crate::script::api::{TOPICS, Topic};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk docs
  tagwerk docs time
  tagwerk docs meta        # with where each key comes from")]
pub(super) struct Options {
    /// Only this topic, such as `time` or `tracify`
    topic: Option<String>,
}

pub(super) fn run(options: &Options) -> Result<(), Exit> {
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
            // A list of everything would drown in tables.
            if let (Some(_), Some(mapping)) = (&options.topic, mapping::of(function.signature)) {
                print_table(mapping);
            }
        }
    }
    Ok(())
}

/// Where each key of a payload comes from.
fn print_table(mapping: &Mapping) {
    let lines = mapping.lines();
    let width = lines.iter().map(|line| line.to.chars().count()).max();
    let width = width.unwrap_or_default();
    for line in lines {
        let from = line.from.replace('`', "");
        let how = line.how.replace('`', "");
        let arrow = if from.is_empty() { "" } else { "← " };
        let comma = if from.is_empty() || how.is_empty() {
            ""
        } else {
            "; "
        };
        anstream::println!(
            "        {:width$}  {arrow}{from}{comma}{}",
            line.to,
            paint::dim(&how)
        );
    }
    for (theirs, ours) in mapping.names() {
        anstream::println!("        {} is called {theirs}", ours.join(", "));
    }
    anstream::println!();
}
