//! How cases went, for people: the good ones in a line, of the others each value that differs.

use serde_json::Value;

use super::{Outcome, Summary};
use crate::case::{Covered, Difference, Untried};
use crate::cli::paint::{bad, dim, good, odd, strong};
use crate::script::{Branch, BranchKind, Fault};

/// Differences of one case that are shown; all are in `--json`.
const MOST_SHOWN: usize = 20;

/// How much of a value is shown on a line.
const SHOWN_CHARACTERS: usize = 200;

/// Lines of what a test logged that are shown.
const MOST_LOG_LINES: usize = 10;

/// A test's fault, with the line that it stands in.
pub(super) fn fault(fault: &Fault) -> String {
    let mut text = fault.to_string();
    let line = fault
        .source
        .iter()
        .find(|line| Some(line.line) == fault.line);
    if let Some(line) = line {
        text.push_str(&format!("\n{:>4} | {}", line.line, line.text.trim_end()));
    }
    text
}

pub(super) fn summary(summary: &Summary, with_coverage: bool) -> String {
    let mut text = String::new();
    for outcome in &summary.cases {
        add_case(&mut text, outcome);
    }
    let failed = match summary.failed {
        0 => String::new(),
        failed => format!(", {}", bad(format!("{failed} failed"))),
    };
    let took = dim(format!("{:.2} s", summary.seconds));
    let passed = good(format!("{} passed", summary.passed));
    text.push_str(&format!("\n{passed}{failed} {took}\n"));
    add_coverage(&mut text, &summary.coverage, with_coverage);
    text
}

fn add_coverage(text: &mut String, covered: &Covered, whole: bool) {
    let of = |(some, all): (usize, usize), what: &str| format!("{some} of {all} {what}");
    let branches = covered.branches.map(|branches| {
        let branches = of(branches, "branches of scripts");
        format!(", {branches}")
    });
    let line = format!(
        "covered: {}, {}, {}{}",
        of(covered.clients, "clients"),
        of(covered.tags, "tags"),
        of(covered.ways, "ways through them"),
        branches.unwrap_or_default()
    );
    let hint = match whole || covered.untried.is_empty() {
        true => "",
        false => "; --coverage shows the others",
    };
    text.push_str(&dim(format!("{line}{hint}\n")));
    if whole {
        covered
            .untried
            .iter()
            .for_each(|untried| add_untried(text, untried));
        let never_ran = covered.never_ran.iter();
        never_ran.for_each(|branch| text.push_str(&format!("  {}\n", line_of(branch))));
    }
}

/// `tags/order.rhai:7:5: never true: if big`.
fn line_of(branch: &Branch) -> String {
    let what = match branch.kind {
        BranchKind::Function => "never called:",
        BranchKind::If => "never true:",
        BranchKind::WithoutElse => "never false:",
        BranchKind::Else => "never ran: the else of",
        BranchKind::Unreached => "never reached:",
        BranchKind::Case | BranchKind::Loop | BranchKind::Catch => "never ran:",
    };
    let Branch {
        file,
        line,
        column,
        text,
        ..
    } = branch;
    format!("{file}:{line}:{column}: {what} {text}")
}

fn add_untried(text: &mut String, untried: &Untried) {
    let what = match untried.ran {
        false => odd("never ran"),
        true => format!("never ran: {}", untried.never.join(", ")),
    };
    text.push_str(&format!("  {} {what}\n", untried.file));
}

fn add_case(text: &mut String, outcome: &Outcome) {
    let name = strong(&outcome.name);
    let line = match (outcome.passed, outcome.blessed) {
        (true, true) => format!("{} {name} {}\n", odd("✎"), odd("written")),
        (true, false) => format!("{} {}\n", good("✓"), outcome.name),
        (false, _) => format!("{} {name}\n", bad("✗")),
    };
    text.push_str(&line);
    if let Some(problem) = &outcome.problem {
        for line in problem.lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    if !outcome.passed {
        for line in outcome.log.iter().take(MOST_LOG_LINES) {
            text.push_str(&format!("    {} {line}\n", dim("log")));
        }
    }
    for difference in outcome.differences.iter().take(MOST_SHOWN) {
        add_difference(text, difference);
    }
    let more = outcome.differences.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        text.push_str(&dim(format!("    and {more} more\n")));
    }
}

fn add_difference(text: &mut String, difference: &Difference) {
    text.push_str(&format!("    {}\n", difference.place));
    if let Some(before) = &difference.before {
        text.push_str(&format!("      {}\n", bad(format!("- {}", short(before)))));
    }
    if let Some(after) = &difference.after {
        text.push_str(&format!("      {}\n", good(format!("+ {}", short(after)))));
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    let shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown}{more}")
}
