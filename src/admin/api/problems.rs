//! What is wrong with the files, each with the lines around it.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::traces::apart;
use crate::admin::Admin;
use crate::config::{Problem, Problems};
use crate::script::{SourceLine, source_lines};

/// The largest file that lines are shown of; a script is smaller.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Problems that are shown with lines; a set that is worse is not read line by line.
const MAX_WITH_LINES: usize = 50;

/// What keeps files from being live as JSON, with the lines around it as the files are now. Warnings
/// keep nothing: those of what is live stand by themselves.
pub(in crate::admin) async fn with_source(admin: &Admin, problems: &Problems) -> Vec<Value> {
    let base = admin.live.current().config.base.clone();
    let errors = problems.iter().filter(|problem| problem.is_error());
    let all: Vec<Problem> = errors.cloned().collect();
    let shown = apart(move || {
        let one = |(at, problem): (usize, &Problem)| {
            let lines = match at < MAX_WITH_LINES {
                // As the user named it, or below the configuration's folder.
                true => [problem.file.clone(), base.join(&problem.file)]
                    .into_iter()
                    .map(|file| lines(file, problem.line))
                    .find(|lines| !lines.is_empty())
                    .unwrap_or_default(),
                false => Vec::new(),
            };
            to_json(problem, lines)
        };
        all.iter().enumerate().map(one).collect()
    });
    shown.await.unwrap_or_default()
}

/// Warnings as JSON. Their lines are not read: one may hold the very secret that it warns of.
pub(in crate::admin) fn without_source(problems: &Problems) -> Vec<Value> {
    let all = problems.iter();
    all.map(|problem| to_json(problem, Vec::new())).collect()
}

fn to_json(problem: &Problem, source: Vec<SourceLine>) -> Value {
    json!({
        "severity": problem.severity.word(),
        "kind": problem.kind,
        "file": problem.file.display().to_string(),
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
        "source": source,
        "shown": problem.to_string(),
    })
}

fn lines(file: PathBuf, line: Option<usize>) -> Vec<SourceLine> {
    let is_small = std::fs::metadata(&file).is_ok_and(|found| found.len() <= MAX_FILE_BYTES);
    if line.is_none() || !is_small {
        return Vec::new();
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    source_lines(&text, line)
}
