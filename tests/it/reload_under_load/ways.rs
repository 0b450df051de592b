//! The ways in which editors, version control, orchestrators and accidents change a file. Each of
//! them ends with a set whose number can be seen from outside.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::sleep;

use super::{client, module};
use crate::support::working_set::WorkingSet;

/// Longer than the watcher waits for a folder to come to rest: what stands there then is loaded.
const LONGER_THAN_QUIET: Duration = Duration::from_millis(200);

const VERSION: &str = "shared/version.rhai";

/// How a file is changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    InPlace,
    /// Truncated and half written, and the rest later.
    InTwoSteps,
    /// Another file takes its name.
    Rename,
    /// Moved aside, written anew, the old one removed.
    LikeVim,
    Sed,
    /// A thousand other files come or go with it.
    LikeGit,
    DeletedAndBack,
    /// The whole folder is replaced.
    FolderRenamed,
    /// Kubernetes' way: a link to the folder in which everything is.
    LinkSwapped,
    /// Nobody may read it, for a while.
    Unreadable,
    /// Empty, for a while.
    Empty,
    /// Written fifty times within some milliseconds.
    Often,
}

impl Way {
    pub(super) const ALL: [Self; 12] = [
        Self::InPlace,
        Self::InTwoSteps,
        Self::Rename,
        Self::LikeVim,
        Self::Sed,
        Self::LikeGit,
        Self::DeletedAndBack,
        Self::FolderRenamed,
        Self::LinkSwapped,
        Self::Unreadable,
        Self::Empty,
        Self::Often,
    ];

    /// Makes `number` the number of the set.
    pub(super) async fn save(self, set: &WorkingSet, number: usize) {
        let (file, text) = (set.file(VERSION), module(number));
        let beside = set.file("shared/version.rhai.tmp");
        match self {
            Self::InPlace => fs::write(file, text).unwrap(),
            Self::InTwoSteps => in_two_steps(&file, &text).await,
            Self::Rename => {
                fs::write(&beside, text).unwrap();
                fs::rename(beside, file).unwrap();
            }
            Self::LikeVim => {
                fs::rename(&file, &beside).unwrap();
                fs::write(file, text).unwrap();
                fs::remove_file(beside).unwrap();
            }
            Self::Sed => sed(&file, number).await,
            Self::LikeGit => like_git(set, &file, &text),
            Self::DeletedAndBack => {
                fs::remove_file(&file).unwrap();
                sleep(LONGER_THAN_QUIET).await;
                fs::write(file, text).unwrap();
            }
            Self::FolderRenamed => {
                fill(set, "shared.new", number);
                fs::rename(set.file("shared"), set.file("shared.old")).unwrap();
                fs::rename(set.file("shared.new"), set.file("shared")).unwrap();
                fs::remove_dir_all(set.file("shared.old")).unwrap();
            }
            Self::LinkSwapped => swap_link(&set.file("shared"), number),
            Self::Unreadable => {
                fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
                sleep(LONGER_THAN_QUIET).await;
                fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
                fs::write(file, text).unwrap();
            }
            Self::Empty => {
                set.write("clients/order.rhai", "");
                sleep(LONGER_THAN_QUIET).await;
                set.write("clients/order.rhai", client(number));
            }
            Self::Often => {
                for _ in 0..50 {
                    fs::write(&file, &text).unwrap();
                }
            }
        }
    }
}

/// What the ways find at the beginning.
pub(super) fn lay_out(set: &WorkingSet) {
    fill(set, "shared", 0);
}

/// A whole folder of shared modules.
fn fill(set: &WorkingSet, folder: &str, number: usize) {
    set.write(&format!("{folder}/version.rhai"), module(number));
    set.write(&format!("{folder}/..{number}/mounted.rhai"), module(number));
    let folder = set.file(folder);
    symlink(format!("..{number}"), folder.join("..data")).unwrap();
    symlink("..data/mounted.rhai", folder.join("mounted.rhai")).unwrap();
}

fn swap_link(shared: &Path, number: usize) {
    let before = fs::read_link(shared.join("..data")).unwrap();
    let after = format!("..{number}");
    fs::create_dir(shared.join(&after)).unwrap();
    fs::write(shared.join(&after).join("mounted.rhai"), module(number)).unwrap();
    symlink(&after, shared.join("..data_tmp")).unwrap();
    fs::rename(shared.join("..data_tmp"), shared.join("..data")).unwrap();
    fs::remove_dir_all(shared.join(before)).unwrap();
}

async fn in_two_steps(file: &Path, text: &str) {
    let (first, second) = text.split_at(text.len() / 2);
    let mut open = File::create(file).unwrap();
    open.write_all(first.as_bytes()).unwrap();
    sleep(LONGER_THAN_QUIET).await;
    open.write_all(second.as_bytes()).unwrap();
}

async fn sed(file: &Path, number: usize) {
    let edit = format!("s/{{ .* }}/{{ {number} }}/");
    let edited = Command::new("sed").arg("-i").arg(edit).arg(file).status();
    assert!(edited.await.unwrap().success());
}

fn like_git(set: &WorkingSet, file: &Path, text: &str) {
    let lot = set.file("shared/lot");
    if fs::remove_dir_all(&lot).is_err() {
        fs::create_dir(&lot).unwrap();
        for name in 0..1_000 {
            fs::write(lot.join(format!("{name}.rhai")), module(name)).unwrap();
        }
    }
    // git removes a file before it writes another version of it.
    fs::remove_file(file).unwrap();
    fs::write(file, text).unwrap();
}
