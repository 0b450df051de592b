//! The cases that there are, and whether what comes out of one is what must.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Outcome;
use crate::case::{self, Coverage, Expected, REQUEST_FILE, differences};
use crate::generation::Generation;
use crate::script::Worker;

/// The cases of a folder by their names, in order; those that have `filter` in their names.
pub(super) fn find_all(
    folder: Option<&Path>,
    filter: Option<&str>,
) -> io::Result<Vec<(String, PathBuf)>> {
    let Some(folder) = folder else {
        return Ok(Vec::new());
    };
    let mut cases = Vec::new();
    find(folder, &mut cases)?;
    let mut cases: Vec<(String, PathBuf)> = cases
        .into_iter()
        .map(|case| (name_of(&case, folder), case))
        .filter(|(name, _)| name.contains(filter.unwrap_or_default()))
        .collect();
    cases.sort();
    Ok(cases)
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

pub(super) fn try_case(
    worker: &mut Worker,
    generation: &Generation,
    (name, case): (&str, &Path),
    bless: bool,
    coverage: &Mutex<Coverage>,
) -> Outcome {
    let mut outcome = Outcome {
        kind: "case",
        name: name.to_owned(),
        passed: false,
        problem: None,
        differences: Vec::new(),
        blessed: false,
        log: Vec::new(),
    };
    match judge(worker, generation, case, bless, &mut outcome, coverage) {
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
    coverage: &Mutex<Coverage>,
) -> Result<(), String> {
    let request = std::fs::read(case.join(REQUEST_FILE));
    let request = request.map_err(|error| format!("{REQUEST_FILE}: {error}"))?;
    let ran =
        case::run(worker, generation, &request).map_err(|why| format!("{REQUEST_FILE}: {why}"))?;
    let mut seen = coverage.lock().unwrap_or_else(PoisonError::into_inner);
    seen.add(&ran.record);
    drop(seen);
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
