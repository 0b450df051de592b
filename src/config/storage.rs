//! What is on disk: `[data]`, `[scripts]` and `[journal]`. Nothing is opened or created here.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::section::Section;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Nothing need be kept that is done; at most what a table of settled events should ever grow to.
const RETENTION_LIMITS: RangeInclusive<Duration> = Duration::ZERO..=DAY.saturating_mul(366);

/// Below 256 KiB the journal would refuse its first events; 1 TiB is beyond any disk it was tried on.
const MAX_SIZE_LIMITS: RangeInclusive<u64> = 256 << 10..=1 << 40;

/// The program's own folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Journal, admin token and lock. Absolute after `config::load`.
    pub dir: PathBuf,
}

/// The folders with the user's scripts; absolute after `config::load`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripts {
    /// Clients, one script each.
    pub clients: PathBuf,
    /// Tags, one script each.
    pub tags: PathBuf,
    /// Modules for `import`.
    pub shared: PathBuf,
    /// Tables to look things up in.
    pub tables: PathBuf,
    /// Transformations of event data, one script each.
    pub transforms: PathBuf,
    /// A second set, `clients/` and `tags/` below it, for preview only; it need not be there.
    pub draft: PathBuf,
}

/// Where events and deliveries are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What keeps them.
    pub kind: JournalKind,
    /// How long an event is kept after its last delivery is settled.
    pub retention: Duration,
    /// How long a dead letter is kept.
    pub dead_letter_retention: Duration,
    /// The size on disk, in bytes, at which new events are refused.
    pub max_size: u64,
}

/// The kinds of journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKind {
    /// A SQLite database in the data folder.
    Sqlite,
    /// The same in a temporary folder: all is lost when the process stops.
    Memory,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: "data".into() }
    }
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            clients: "clients".into(),
            tags: "tags".into(),
            shared: "shared".into(),
            tables: "tables".into(),
            transforms: "transforms".into(),
            draft: "draft".into(),
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            kind: JournalKind::Sqlite,
            retention: DAY,
            dead_letter_retention: DAY.saturating_mul(14),
            max_size: 10 << 30,
        }
    }
}

impl Data {
    pub(super) fn read(section: &mut Section, base: &Path) -> Self {
        Self {
            dir: base.join(section.path("dir").unwrap_or(Self::default().dir)),
        }
    }
}

impl Scripts {
    pub(super) fn read(section: &mut Section, base: &Path) -> Self {
        let default = Self::default();
        let mut folder = |key, default| base.join(section.path(key).unwrap_or(default));
        Self {
            clients: folder("clients", default.clients),
            tags: folder("tags", default.tags),
            shared: folder("shared", default.shared),
            tables: folder("tables", default.tables),
            transforms: folder("transforms", default.transforms),
            draft: folder("draft", default.draft),
        }
    }
}

impl Journal {
    pub(super) fn read(section: &mut Section) -> Self {
        let default = Self::default();
        Self {
            kind: kind(section).unwrap_or(default.kind),
            retention: section
                .duration_in("retention", RETENTION_LIMITS)
                .unwrap_or(default.retention),
            dead_letter_retention: section
                .duration_in("dead_letter_retention", RETENTION_LIMITS)
                .unwrap_or(default.dead_letter_retention),
            max_size: section
                .size_in("max_size", MAX_SIZE_LIMITS)
                .unwrap_or(default.max_size),
        }
    }
}

fn kind(section: &mut Section) -> Option<JournalKind> {
    match section.one_of("kind", &["sqlite", "memory", "jetstream"])? {
        "memory" => {
            let hint = "write kind = \"sqlite\" where events matter".to_owned();
            let message = "with kind = \"memory\" all events are lost when the process stops";
            section.warning("kind", message, Some(hint));
            Some(JournalKind::Memory)
        }
        "jetstream" => {
            let hint = "write kind = \"sqlite\"".to_owned();
            let message = "kind = \"jetstream\" is not available in this build yet";
            section.problem("kind", message, Some(hint));
            None
        }
        _ => Some(JournalKind::Sqlite),
    }
}
