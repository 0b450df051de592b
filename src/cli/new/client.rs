//! `tagwerk new client`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::sample::{self, Sample};
use super::{check_name, next, shown, tell};
use crate::case::{self, EVENTS_FILE, REQUEST_FILE};
use crate::cli::Exit;
use crate::cli::working_set::{Kind, Shipped, write_new};
use crate::clock::Clock;
use crate::config::{Config, suggest};
use crate::script::{Worker, with_script_stack};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The client's name; that of what it is made from, if not given
    name: Option<String>,
    /// A shipped client, such as stripe, or a file with a captured request (`.http`, or a case)
    #[arg(long, value_name = "CLIENT|FILE")]
    from: Option<String>,
    /// The path that it claims
    #[arg(long)]
    path: Option<String>,
}

pub(super) fn run(options: &Options, config: &Config, file: &Path) -> Result<(), Exit> {
    match options.from.as_deref() {
        None => empty(options, config),
        Some(from) if is_file(from) => captured(options, Path::new(from), config, file),
        Some(from) => shipped(options, from, config),
    }
}

fn is_file(from: &str) -> bool {
    std::fs::metadata(from).is_ok() || from.ends_with(".http") || from.contains('/')
}

fn shipped(options: &Options, from: &str, config: &Config) -> Result<(), Exit> {
    let Some(client) = Shipped::find(Kind::Client, from) else {
        let names: Vec<&str> = Shipped::all(Kind::Client).map(|one| one.name).collect();
        let hint = suggest(from, names.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("there are {}", names.join(", ")));
        return Err(Exit::usage(format!("no client {from} is shipped; {hint}")));
    };
    let name = options.name.as_deref().unwrap_or(client.name);
    check_name(name)?;
    let mut source = client.source.to_owned();
    if let Some(path) = &options.path {
        source = with_path(&source, path);
    }
    let script = config.scripts.clients.join(format!("{name}.rhai"));
    write(&script, &source, config)?;
    for module in client.imports() {
        let file = config.scripts.shared.join(format!("{}.rhai", module.name));
        tell(&shown(config, &file), write_if_new(&file, module.source)?);
    }
    for (path, content) in client.cases() {
        tell(path, write_if_new(&config.base.join(path), content)?);
    }
    next(&[
        ("tagwerk check".to_owned(), "whether all is well"),
        (
            format!("tagwerk new tag --to {} --on purchase", destination(config)),
            "send somewhere what it makes",
        ),
        ("tagwerk test".to_owned(), "run its cases"),
    ]);
    Ok(())
}

/// The header's line with another path in it.
fn with_path(source: &str, path: &str) -> String {
    let lines = source
        .lines()
        .map(|line| match line.starts_with("const PATH") {
            true => format!("const PATH = {path:?};"),
            false => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn captured(
    options: &Options,
    file: &Path,
    config: &Config,
    config_file: &Path,
) -> Result<(), Exit> {
    let file = match file.is_dir() {
        true => file.join(REQUEST_FILE),
        false => file.to_owned(),
    };
    let text = std::fs::read(&file)
        .map_err(|error| Exit::usage(format!("{}: {error}", file.display())))?;
    let request = case::parse(&text, Clock::System.now())
        .map_err(|why| Exit::usage(format!("{}: {why}", file.display())))?;
    let name = match &options.name {
        Some(name) => name.clone(),
        None => sample::name_of(&request.path),
    };
    check_name(&name)?;
    let path = options.path.clone().unwrap_or_else(|| request.path.clone());
    let sample = Sample::of(&name, &path, &request);
    write(
        &config.scripts.clients.join(format!("{name}.rhai")),
        &sample.script(),
        config,
    )?;
    let folder = PathBuf::from(case::FOLDER).join(&name).join(REQUEST_FILE);
    let as_case = config.base.join(&folder);
    let is_new = write_if_new(&as_case, &String::from_utf8_lossy(&text))?;
    tell(&folder.display().to_string(), is_new);
    if is_new && let Some(events) = events_of(config_file, &text) {
        let shown = folder.with_file_name(EVENTS_FILE);
        tell(
            &shown.display().to_string(),
            write_if_new(&config.base.join(&shown), &events)?,
        );
    }
    next(&[
        (
            format!("tagwerk trace {}", folder.display()),
            "see what it makes of the request",
        ),
        (
            format!(
                "tagwerk new tag --to {} --on {}",
                destination(config),
                sample.event_name()
            ),
            "send somewhere what it makes",
        ),
        (
            format!("tagwerk test --bless cases/{name}"),
            "keep what is sent, too, as what must be",
        ),
    ]);
    Ok(())
}

/// What the client makes of the request, as a case has it; nothing if it does not load yet, or if what
/// else there is does not.
fn events_of(config_file: &Path, request: &[u8]) -> Option<String> {
    let set = case::load(config_file).ok()?.live;
    let run = || case::run(&mut Worker::new(), &set, request);
    let ran = with_script_stack(run).ok()?.ok()?;
    let events = ran.made.events.filter(|_| ran.fault.is_none())?;
    let text = serde_json::to_string_pretty(&events).ok()?;
    Some(text + "\n")
}

fn empty(options: &Options, config: &Config) -> Result<(), Exit> {
    let Some(name) = options.name.as_deref() else {
        return Err(Exit::usage(
            "say how it is called, or `--from` what it is made",
        ));
    };
    check_name(name)?;
    let path = options
        .path
        .clone()
        .unwrap_or_else(|| format!("/hooks/{name}"));
    write(
        &config.scripts.clients.join(format!("{name}.rhai")),
        &sample::empty(name, &path),
        config,
    )?;
    next(&[
        ("tagwerk check".to_owned(), "whether all is well"),
        (
            "tagwerk preview open".to_owned(),
            "watch what comes in, on the running server",
        ),
    ]);
    Ok(())
}

/// The first destination of the configuration, for an example.
fn destination(config: &Config) -> &str {
    config
        .destinations
        .keys()
        .next()
        .map_or("slack", String::as_str)
}

fn write(file: &Path, source: &str, config: &Config) -> Result<(), Exit> {
    write_new(Path::new(""), &file.display().to_string(), source).map_err(Exit::bad)?;
    tell(&shown(config, file), true);
    Ok(())
}

/// False if it is there already, whatever is in it.
fn write_if_new(file: &Path, source: &str) -> Result<bool, Exit> {
    match write_new(Path::new(""), &file.display().to_string(), source) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        written => written.map(|()| true).map_err(Exit::bad),
    }
}
