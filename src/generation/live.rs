//! The generation that is live now, and how it is replaced: whole and atomically, or not at all.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;
use tracing::{info, warn};

use super::Generation;
use super::load::{Loaded, load};
use super::promote;
use super::seen::{Seen, at_rest};
use super::stamp::Stamp;
use crate::clock::{Clock, Millis};
use crate::config::{self, Environment, Problem, Problems};

/// The live set, shared by all who handle requests. Take one snapshot a request.
pub struct Live {
    config_file: PathBuf,
    environment: Box<dyn Environment + Send + Sync>,
    current: ArcSwap<Generation>,
    draft: ArcSwapOption<Generation>,
    last: Mutex<Last>,
    changed: watch::Sender<u64>,
    tried: watch::Sender<u64>,
}

/// The newest attempt to load.
struct Last {
    seen: Seen,
    problems: Problems,
    draft_problems: Problems,
    /// Since when the current generation is live.
    live_since: Millis,
}

/// What became of changed files since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// They went live.
    pub live: u64,
    /// They do not make a set.
    pub refused: u64,
}

/// What became of a reload.
#[derive(Clone, Debug)]
pub enum Reload {
    /// Nothing had changed.
    Unchanged,
    /// This generation is live now.
    Live(Arc<str>),
    /// The files do not make a set; the one before stays.
    Refused(Problems),
}

