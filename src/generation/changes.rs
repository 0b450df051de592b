//! Notices that any file below some folders was saved: for commands that run again then. What the
//! server itself watches is `watch`'s.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Files must look the same for so long: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// How often everything is looked at without being told to.
const RESCAN: Duration = Duration::from_secs(2);

/// Files that are looked at; a folder with more is not one of scripts.
const MOST_FILES: usize = 20_000;

/// Folders whose content is no work of the user's.
const LEFT_OUT: [&str; 4] = ["data", "target", "node_modules", ".git"];

/// The folders, and how they looked.
pub struct Changes {
    folders: Vec<PathBuf>,
    touched: Arc<Notify>,
    seen: u64,
    /// Watches for as long as it is there.
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    /// Looks at the folders, and all that is below them.
    pub fn of(folders: Vec<PathBuf>) -> Self {
        let touched = Arc::new(Notify::new());
        let told = touched.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if !matches!(&event, Ok(event) if event.kind.is_access()) {
                told.notify_one();
            }
        });
        let mut watcher = watcher.ok();
        for folder in &folders {
            if let Some(watcher) = &mut watcher {
                watcher.watch(folder, RecursiveMode::Recursive).ok(); // else looked at every RESCAN
            }
        }
        Self {
            seen: look(&folders),
            folders,
            touched,
            _watcher: watcher,
        }
    }

    /// Waits for a change, and for the files to come to rest.
    pub async fn next(&mut self) {
        loop {
            timeout(RESCAN, self.touched.notified()).await.ok();
            let mut now = look(&self.folders);
            if now == self.seen {
                continue;
            }
            loop {
                sleep(QUIET).await;
                let then = std::mem::replace(&mut now, look(&self.folders));
                if then == now {
                    self.seen = now;
                    return;
                }
            }
        }
    }
}

/// A number that is another one when a file was written, came or went.
fn look(folders: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut left = MOST_FILES;
    for folder in folders {
        look_below(folder, &mut hasher, &mut left);
    }
    hasher.finish()
}

fn look_below(path: &Path, hasher: &mut DefaultHasher, left: &mut usize) {
    let Ok(found) = std::fs::metadata(path) else {
        return;
    };
    *left = left.saturating_sub(1);
    if !found.is_dir() {
        (path, found.modified().ok(), found.len()).hash(hasher);
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        return;
    };
    let is_work = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        !is_link && !LEFT_OUT.iter().any(|out| name == *out)
    };
    let mut entries: Vec<PathBuf> = entries
        .flatten()
        .filter(is_work)
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for entry in entries {
        if *left == 0 {
            return;
        }
        look_below(&entry, hasher, left);
    }
}
