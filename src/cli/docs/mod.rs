//! `tagwerk docs`: the functions that scripts may call, and the types of destinations, from where
//! they are written: for people, as Markdown, and as definitions for editors.

pub(super) mod definitions;
mod markdown;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, paint};
use crate::config::suggest;
use crate::destination::{self, TYPES};
use crate::error::BoxError;
use crate::script::Constants;
use crate::script::api::mapping::{self, Mapping};
use crate::script::api::{TOPICS, Topic};
use crate::{client, tag, transform};

/// The kinds of scripts, what is said of them, and the header constants that they may have.
const KINDS: [(&str, &str, &[Constants]); 3] = [
    (
        "client",
        "makes events of requests; a file in clients/",
        client::CONSTANTS,
    ),
    (
        "tag",
        "makes of an event what a destination gets; a file in tags/",
        tag::CONSTANTS,
    ),
    (
        "transform",
        "changes what tags see of an event; a file in transforms/",
        transform::CONSTANTS,
    ),
];

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk docs
  tagwerk docs time
  tagwerk docs tag         # the header constants of a tag; also client, transform
  tagwerk docs meta        # with where each key comes from
  tagwerk docs --destinations docs/destinations
  tagwerk docs --markdown > functions.md
  tagwerk docs --definitions            files for the Rhai language server, in .rhai/")]
pub(super) struct Options {
    /// Only this topic, such as `time` or `tracify`; or `client`, `tag`, `transform`
    topic: Option<String>,

    /// Write a page for each type of destination into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "topic")]
    destinations: Option<PathBuf>,

    /// Print them as Markdown
    #[arg(long, conflicts_with_all = ["definitions", "destinations"])]
    markdown: bool,

    /// Write definition files for editors into this folder
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = definitions::FOLDER, conflicts_with_all = ["topic", "destinations"])]
    definitions: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<(), Exit> {
    if let Some(folder) = &options.definitions {
        let count = definitions::write(folder)?;
        anstream::println!("wrote {count} files to {}", folder.display());
        return Ok(());
    }
    match &options.destinations {
        Some(folder) => write_pages(folder),
        None => show_functions(options),
    }
}

fn write_pages(folder: &Path) -> Result<(), Exit> {
    fs::create_dir_all(folder)?;
    for one in TYPES {
        let page = destination::page(one).map_err(BoxError::from)?;
        fs::write(folder.join(format!("{}.md", one.name)), page)?;
    }
    let count = TYPES.len();
    anstream::println!("{count} pages are in {}", paint::strong(folder.display()));
    Ok(())
}

fn show_functions(options: &Options) -> Result<(), Exit> {
    let mut kinds = KINDS.iter();
    if let Some((kind, about, constants)) =
        kinds.find(|(kind, ..)| options.topic.as_deref() == Some(kind))
    {
        show_constants(kind, about, constants, options.markdown);
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
        let kinds = KINDS.iter().map(|(kind, ..)| *kind);
        let names: Vec<&str> = kinds.chain(names).collect();
        let topic = options.topic.as_deref().unwrap_or_default();
        let hint = suggest(topic, names.iter().copied())
            .unwrap_or_else(|| format!("there are {}", names.join(", ")));
        return Err(Exit::usage(format!("there is no topic {topic}; {hint}")));
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
            // A list of everything would drown in tables.
            if let (Some(_), Some(mapping)) = (&options.topic, mapping::of(function.signature)) {
                print_table(mapping);
            }
        }
    }
    Ok(())
}

fn show_constants(kind: &str, about: &str, constants: &[Constants], markdown: bool) {
    if markdown {
        anstream::print!("{}", markdown::table(constants));
        return;
    }
    anstream::println!("{} {}\n", paint::strong(kind), paint::dim(about));
    for row in constants {
        let default = match row.default {
            "required" => "required".to_owned(),
            default => format!("default {}", unmarked(default)),
        };
        anstream::println!(
            "  {} {}",
            paint::good(row.names.join(", ")),
            paint::dim(default)
        );
        anstream::println!("      {}\n", unmarked(row.about));
    }
}

/// A line of Markdown without its marks: `[words](target)` are the words.
fn unmarked(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, link)) = rest.split_once("](") {
        let (start, words) = before.rsplit_once('[').unwrap_or((before, ""));
        let Some((_, after)) = link.split_once(')') else {
            break;
        };
        text.push_str(start);
        text.push_str(words);
        rest = after;
    }
    text.push_str(rest);
    text.replace('`', "")
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

#[cfg(test)]
mod tests {
    use super::unmarked;

    #[test]
    fn a_terminal_is_shown_no_marks() {
        for (line, shown) in [
            (
                "[conditions](#conditions); all must hold",
                "conditions; all must hold",
            ),
            (
                "of `GET POST`; see [http.md](http.md#cors)",
                "of GET POST; see http.md",
            ),
            ("`[\"ad_storage\"]`: all", "[\"ad_storage\"]: all"),
        ] {
            assert_eq!(unmarked(line), shown);
        }
    }
}
