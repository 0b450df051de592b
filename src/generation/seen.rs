//! What was seen of the files when they were loaded. Whatever is written from then on, even while
//! they are being read, is a change.

use std::path::Path;

use super::files::fingerprint;
use super::load::Loaded;
use super::promote;
use super::stamp::Stamp;
use crate::config::{Config, Problems};

/// The files of a configuration and of the folders that it names.
pub(super) struct Seen {
    /// How they looked.
    pub(super) stamp: Stamp,
    /// A hash of what was in them.
    pub(super) sources: String,
}

impl Seen {
    pub(super) fn of(config_file: &Path, config: &Config) -> Self {
        // The stamp first: what is written in between makes it differ from the next one.
        let stamp = Stamp::of_set(config_file, config);
        let mut sources = fingerprint(Some(config_file), &folders(config));
        if promote::is_under_way(&config.scripts) {
            sources.push_str(" on the move");
        }
        Self { stamp, sources }
    }
}

/// The folders whose change makes a new generation.
pub(super) fn folders(config: &Config) -> [&Path; 6] {
    let scripts = &config.scripts;
    [
        &scripts.clients,
        &scripts.tags,
        &scripts.shared,
        &scripts.tables,
        &scripts.transforms,
        &scripts.draft,
    ]
}

/// How often files are loaded anew because they changed meanwhile.
const ATTEMPTS: usize = 3;

/// Loads files that did not change while they were read. If they never come to rest, what was
/// loaded last, with what was seen before: then the next look finds a change.
pub(super) fn at_rest(
    config_file: &Path,
    config: &Config,
    load: impl Fn() -> Result<Loaded, Problems>,
) -> (Result<Loaded, Problems>, Seen) {
    let mut config = config.clone();
    let mut attempt = 1;
    loop {
        let seen = Seen::of(config_file, &config);
        let loaded = load();
        if let Ok(loaded) = &loaded
            && loaded.live.config.scripts != config.scripts
        {
            config = (*loaded.live.config).clone(); // it names other folders now
        } else if Stamp::of_set(config_file, &config) == seen.stamp {
            return (loaded, seen);
        }
        if attempt == ATTEMPTS {
            return (loaded, seen);
        }
        attempt += 1;
    }
}
