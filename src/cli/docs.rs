//! `tagwerk docs`: the functions that scripts may call, from where they are written.

use clap::Args;

use super::{Exit, paint};
use crate::script::api::{TOPICS, Topic};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk docs
  tagwerk docs time")]
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
        }
    }
    Ok(())
}
