//! What is going to be moved, on disk before anything is.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::former;
use super::moves::is_folder;
use crate::config::Scripts;

/// The file of a plan, beside the draft.
pub(super) const FILE: &str = ".promotion";

/// Stands in each folder that is to become live, with the plan's id: so it is known at any time which of
/// them are.
pub(super) const TOKEN: &str = ".promoted";

/// Which way sets are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The draft becomes live.
    Promote,
    /// The former set becomes live again.
    Rollback,
}

/// What is going to be moved.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) direction: Direction,
    /// The folders of the set that becomes live.
    pub(super) folders: Vec<String>,
    /// Whether what was live gets the place that it has after such a change, or stays where the set was.
    pub(super) keeps: bool,
}

/// The folders that a set may have.
const NAMES: [&str; 2] = ["clients", "tags"];

impl Plan {
    /// What is to be done now.
    pub(super) fn of(scripts: &Scripts, direction: Direction) -> io::Result<Self> {
        let set = match direction {
            Direction::Promote => scripts.draft.clone(),
            Direction::Rollback => former(scripts),
        };
        let folders: Vec<String> = NAMES
            .into_iter()
            .filter(|name| is_folder(&set.join(name)))
            .map(str::to_owned)
            .collect();
        if folders.is_empty() {
            let why = format!("{} has neither clients/ nor tags/", set.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        Ok(Self {
            id: id()?,
            direction,
            folders,
            keeps: direction == Direction::Promote || !is_folder(&scripts.draft),
        })
    }

    /// The one that was begun, if there is one.
    pub(super) fn read(scripts: &Scripts) -> io::Result<Option<Self>> {
        let text = match fs::read(file(scripts)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let plan = serde_json::from_slice(&text);
        plan.map(Some).map_err(|error| {
            let file = file(scripts);
            io::Error::other(format!("{} cannot be read: {error}", file.display()))
        })
    }

    /// Puts it on disk, as a whole or not at all.
    pub(super) fn write(&self, scripts: &Scripts) -> io::Result<()> {
        let (file, new) = (
            file(scripts),
            scripts.draft.with_file_name(".promotion.new"),
        );
        let mut written = File::create(&new)?;
        written.write_all(&serde_json::to_vec(self)?)?;
        written.sync_all()?;
        fs::rename(new, &file)?;
        sync_folder_of(&file)
    }

    /// The names of its folders.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let has = |name: &&'static str| self.folders.iter().any(|folder| folder == name);
        NAMES.into_iter().filter(has).collect()
    }
}

pub(super) fn file(scripts: &Scripts) -> PathBuf {
    scripts.draft.with_file_name(FILE)
}

/// Nobody else moves folders while this is held. Where folders cannot be locked, nobody is kept out.
pub(super) fn alone(scripts: &Scripts) -> io::Result<Option<File>> {
    let parent = scripts.draft.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    let Ok(folder) = File::open(parent.unwrap_or(Path::new("."))) else {
        return Ok(None);
    };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(io::Error::other(
            "another `tagwerk promote` or `rollback` is under way",
        )),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// What was renamed in the folder of a file is on disk.
pub(super) fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Some systems cannot, and there it is no harm that people would see.
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        folder.sync_all().ok();
    }
    Ok(())
}

fn id() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(bytes))
}
