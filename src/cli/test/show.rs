//! How cases went, for people: the good ones in a line, of the others each value that differs.

use serde_json::Value;

use super::{Outcome, Summary};
use crate::case::Difference;
use crate::cli::paint::{bad, dim, good, odd, strong};

/// Differences of one case that are shown; all are in `--json`.
const MOST_SHOWN: usize = 20;

/// How much of a value is shown on a line.
const SHOWN_CHARACTERS: usize = 200;

pub(super) fn summary(summary: &Summary) -> String {
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
    text
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
        text.push_str(&format!("    {problem}\n"));
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
