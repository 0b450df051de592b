//! Notices that files changed and has them loaded: the operating system's events first, a slow
//! look at everything as a net for what they miss (network folders, some containers, links that
//! lead elsewhere, overflow).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Generation;
use super::live::Live;
use super::stamp::Stamp;

/// Files must look the same for so long before they are loaded: editors write a file in several
/// steps, and a deployment writes many.
const QUIET: Duration = Duration::from_millis(100);

/// Files that never come to rest are loaded after so long all the same.
const AT_MOST: Duration = Duration::from_secs(2);

/// How often everything is looked at without being told to.
const RESCAN: Duration = Duration::from_secs(2);

/// Reloads until stopped. `live` is replaced as a whole or stays.
pub async fn watch(live: Arc<Live>, stop: CancellationToken) {
    let touched = Arc::new(Notify::new());
    let mut eyes = Eyes::new(&touched);
    loop {
        // First watched, then looked at: what is written in between is seen by one of the two.
        eyes.look_at(live.config_file(), &live.current());
        let load = async {
            if settle(&live).await {
                reload(&live).await;
            }
        };
        if stop.run_until_cancelled(load).await.is_none() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            // What is watched may have been moved away or replaced under the same name.
            () = touched.notified() => eyes.forget(),
            () = sleep(RESCAN) => {}
        }
    }
}

/// Waits until the files are at rest. False if they are those that were loaded last.
async fn settle(live: &Arc<Live>) -> bool {
    let latest = Instant::now() + AT_MOST;
    let mut seen = look(live).await;
    if live.has_tried(&seen) {
        return false;
    }
    loop {
        sleep(QUIET).await;
        let now = look(live).await;
        if now == seen && !now.is_half_written() || Instant::now() >= latest {
            return true;
        }
        seen = now;
    }
}

async fn look(live: &Arc<Live>) -> Stamp {
    let looking = live.clone();
    match spawn_blocking(move || looking.stamp()).await {
        Ok(stamp) => stamp,
        Err(_) => live.stamp(), // the runtime is shutting down
    }
}

async fn reload(live: &Arc<Live>) {
    let reloading = live.clone();
    if let Err(error) = spawn_blocking(move || reloading.reload()).await {
        warn!(%error, "the changed files could not be loaded");
    }
}

/// The operating system's watcher, and what it watches.
struct Eyes {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl Eyes {
    fn new(touched: &Arc<Notify>) -> Self {
        let touched = touched.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Our own reading of the files is no change.
            if !matches!(&event, Ok(event) if event.kind.is_access()) {
                touched.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(
                |error| warn!(%error, "files are not watched; changes are found every {RESCAN:?}"),
            )
            .ok();
        Self {
            watcher,
            watched: BTreeSet::new(),
        }
    }

    /// Watches what is there of the set and is not watched yet.
    fn look_at(&mut self, config_file: &Path, generation: &Generation) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for (folder, mode) in places(config_file, generation) {
            let is_there = std::fs::metadata(&folder).is_ok_and(|found| found.is_dir());
            if !is_there || self.watched.contains(&folder) {
                continue;
            }
            match watcher.watch(&folder, mode) {
                Ok(()) => drop(self.watched.insert(folder)),
                Err(error) => {
                    debug!(%error, folder = %folder.display(), "cannot be watched; looked at every {RESCAN:?}")
                }
            }
        }
    }

    fn forget(&mut self) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for folder in std::mem::take(&mut self.watched) {
            watcher.unwatch(&folder).ok(); // it may be gone
        }
    }
}

/// The folders of scripts with all that is in them, and the ones that these and the configuration
/// lie in, to see a folder come, go or be replaced. If the latter is a link (`current`), the one
/// that the link lies in, too.
fn places(config_file: &Path, generation: &Generation) -> Vec<(PathBuf, RecursiveMode)> {
    let config = &generation.config;
    let scripts = &config.scripts;
    let folders = [
        &scripts.clients,
        &scripts.tags,
        &scripts.shared,
        &scripts.tables,
        &scripts.transforms,
        &scripts.draft,
    ];
    let home = match config_file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let is_link = home
        .symlink_metadata()
        .is_ok_and(|found| found.is_symlink());
    let above = is_link.then(|| config.base.parent()).flatten();
    let shallow = folders
        .iter()
        .filter_map(|folder| folder.parent())
        .chain([home])
        .chain(above);
    let mut places: Vec<_> = shallow
        .map(|folder| (folder.to_owned(), RecursiveMode::NonRecursive))
        .collect();
    places.extend(folders.map(|folder| (folder.clone(), RecursiveMode::Recursive)));
    places
}
