//! The generation that is live now, and how it is replaced: whole and atomically, or not at all.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;
use tracing::{info, warn};

use super::Generation;
use super::load::{Loaded, load, sources};
use crate::config::{Environment, Problems};

/// The live set, shared by all who handle requests. Take one snapshot a request.
pub struct Live {
    config_file: PathBuf,
    environment: Box<dyn Environment + Send + Sync>,
    current: ArcSwap<Generation>,
    draft: ArcSwapOption<Generation>,
    last: Mutex<Last>,
    changed: watch::Sender<u64>,
}

/// The newest attempt to load.
#[derive(Default)]
struct Last {
    sources: String,
    problems: Problems,
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
        let loaded = load(&config_file, &*environment)?;
        let sources = sources(&config_file, &loaded.live.config);
        warn_of_draft(&loaded.draft_problems);
        Ok(Self {
            config_file,
            environment,
            current: ArcSwap::from_pointee(loaded.live),
            draft: ArcSwapOption::from(loaded.draft.map(Arc::new)),
            last: Mutex::new(Last {
                sources,
                problems: Problems::default(),
            }),
            changed: watch::Sender::new(0),
        })
    }

    /// The set to handle a request or an event with, from its beginning to its end.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// The draft set, else the live one: what preview requests run through.
    pub fn draft_or_current(&self) -> Arc<Generation> {
        self.draft.load_full().unwrap_or_else(|| self.current())
    }

    /// Tells of each new generation.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What is wrong with the files as they are now; empty if they are what is live.
    pub fn problems(&self) -> Problems {
        self.last().problems.clone()
    }

    /// Loads the files if they changed since the last time. Blocks for as long as compiling takes.
    pub fn reload(&self) -> Reload {
        let mut last = self.last();
        let now = sources(&self.config_file, &self.current().config);
        if now == last.sources {
            return Reload::Unchanged;
        }
        let begun = Instant::now();
        match load(&self.config_file, &*self.environment) {
            Ok(loaded) => {
                *last = Last {
                    sources: now,
                    problems: Problems::default(),
                };
                Reload::Live(self.replace(loaded, begun))
            }
            Err(problems) => {
                warn!("the changed files are not live, the set before them stays:\n{problems}");
                *last = Last {
                    sources: now,
                    problems: problems.clone(),
                };
                Reload::Refused(problems)
            }
        }
    }

    fn replace(&self, loaded: Loaded, begun: Instant) -> Arc<str> {
        let before = self.current();
        let id = loaded.live.id.clone();
        warn_of_draft(&loaded.draft_problems);
        warn_of_restart(&before, &loaded.live);
        let (clients, tags) = (loaded.live.clients.len(), loaded.live.tags.len());
        self.draft.store(loaded.draft.map(Arc::new));
        self.current.store(Arc::new(loaded.live));
        self.changed.send_modify(|count| *count += 1);
        let took = begun.elapsed();
        info!(generation = %id, clients, tags, ?took, "live");
        id
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
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
