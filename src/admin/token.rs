//! The tokens that open the admin API: what the operator set, else made once and kept in the data
//! folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::access::{Role, Tokens};
use crate::config::Environment;
use crate::error::BoxError;
use crate::secret::Secret;

/// The variable that sets a token, and the file that it is kept in otherwise.
fn places(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Admin => ("TAGWERK_ADMIN_TOKEN", "admin-token"),
        Role::Read => ("TAGWERK_ADMIN_READ_TOKEN", "admin-token-read"),
    }
}

/// Reads both tokens; makes one, 256 random bits, where there is none or its file is empty. The
/// files are for their owner only.
///
/// # Errors
/// If a file can be neither read nor made.
pub fn admin_tokens(folder: &Path, environment: &dyn Environment) -> Result<Tokens, BoxError> {
    let token = |role| match find_token(role, folder, environment)? {
        Some(token) => Ok(token),
        None => make(folder, places(role).1),
    };
    Ok::<_, BoxError>(Tokens {
        admin: token(Role::Admin)?,
        read: token(Role::Read)?,
    })
}

/// The token of a server that was started before, if there is one: the one that may change things,
/// else the one that may look.
///
/// # Errors
/// If their files are there and cannot be read.
pub fn find_admin_token(
    folder: &Path,
    environment: &dyn Environment,
) -> Result<Option<Secret>, BoxError> {
    let found = find_token(Role::Admin, folder, environment);
    match found {
        Ok(Some(token)) => Ok(Some(token)),
        Ok(None) | Err(_) => match find_token(Role::Read, folder, environment) {
            Ok(Some(token)) => Ok(Some(token)),
            _ => found,
        },
    }
}

fn find_token(
    role: Role,
    folder: &Path,
    environment: &dyn Environment,
) -> Result<Option<Secret>, BoxError> {
    let (variable, name) = places(role);
    if let Some(token) = environment
        .variable(variable)
        .filter(|token| !token.is_empty())
    {
        return Ok(Some(Secret::new(token)));
    }
    let file = folder.join(name);
    match fs::read_to_string(&file) {
        Ok(token) if !token.trim().is_empty() => Ok(Some(Secret::new(token.trim()))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", file.display()).into()),
    }
}

fn make(folder: &Path, name: &str) -> Result<Secret, BoxError> {
    let token = Secret::random::<32>()?;
    // A journal in memory has made no folder.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    write_whole(folder, name, token.expose())?;
    Ok(token)
}

/// After a power cut the file is there with all that is in it, or it is not there.
fn write_whole(folder: &Path, name: &str, token: &str) -> io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}
