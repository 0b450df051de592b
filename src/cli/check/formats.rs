//! Findings for machines: one JSON object, or the lines that GitHub Actions makes annotations of.

use std::path::Path;

use serde_json::{Value, json};

use super::{Finding, Report};
use crate::error::BoxError;

pub(super) fn json(report: &Report) -> Result<String, BoxError> {
    let (errors, warnings) = report.count();
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    let report = json!({
        "ok": errors == 0,
        "errors": errors,
        "warnings": warnings,
        "generation": report.generation,
        "findings": findings,
    });
    Ok(serde_json::to_string_pretty(&report)?)
}

fn finding(found: &Finding) -> Value {
    let problem = &found.problem;
    json!({
        "severity": problem.severity.word(),
        "kind": problem.kind,
        "set": if found.is_draft { "draft" } else { "live" },
        "file": problem.file.display().to_string(),
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
        "text": problem.text,
    })
}

/// Paths are those from where the command was called, as the action checks out a repository.
pub(super) fn github(report: &Report, config: &Path) -> String {
    let folder = config.parent().unwrap_or(Path::new(""));
    let mut lines = String::new();
    for Finding { problem, .. } in &report.findings {
        let file = match problem.file == config {
            true => problem.file.clone(),
            false => folder.join(&problem.file),
        };
        let mut places = format!("file={}", property(&file.display().to_string()));
        for (name, place) in [("line", problem.line), ("col", problem.column)] {
            if let Some(place) = place {
                places.push_str(&format!(",{name}={place}"));
            }
        }
        if !problem.kind.is_empty() {
            places.push_str(&format!(",title={}", property(problem.kind)));
        }
        let mut message = problem.message.clone();
        if let Some(hint) = &problem.hint {
            message.push_str(&format!("\nhint: {hint}"));
        }
        let level = problem.severity.word();
        lines.push_str(&format!("::{level} {places}::{}\n", data(&message)));
    }
    lines
}

/// As the runner wants it: https://github.com/actions/toolkit, `command.ts`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problem;

    #[test]
    fn annotations_name_files_from_where_the_command_was_called() {
        let at = |file: &str| Finding {
            problem: Problem::new(file, "50% of it\nis bad")
                .at(2, 3)
                .of_kind("syntax"),
            is_draft: false,
        };
        let report = Report {
            findings: vec![at("tags/a,b.rhai"), at("shop/tagwerk.toml")],
            good: Vec::new(),
            generation: None,
        };
        let expected = "\
::error file=shop/tags/a%2Cb.rhai,line=2,col=3,title=syntax::50%25 of it%0Ais bad
::error file=shop/tagwerk.toml,line=2,col=3,title=syntax::50%25 of it%0Ais bad
";
        assert_eq!(github(&report, Path::new("shop/tagwerk.toml")), expected);
    }
}
