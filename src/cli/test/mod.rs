//! `tagwerk test [DIR]`: cases through the scripts as they are, dry, and whether the same comes out; and
//! the tests that stand beside scripts.

mod cases;
mod show;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::{Exit, watching};
use crate::case::{
    self, Coverage, Covered, Difference, FOLDER, REQUEST_FILE, TEST_ENDING, TestFile, Tested,
};
use crate::config::{self, Config, SystemEnvironment};
use crate::error::BoxError;
use crate::generation::Generation;
use crate::script::{Branches, Worker, with_script_stack};

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk test                         all cases in cases/, and all tests beside scripts
  tagwerk test woocommerce             those whose names have `woocommerce` in them
  tagwerk test tags/slack_order.test.rhai
  tagwerk test --bless cases/refund    write what comes out now as what must come out
  tagwerk test --watch                 again whenever a file is saved
  tagwerk test --coverage              and which branches of the scripts never ran
  tagwerk test --json | jq '.cases[] | select(.passed | not)'

A case is a folder with request.http, and events.json and deliveries.json beside it: what the clients
must make of the request, and the requests that the tags must make of that. Nothing is sent, and no
key is needed. What is another each time, such as an id that is made for an event, is written as
\"<varies>\" and may be left out. \"Save as test\" on the page makes a case of a trace.

A test is a function `fn test_…()` in NAME.test.rhai beside NAME.rhai. `run(…)` in it does with the
script what the server would: docs/testing.md.

Exit codes: 0 all passed, 1 one failed, 78 the scripts do not load.")]
pub(super) struct Options {
    /// A folder of cases or of scripts, one case, one file of tests, or a part of names
    dir: Option<PathBuf>,

    /// Only those that have this in their names
    filter: Option<String>,

    /// Write what comes out now into the cases
    #[arg(long)]
    bless: bool,

    /// Run again whenever a file is saved
    #[arg(long, conflicts_with = "json")]
    watch: bool,

    /// Show what of the scripts never ran: ways through clients and tags, branches, functions
    #[arg(long)]
    coverage: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// A lone word that is no file is a part of names.
    fn understood(self) -> Self {
        match (&self.dir, &self.filter) {
            (Some(word), None) if word.components().count() == 1 && !is_there(word) => Self {
                filter: Some(word.display().to_string()),
                dir: None,
                ..self
            },
            _ => self,
        }
    }

    fn nothing_named_so(&self) -> Exit {
        let filter = self.filter.as_deref().unwrap_or_default();
        Exit::usage(format!("no case and no test has `{filter}` in its name"))
    }
}

fn is_there(path: &Path) -> bool {
    std::fs::metadata(path).is_ok()
}

/// How one case or test went.
#[derive(Debug, Serialize)]
struct Outcome {
    /// `case` or `test`.
    kind: &'static str,
    name: String,
    passed: bool,
    /// Why it could not be run or compared, or what a test asserts that is not so.
    problem: Option<String>,
    differences: Vec<Difference>,
    /// What comes out now was written.
    blessed: bool,
    /// What a test logged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<String>,
}

/// How all went.
#[derive(Debug, Serialize)]
struct Summary {
    passed: usize,
    failed: usize,
    seconds: f64,
    cases: Vec<Outcome>,
    coverage: Covered,
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let options = &options.clone().understood();
    if !options.watch {
        return run_once(options, config);
    }
    let folder = config::load(config, &case::Unset).map(|config| config.base);
    let folder = folder.unwrap_or_else(|_| watching::folder_of(config));
    let more = options.dir.iter().cloned();
    watching::again_and_again(more.chain([folder]).collect(), || run_once(options, config))
}

fn run_once(options: &Options, config: &Path) -> Result<(), Exit> {
    let begun = Instant::now();
    let found = Found::of(options, config)?;
    let generation = case::load(config).map_err(|problems| Exit::configuration(&problems))?;
    let generation = Arc::new(generation.live);
    let coverage = Arc::new(Mutex::new(Coverage::default()));
    let outcomes = with_script_stack(|| found.run(options, &generation, &coverage, None));
    let outcomes = outcomes.map_err(BoxError::from)?;
    let branches = match options.coverage {
        true => Some(found.branches(options, config)?),
        false => None,
    };
    let covered = coverage
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .of(&generation, branches.as_ref());
    conclude(outcomes, covered, begun.elapsed(), options)
}

/// What is to be run.
struct Found {
    cases: Vec<(String, PathBuf)>,
    files: Vec<TestFile>,
}

