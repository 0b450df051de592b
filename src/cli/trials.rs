//! The cases beside a configuration, judged by the vendors' stand-ins: a part of `tagwerk check`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::case::{FOLDER, REQUEST_FILE, trial};
use crate::config::Problem;
use crate::error::BoxError;
use crate::generation::Generation;
use crate::script::{Worker, with_script_stack};

/// What vendors would refuse of what comes of the cases.
pub(super) fn refusals(config: &Path, generation: &Generation) -> Result<Vec<Problem>, BoxError> {
    let requests = requests(config)?;
    let judged = with_script_stack(|| {
        let mut worker = Worker::new();
        let each = requests.iter();
        each.flat_map(|request| judge(&mut worker, generation, request))
            .collect()
    });
    Ok(judged?)
}

fn judge(worker: &mut Worker, generation: &Generation, request: &Path) -> Vec<Problem> {
    let text = match fs::read(request) {
        Ok(text) => text,
        Err(error) => return vec![Problem::new(request, error.to_string())],
    };
    match trial(worker, generation, &text) {
        Ok(refused) => {
            let problem = |one: &crate::case::Refusal| Problem::new(request, one.to_string());
            refused.iter().map(problem).collect()
        }
        Err(why) => vec![Problem::new(request, why)],
    }
}

/// The request files of all cases beside a configuration, sorted.
pub(super) fn requests(config: &Path) -> Result<Vec<PathBuf>, BoxError> {
    let mut requests = Vec::new();
    find(&config.with_file_name(FOLDER), &mut requests)?;
    requests.sort();
    Ok(requests)
}

/// The requests of all cases; none if there are no cases.
fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), BoxError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{}: {error}", folder.display()).into()),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, found)?;
        } else if path.ends_with(REQUEST_FILE) {
            found.push(path);
        }
    }
    Ok(())
}
