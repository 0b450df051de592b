//! `tagwerk check`: the same load as `serve` and every reload, without serving. What is found is told as
//! a compiler does, or for machines.

mod formats;

use std::path::Path;

use clap::{Args, ValueEnum};

use super::{Exit, online, paint, trials};
use crate::config::{Problem, Problems, SystemEnvironment};
use crate::generation::{self, Generation, Loaded};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tagwerk check
  tagwerk check --config shop/tagwerk.toml
  tagwerk check --strict                for CI: warnings count, too
  tagwerk check --online                asks Google's validation server, too, about what goes to GA4
  tagwerk check --format github         as annotations of a pull request
  tagwerk check --format json | jq '.findings[] | select(.severity == \"error\")'

Errors are what a reload would refuse, too. Warnings are what works and is probably not meant: a tag
that can never fire, a client that is never asked, a secret that is not set or stands in a script.

Exit codes: 0 good, 1 there are errors (with --strict also warnings).")]
pub(super) struct Options {
    /// How findings are shown
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    /// Take warnings for errors
    #[arg(long)]
    strict: bool,

    /// Ask those vendors that can judge without recording (GA4) about what comes of the cases
    #[arg(long, conflicts_with = "format")]
    online: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As a compiler shows them, on standard error
    Human,
    /// One JSON object, on standard output
    Json,
    /// Annotations of GitHub Actions, on standard output
    Github,
}

/// What was found, and in which set.
struct Finding {
    problem: Problem,
    is_draft: bool,
}

/// All that was found, and what there is if it is good.
struct Report {
    findings: Vec<Finding>,
    good: Vec<String>,
    generation: Option<String>,
}

impl Report {
    fn count(&self) -> (usize, usize) {
        let errors = self
            .findings
            .iter()
            .filter(|found| found.problem.is_error())
            .count();
        (errors, self.findings.len() - errors)
    }
}

pub(super) fn run(options: &Options, config: &Path) -> Result<(), Exit> {
    let loaded = generation::load(config, &SystemEnvironment);
    let live = loaded.as_ref().ok().map(|loaded| &loaded.live);
    let judged = live.map(|live| judged(live, config)).transpose()?;
    if options.online
        && let Some(live) = live.filter(|_| judged.as_ref().is_some_and(Problems::is_empty))
    {
        online::run(live, config)?;
    }
    let report = report(loaded, judged.unwrap_or_default());
    match options.format {
        Format::Human => show(&report),
        Format::Json => anstream::println!("{}", formats::json(&report)?),
        Format::Github => anstream::print!("{}", formats::github(&report, config)),
    }
    let is_bad = match report.count() {
        (0, warnings) => options.strict && warnings > 0,
        _ => true,
    };
    if !is_bad {
        return Ok(());
    }
    let all: Problems = report
        .findings
        .into_iter()
        .map(|found| found.problem)
        .collect();
    Err(match options.format {
        Format::Human => Exit::bad(all.counted()),
        _ => Exit::told(),
    })
}

/// What the destinations' types say of what the tags make: of keys that are written out, and of what
/// comes of the cases.
fn judged(live: &Generation, config: &Path) -> Result<Problems, Exit> {
    let keys = generation::unknown_keys(live).into_iter();
    let keys = keys.map(|problem| problem.of_kind("unknown-key"));
    let refused = trials::refusals(config, live)?.into_iter();
    let refused = refused.map(|problem| problem.of_kind("refused"));
    let mut judged: Problems = keys.chain(refused).collect();
    for tag in &live.tags {
        judged.show_lines(Path::new(&tag.script.file), &tag.script.source);
    }
    judged.sort();
    Ok(judged)
}

fn report(loaded: Result<Loaded, Problems>, judged: Problems) -> Report {
    let mut report = Report {
        findings: Vec::new(),
        good: Vec::new(),
        generation: None,
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            report.add(problems, false);
            return report;
        }
    };
    report.add(judged, false);
    let mut of_draft = loaded.draft_problems;
    report.good.push(summary(&loaded.live));
    report.generation = Some(loaded.live.id.to_string());
    if let Some(draft) = &loaded.draft {
        report.good.push(format!("draft: {}", summary(draft)));
        of_draft.extend(draft.warnings.iter().cloned());
    }
    // The two have the configuration and the modules in common.
    let of_both = |problem: &Problem| loaded.live.warnings.iter().any(|other| other == problem);
    let of_draft: Problems = of_draft
        .into_iter()
        .filter(|problem| !of_both(problem))
        .collect();
    report.add(loaded.live.warnings, false);
    report.add(of_draft, true);
    report
}

impl Report {
    fn add(&mut self, problems: Problems, is_draft: bool) {
        let findings = problems
            .into_iter()
            .map(|problem| Finding { problem, is_draft });
        self.findings.extend(findings);
    }
}

fn show(report: &Report) {
    for found in &report.findings {
        anstream::eprintln!("{}\n", found.problem.painted());
    }
    if report.count().0 == 0 {
        for good in &report.good {
            anstream::println!("{} {good}", paint::good("good:"));
        }
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