impl Live {
    /// Loads the first generation.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn start(
        config_file: PathBuf,
        environment: Box<dyn Environment + Send + Sync>,
    ) -> Result<Self, Problems> {
        let config = config::load(&config_file, &*environment).unwrap_or_default();
        match promote::finish(&config.scripts) {
            Ok(None) => {}
            Ok(Some(direction)) => warn!(?direction, "finished what was interrupted"),
            Err(error) => warn!(%error, "what was interrupted could not be finished"),
        }
        let (loaded, seen) = at_rest(&config_file, &config, || load(&config_file, &*environment));
        let loaded = loaded?;
        warn_of_draft(&loaded.draft_problems);
        warn_of(&loaded.live.warnings, None);
        let last = Last {
            seen,
            problems: Problems::default(),
            draft_problems: loaded.draft_problems,
            live_since: Clock::System.now(),
        };
        Ok(Self {
            config_file,
            environment,
            current: ArcSwap::from_pointee(loaded.live),
            draft: ArcSwapOption::from(loaded.draft.map(Arc::new)),
            last: Mutex::new(last),
            changed: watch::Sender::new(0),
            tried: watch::Sender::new(0),
        })
    }

    /// The set to handle a request or an event with, from its beginning to its end.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// The file that the configuration is read from.
    pub fn config_file(&self) -> &Path {
        &self.config_file
    }

    /// The draft set, else the live one: what preview requests run through.
    pub fn draft_or_current(&self) -> Arc<Generation> {
        self.draft.load_full().unwrap_or_else(|| self.current())
    }

    /// True if there is a draft set that compiled.
    pub fn has_draft(&self) -> bool {
        self.draft.load().is_some()
    }

    /// Tells of each new generation.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Tells of each attempt to load changed files, also of those that were refused.
    pub fn subscribe_attempts(&self) -> watch::Receiver<u64> {
        self.tried.subscribe()
    }

    /// How often changed files went live, and how often they did not.
    pub fn reloads(&self) -> Reloads {
        let (tried, live) = (*self.tried.borrow(), *self.changed.borrow());
        Reloads {
            live,
            refused: tried.saturating_sub(live),
        }
    }

    /// Since when the current generation is live.
    pub fn live_since(&self) -> Millis {
        self.last().live_since
    }

    /// What is wrong with the files as they are now; empty if they are what is live.
    pub fn problems(&self) -> Problems {
        self.last().problems.clone()
    }

    /// What is wrong with the draft set; it never stops the live one.
    pub fn draft_problems(&self) -> Problems {
        self.last().draft_problems.clone()
    }

    /// Loads the files if what is in them changed since the last time. Blocks for as long as
    /// compiling takes.
    pub fn reload(&self) -> Reload {
        let mut last = self.last();
        let now = Seen::of(&self.config_file, &self.current().config);
        if now.sources == last.seen.sources {
            last.seen = now;
            return Reload::Unchanged;
        }
        let begun = Instant::now();
        let (loaded, seen) = at_rest(&self.config_file, &self.current().config, || self.load());
        last.seen = seen;
        let reload = match loaded {
            Ok(loaded) => {
                last.problems = Problems::default();
                last.live_since = Clock::System.now();
                last.draft_problems = loaded.draft_problems.clone();
                Reload::Live(self.replace(loaded, begun))
            }
            Err(problems) => {
                warn!("the changed files are not live, the set before them stays:\n{problems}");
                last.problems = problems.clone();
                Reload::Refused(problems)
            }
        };
        drop(last);
        self.tried.send_modify(|count| *count += 1);
        reload
    }

    /// How the files look now.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of_set(&self.config_file, &self.current().config)
    }

    /// True if files that look like this are those that were tried last.
    pub(super) fn has_tried(&self, stamp: &Stamp) -> bool {
        let last = self.last();
        last.seen.stamp == *stamp && !last.seen.stamp.is_fresh()
    }

    fn load(&self) -> Result<Loaded, Problems> {
        let loaded = load(&self.config_file, &*self.environment)?;
        let gone = gone(&self.current(), &loaded.live);
        gone.into_result(loaded)
    }

    fn replace(&self, loaded: Loaded, begun: Instant) -> Arc<str> {
        let before = self.current();
        let id = loaded.live.id.clone();
        warn_of_draft(&loaded.draft_problems);
        warn_of(&loaded.live.warnings, Some(&before.warnings));
        warn_of_restart(&before, &loaded.live);
        let (clients, tags) = (loaded.live.clients.len(), loaded.live.tags.len());
        self.draft.store(loaded.draft.map(Arc::new));
        self.current.store(Arc::new(loaded.live));
        self.changed.send_modify(|count| *count += 1);
        let took = begun.elapsed();
        info!(generation = %id, clients, tags, ?took, "live");
        id
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A whole folder that is missing is a mount that failed or a deployment that is half done. To go
/// on without its scripts would drop events that nobody meant to drop.
fn gone(before: &Generation, after: &Generation) -> Problems {
    let (had, has) = (&before.config.scripts, &after.config.scripts);
    let folders = [
        (!before.clients.is_empty(), &had.clients, &has.clients),
        (!before.tags.is_empty(), &had.tags, &has.tags),
    ];
    let is_gone = |had_scripts: bool, folder: &Path| {
        had_scripts && !std::fs::metadata(folder).is_ok_and(|found| found.is_dir())
    };
    let gone = folders
        .into_iter()
        .filter(|(had_scripts, _, has)| is_gone(*had_scripts, has));
    gone.map(|(_, had, has)| {
        let hint = if had == has {
            "its scripts stay live; to do without them, leave the folder empty"
        } else {
            "the configuration names another folder than before; is it misspelt?"
        };
        let shown = has.strip_prefix(&after.config.base).unwrap_or(has);
        Problem::new(shown, "the folder is gone").with_hint(hint.to_owned())
    })
    .collect()
}

/// What was not said before.
fn warn_of(warnings: &Problems, before: Option<&Problems>) {
    let is_new =
        |warning: &&Problem| before.is_none_or(|before| before.iter().all(|old| old != *warning));
    for warning in warnings.iter().filter(is_new) {
        warn!("{warning}");
    }
}

fn warn_of_draft(problems: &Problems) {
    if !problems.is_empty() {
        warn!("the draft set is not used:\n{problems}");
    }
}

/// Listeners and the journal are opened once.
fn warn_of_restart(before: &Generation, after: &Generation) {
    let (before, after) = (&before.config, &after.config);
    let sections = [
        (
            "[server] listen",
            before.server.listen != after.server.listen,
        ),
        (
            "[server] trusted_proxies",
            before.server.trusted_proxies != after.server.trusted_proxies,
        ),
        ("[admin]", before.admin != after.admin),
        ("[data]", before.data != after.data),
        ("[journal]", before.journal != after.journal),
    ];
    for (section, _) in sections.iter().filter(|(_, changed)| *changed) {
        warn!(section, "changed; this takes effect at the next start");
    }
}