impl Found {
    fn of(options: &Options, config_file: &Path) -> Result<Self, Exit> {
        let config = config::load(config_file, &case::Unset)
            .or_else(|_| config::load(config_file, &SystemEnvironment))
            .map_err(|problems| Exit::configuration(&problems))?;
        let (cases, folders) = places(options, &config)?;
        let unreadable = |error: std::io::Error| Exit::usage(error);
        let found = Self {
            cases: cases::find_all(cases.as_deref(), options.filter.as_deref())
                .map_err(unreadable)?,
            files: case::test_files(&folders, &config.base).map_err(unreadable)?,
        };
        if found.cases.is_empty() && found.files.is_empty() {
            if options.filter.is_some() {
                return Err(options.nothing_named_so());
            }
            let shown = cases.unwrap_or_else(|| config.base.join(FOLDER));
            let shown = shown.display();
            return Err(Exit::usage(format!(
                "there are no cases in {shown}, and no tests; a case is a folder with {REQUEST_FILE} in it, a test stands in NAME{TEST_ENDING} beside a script"
            )));
        }
        Ok(found)
    }

    /// All once more, through scripts that note the branches that run.
    fn branches(&self, options: &Options, config: &Path) -> Result<Branches, Exit> {
        let branches = Branches::default();
        let generation = case::load_noting(config, &branches);
        let generation = Arc::new(generation.map_err(|problems| Exit::configuration(&problems))?);
        let run = || self.run(options, &generation, &Arc::default(), Some(&branches));
        with_script_stack(run).map_err(BoxError::from)?;
        Ok(branches)
    }

    fn run(
        &self,
        options: &Options,
        generation: &Arc<Generation>,
        coverage: &Arc<Mutex<Coverage>>,
        branches: Option<&Branches>,
    ) -> Vec<Outcome> {
        let mut worker = Worker::noting(branches);
        // Then all was run before, and is only to be watched.
        let bless = options.bless && branches.is_none();
        let filter = options.filter.as_deref().unwrap_or_default();
        let cases = self.cases.iter().map(|(name, case)| {
            cases::try_case(&mut worker, generation, (name, case), bless, coverage)
        });
        let mut outcomes: Vec<Outcome> = cases.collect();
        for file in &self.files {
            let is_wanted = |name: &str| name.contains(filter);
            let tested = case::run_tests(generation, file, is_wanted, coverage, branches);
            outcomes.extend(tested.into_iter().map(outcome));
        }
        outcomes
    }
}

/// Where cases are, and where tests may be: what was said, else beside the configuration.
fn places(options: &Options, config: &Config) -> Result<(Option<PathBuf>, Vec<PathBuf>), Exit> {
    if let Some(dir) = &options.dir {
        let real = std::path::absolute(dir)?;
        return match (dir.is_dir(), dir.is_file()) {
            (true, _) => Ok((Some(dir.clone()), vec![real])),
            (_, true) if dir.to_string_lossy().ends_with(TEST_ENDING) => Ok((None, vec![real])),
            (_, true) => Err(Exit::usage(format!(
                "{} is no file of tests; their names end in {TEST_ENDING}",
                dir.display()
            ))),
            _ => Err(Exit::usage(format!("there is no folder {}", dir.display()))),
        };
    }
    let cases = config.base.join(FOLDER);
    let scripts = &config.scripts;
    let folders = [
        &scripts.clients,
        &scripts.tags,
        &scripts.shared,
        &scripts.transforms,
    ];
    Ok((
        cases.is_dir().then_some(cases),
        folders.map(Clone::clone).to_vec(),
    ))
}

fn outcome(tested: Tested) -> Outcome {
    Outcome {
        kind: "test",
        name: tested.name,
        passed: tested.fault.is_none(),
        problem: tested.fault.map(|fault| show::fault(&fault)),
        differences: Vec::new(),
        blessed: false,
        log: tested.log.into_iter().map(|line| line.text).collect(),
    }
}

fn conclude(
    cases: Vec<Outcome>,
    coverage: Covered,
    took: Duration,
    options: &Options,
) -> Result<(), Exit> {
    if cases.is_empty() {
        return Err(options.nothing_named_so());
    }
    let failed = cases.iter().filter(|case| !case.passed).count();
    let summary = Summary {
        passed: cases.len() - failed,
        failed,
        seconds: took.as_secs_f64(),
        cases,
        coverage,
    };
    if options.json {
        let json = serde_json::to_string_pretty(&summary).map_err(BoxError::from)?;
        anstream::println!("{json}");
    } else {
        anstream::print!("{}", show::summary(&summary, options.coverage));
    }
    match failed {
        0 => Ok(()),
        1 => Err(Exit::bad("1 failed")),
        many => Err(Exit::bad(format!("{many} failed"))),
    }
}
