//! Notices that files changed and has them loaded: the operating system's events first, a slow
//! look at everything as a net for what it misses (network folders, some containers, overflow).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Generation;
use super::live::{Live, Reload};

/// Files are left to settle so long after a change: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// A folder that never comes to rest is loaded after so long all the same.
const AT_MOST: Duration = Duration::from_secs(2);

/// How often everything is looked at without being told to.
const RESCAN: Duration = Duration::from_secs(2);

/// Reloads until stopped. `live` is replaced as a whole or stays.
pub async fn watch(live: Arc<Live>, config_file: PathBuf, stop: CancellationToken) {
    let touched = Arc::new(Notify::new());
    let mut eyes = Eyes::new(&touched);
    loop {
        eyes.look_at(&config_file, &live.current());
        tokio::select! {
            () = stop.cancelled() => return,
            () = touched.notified() => settle(&touched).await,
            () = sleep(RESCAN) => {}
        }
        let reloading = live.clone();
        let reload = tokio::task::spawn_blocking(move || reloading.reload()).await;
        if let Ok(Reload::Live(_)) = reload {
            eyes.forget(); // folders may be other ones now, under the same names
        }
    }
}

async fn settle(touched: &Notify) {
    let latest = Instant::now() + AT_MOST;
    let quiet = async { while timeout(QUIET, touched.notified()).await.is_ok() {} };
    tokio::select! {
        () = quiet => {}
        () = sleep_until(latest) => {}
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

    /// Watches all folders of the set that are there now, and the ones they lie in, to see a folder
    /// being replaced.
    fn look_at(&mut self, config_file: &Path, generation: &Generation) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let scripts = &generation.config.scripts;
        let base = config_file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let folders = [
            &scripts.clients,
            &scripts.tags,
            &scripts.shared,
            &scripts.draft,
        ];
        let parents = folders.iter().filter_map(|folder| folder.parent());
        let shallow = parents
            .chain([base])
            .map(|folder| (folder, RecursiveMode::NonRecursive));
        let deep = folders
            .iter()
            .map(|folder| (folder.as_path(), RecursiveMode::Recursive));
        for (folder, mode) in shallow.chain(deep) {
            if self.watched.contains(folder)
                || !std::fs::metadata(folder).is_ok_and(|found| found.is_dir())
            {
                continue;
            }
            match watcher.watch(folder, mode) {
                Ok(()) => drop(self.watched.insert(folder.to_owned())),
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
            drop(watcher.unwatch(&folder)); // it may be gone
        }
    }
}
