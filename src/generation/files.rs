//! Reads the files of a set into memory in one go, so that what is compiled is what was hashed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::Problem;
use crate::script::limits;
use crate::script::tables::TABLE_BYTES;

/// One script file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScriptFile {
    /// Its name without `.rhai`.
    pub name: String,
    /// As messages name it: the folder as the user wrote it, and the file.
    pub shown: String,
    pub source: String,
}

/// The scripts of a folder in alphabetical order. A folder that is not there has none.
pub(super) fn read_scripts(folder: &Path, shown: &Path) -> Result<Vec<ScriptFile>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for path in list(folder).map_err(|error| {
        vec![Problem::new(
            shown,
            format!("the folder cannot be read: {error}"),
        )]
    })? {
        let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
        else {
            continue;
        };
        let shown = shown.join(&name);
        match read(&path) {
            Ok(source) => files.push(ScriptFile {
                name: name.trim_end_matches(".rhai").to_owned(),
                shown: shown.display().to_string(),
                source,
            }),
            Err(error) => problems.push(Problem::new(shown, format!("cannot be read: {error}"))),
        }
    }
    if problems.is_empty() {
        Ok(files)
    } else {
        Err(problems)
    }
}

/// The names of a folder's scripts; a folder that cannot be read has none.
pub(super) fn script_names(folder: &Path) -> Vec<String> {
    let paths = list(folder).unwrap_or_default();
    let names = paths.iter().filter_map(|path| path.file_stem()?.to_str());
    names.map(str::to_owned).collect()
}

/// The shared modules as they are, to show lines of them; those that cannot be read are left out, as
/// whoever imports them says so.
pub(super) fn read_shared(folder: &Path, shown: &Path) -> Vec<ScriptFile> {
    let mut files = Vec::new();
    walk(folder, &mut |path| {
        if path.extension().is_none_or(|extension| extension != "rhai") {
            return;
        }
        let below = path.strip_prefix(folder).unwrap_or(path);
        if let Ok(source) = read(path) {
            files.push(ScriptFile {
                name: below.with_extension("").display().to_string(),
                shown: shown.join(below).display().to_string(),
                source,
            });
        }
    });
    files
}

/// `*.rhai`, but not `*.test.rhai` nor files that editors hide.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.ends_with(".rhai") && !name.ends_with(".test.rhai") && !name.starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> io::Result<String> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if found.len() > limits::SCRIPT_BYTES {
        return Err(io::Error::other(format!(
            "it has {} bytes, the most is {}",
            found.len(),
            limits::SCRIPT_BYTES
        )));
    }
    String::from_utf8(fs::read(path)?).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// A hash of what is in all files of a set, also of those that do not compile or cannot be read.
pub(super) fn fingerprint(config: Option<&Path>, folders: &[&Path]) -> String {
    let mut hash = Sha256::new();
    if let Some(config) = config {
        add_file(&mut hash, config);
    }
    for folder in folders {
        hash.update(folder.as_os_str().as_encoded_bytes());
        walk(folder, &mut |file| add_file(&mut hash, file));
    }
    let digest = hash.finalize();
    hex::encode(digest.get(..6).unwrap_or(&digest))
}

/// Folders within folders, for shared modules. Deeper is not ours.
const MAX_DEPTH: usize = 4;

/// Scripts, and tables.
fn is_ours(extension: &OsStr) -> bool {
    ["rhai", "csv", "json", "toml"]
        .iter()
        .any(|ours| extension == *ours)
}

/// All scripts and tables of a folder and of the folders in it, in the same order each time.
pub(super) fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    walk_to(folder, MAX_DEPTH, visit);
}

fn walk_to(folder: &Path, depth: usize, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.extension().is_some_and(is_ours) {
            visit(&path);
        } else if depth > 0 && fs::metadata(&path).is_ok_and(|found| found.is_dir()) {
            walk_to(&path, depth - 1, visit);
        }
    }
}

fn add_file(hash: &mut Sha256, path: &Path) {
    hash.update(path.as_os_str().as_encoded_bytes());
    let small = fs::metadata(path).is_ok_and(|found| found.len() <= TABLE_BYTES);
    match small.then(|| fs::read(path)) {
        Some(Ok(content)) => hash.update(content),
        _ => hash.update(b"\0unreadable"),
    }
    hash.update([0]);
}
