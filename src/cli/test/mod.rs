//! `tagwerk test [DIR]`: cases through the scripts as they are, dry, and whether the same comes out.

mod show;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::Exit;
use crate::case::{self, Difference, Expected, FOLDER, REQUEST_FILE, differences};
use crate::config::{self, SystemEnvironment};
use crate::error::BoxError;
use crate::generation::Generation;
use crate::script::{Worker, with_script_stack};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk test                         all cases in cases/, beside tagwerk.toml
  tagwerk test cases woocommerce       those whose names have `woocommerce` in them
  tagwerk test --bless cases/refund    write what comes out now as what must come out
  tagwerk test --json | jq '.cases[] | select(.passed | not)'

A case is a folder with request.http, and events.json and deliveries.json beside it: what the clients
must make of the request, and the requests that the tags must make of that. Nothing is sent, and no
key is needed. What is another each time, such as an id that is made for an event, is written as
\"<varies>\" and may be left out. \"Save as test\" on the page makes a case of a trace.")]
pub(super) struct Options {
    /// A folder of cases, or one case
    dir: Option<PathBuf>,

    /// Only cases that have this in their names
    filter: Option<String>,

    /// Write what comes out now into the cases
    #[arg(long)]
    bless: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How one case went.
#[derive(Debug, Serialize)]
struct Outcome {
    name: String,
    passed: bool,
    /// Why it could not be run or compared.
    problem: Option<String>,
    differences: Vec<Difference>,
    /// What comes out now was written.
    blessed: bool,
}

/// How all went.
#[derive(Debug, Serialize)]
struct Summary {
    passed: usize,
    failed: usize,
    seconds: f64,
    cases: Vec<Outcome>,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let begun = Instant::now();
    let folder = folder(options, config)?;
    let filter = options.filter.as_deref().unwrap_or_default();
    let mut cases = Vec::new();
    find(&folder, &mut cases)
        .map_err(|error| Exit::usage(format!("{}: {error}", folder.display())))?;
    let mut cases: Vec<(String, PathBuf)> = cases
        .into_iter()
        .map(|case| (name_of(&case, &folder), case))
        .filter(|(name, _)| name.contains(filter))
        .collect();
    cases.sort();
    if cases.is_empty() {
        let shown = folder.display();
        return Err(Exit::usage(format!(
            "there are no cases in {shown}; a case is a folder with {REQUEST_FILE} in it"
        )));
    }
    let generation = case::load(config).map_err(|problems| Exit::configuration(&problems))?;
    let generation = generation.live;
    let outcomes = with_script_stack(|| {
        let mut worker = Worker::new();
        let each = cases.iter();
        let each = each.map(|(name, case)| try_case(&mut worker, &generation, name, case, options));
        each.collect::<Vec<Outcome>>()
    });
    conclude(outcomes.map_err(BoxError::from)?, begun.elapsed(), options)
}

fn conclude(cases: Vec<Outcome>, took: Duration, options: &Options) -> Result<(), Exit> {
    let failed = cases.iter().filter(|case| !case.passed).count();
    let summary = Summary {
        passed: cases.len() - failed,
        failed,
        seconds: took.as_secs_f64(),
        cases,
    };
    if options.json {
        let json = serde_json::to_string_pretty(&summary).map_err(BoxError::from)?;
        anstream::println!("{json}");
    } else {
        anstream::print!("{}", show::summary(&summary));
    }
    match failed {
        0 => Ok(()),
        1 => Err(Exit::bad("a case failed")),
        many => Err(Exit::bad(format!("{many} cases failed"))),
    }
}

/// Where the cases are: what was said, else the folder beside the configuration.
fn folder(options: &Options, config: &Path) -> Result<PathBuf, Exit> {
    if let Some(dir) = &options.dir {
        return match dir.is_dir() {
            true => Ok(dir.clone()),
            false => Err(Exit::usage(format!("there is no folder {}", dir.display()))),
        };
    }
    let config = config::load(config, &case::Unset)
        .or_else(|_| config::load(config, &SystemEnvironment))
        .map_err(|problems| Exit::configuration(&problems))?;
    let folder = config.base.join(FOLDER);
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(Exit::usage(format!(
        "there is no folder {}; `save` on a trace makes a case, or write one by hand, see `tagwerk test --help`",
        folder.display()
    )))
}

/// Folders that have a request, at any depth.
fn find(folder: &Path, cases: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if folder.join(REQUEST_FILE).is_file() {
        cases.push(folder.to_owned());
    }
    for entry in folder.read_dir()? {
        let entry = entry?;
        // Links are not followed: they could lead round in a circle.
        if entry.file_type()?.is_dir() {
            find(&entry.path(), cases)?;
        }
    }
    Ok(())
}

fn name_of(case: &Path, folder: &Path) -> String {
    let below = case.strip_prefix(folder).unwrap_or(case);
    let name = match below.as_os_str().is_empty() {
        true => case.file_name().map(Path::new).unwrap_or(case),
        false => below,
    };
    name.display().to_string()
}

fn try_case(
    worker: &mut Worker,
    generation: &Generation,
    name: &str,
    case: &Path,
    options: &Options,
) -> Outcome {
    let mut outcome = Outcome {
        name: name.to_owned(),
        passed: false,
        problem: None,
        differences: Vec::new(),
        blessed: false,
    };
    match judge(worker, generation, case, options.bless, &mut outcome) {
        Ok(()) => outcome.passed = outcome.differences.is_empty(),
        Err(why) => outcome.problem = Some(why),
    }
    outcome
}

fn judge(
    worker: &mut Worker,
    generation: &Generation,
    case: &Path,
    bless: bool,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let request = std::fs::read(case.join(REQUEST_FILE));
    let request = request.map_err(|error| format!("{REQUEST_FILE}: {error}"))?;
    let ran =
        case::run(worker, generation, &request).map_err(|why| format!("{REQUEST_FILE}: {why}"))?;
    if let Some(fault) = ran.fault {
        return Err(format!("the client failed: {fault}"));
    }
    // What cannot be read is written anew.
    let expected = match bless {
        true => Expected::read(case).unwrap_or_default(),
        false => Expected::read(case)?,
    };
    if bless {
        if expected != ran.made {
            let written = ran.made.write(case);
            written.map_err(|error| format!("it could not be written: {error}"))?;
            outcome.blessed = true;
        }
        return Ok(());
    }
    if expected == Expected::default() {
        return Err(
            "there is nothing to compare with; `--bless` writes what comes out now".to_owned(),
        );
    }
    outcome.differences = differences(&expected, &ran.made);
    Ok(())
}
