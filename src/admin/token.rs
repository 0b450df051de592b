//! The admin token: what the operator set, else one that is made once and kept in the data folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::Environment;
use crate::error::BoxError;
use crate::secret::Secret;

/// The variable that sets the token.
const VARIABLE: &str = "TAGWERK_ADMIN_TOKEN";

/// Reads the token; makes one, 256 random bits, if there is none or its file is empty. The file is for its owner only.
///
/// # Errors
/// If the file can be neither read nor made.
pub fn admin_token(folder: &Path, environment: &dyn Environment) -> Result<Secret, BoxError> {
    match find_admin_token(folder, environment)? {
        Some(token) => Ok(token),
        None => make(folder),
    }
}

/// The token of a server that was started before, if there is one.
///
/// # Errors
/// If its file cannot be read.
pub fn find_admin_token(
    folder: &Path,
    environment: &dyn Environment,
) -> Result<Option<Secret>, BoxError> {
    if let Some(token) = environment
        .variable(VARIABLE)
        .filter(|token| !token.is_empty())
    {
        return Ok(Some(Secret::new(token)));
    }
    let file = file_in(folder);
    match fs::read_to_string(&file) {
        Ok(token) if !token.trim().is_empty() => Ok(Some(Secret::new(token.trim()))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", file.display()).into()),
    }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("admin-token")
}

fn make(folder: &Path) -> Result<Secret, BoxError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system has no randomness: {error}"))?;
    let token = hex::encode(bytes);
    // A journal in memory has made no folder.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    write_whole(folder, &token)?;
    Ok(Secret::new(token))
}

/// After a power cut the file is there with all that is in it, or it is not there.
fn write_whole(folder: &Path, token: &str) -> io::Result<()> {
    let new = folder.join("admin-token.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    fs::rename(&new, file_in(folder))?;
    File::open(folder)?.sync_all()
}
