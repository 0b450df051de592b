//! `tagwerk add`: shipped clients and tags, with what they import and their cases. It never overwrites
//! anything.

use std::path::Path;

use clap::Args;

use super::working_set::{Kind, Shipped, write_new};
use super::{Exit, paint};
use crate::case::Unset;
use crate::config::{self, Config, suggest};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk add                           list what there is
  tagwerk add shopify slack_order
  tagwerk add stripe --dry-run          only say which files it would be

A file that is there already is left alone.")]
pub(super) struct Options {
    /// Clients and tags; without any, all are listed
    names: Vec<String>,

    /// Write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    if options.names.is_empty() {
        list();
        return Ok(());
    }
    let found: Vec<Shipped> = options
        .names
        .iter()
        .map(|name| find(name))
        .collect::<Result<_, _>>()?;
    let config = config::load(config, &Unset).map_err(|problems| Exit::configuration(&problems))?;
    for script in found {
        add(&script, &config, options.dry_run)?;
    }
    Ok(())
}

fn list() {
    for (kind, title) in [(Kind::Client, "clients"), (Kind::Tag, "tags")] {
        anstream::println!("{}", paint::strong(title));
        for script in Shipped::all(kind) {
            anstream::println!("  {:22} {}", script.name, paint::dim(script.about()));
        }
    }
}

fn find(name: &str) -> Result<Shipped, Exit> {
    let plain = name
        .trim_start_matches("clients/")
        .trim_start_matches("tags/")
        .trim_end_matches(".rhai");
    let found = Shipped::find(Kind::Client, plain).or_else(|| Shipped::find(Kind::Tag, plain));
    found.ok_or_else(|| {
        let all = Shipped::all(Kind::Client).chain(Shipped::all(Kind::Tag));
        let names: Vec<&str> = all.map(|script| script.name).collect();
        let hint = suggest(plain, names).unwrap_or_else(|| "`tagwerk add` lists them".to_owned());
        Exit::usage(format!("nothing called {name} is shipped; {hint}"))
    })
}

fn add(script: &Shipped, config: &Config, dry_run: bool) -> Result<(), Exit> {
    let scripts = &config.scripts;
    let folder = |kind: Kind| match kind {
        Kind::Client => &scripts.clients,
        Kind::Tag => &scripts.tags,
        Kind::Shared => &scripts.shared,
    };
    let file = |one: &Shipped| folder(one.kind).join(format!("{}.rhai", one.name));
    let mut files = vec![(file(script), script.source)];
    files.extend(
        script
            .imports()
            .iter()
            .map(|module| (file(module), module.source)),
    );
    files.extend(
        script
            .cases()
            .into_iter()
            .map(|(path, content)| (config.base.join(path), *content)),
    );
    for (path, content) in files {
        let shown = path
            .strip_prefix(&config.base)
            .unwrap_or(&path)
            .display()
            .to_string();
        if dry_run {
            anstream::println!("would make {shown}");
            continue;
        }
        match write_new(Path::new(""), &path.display().to_string(), content) {
            Ok(()) => anstream::println!("{} {shown}", paint::good("made")),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                anstream::println!("{} {shown}", paint::dim("kept"));
            }
            Err(error) => return Err(Exit::bad(error)),
        }
    }
    if script.kind == Kind::Tag
        && let Some(to) = script
            .destination()
            .filter(|to| !config.destinations.contains_key(*to))
    {
        anstream::println!(
            "{} it sends to {to}, which the configuration does not have: add [destinations.{to}]",
            paint::odd("note:")
        );
    }
    Ok(())
}
