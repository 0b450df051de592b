//! What the files of a set look like from outside: which there are, when they were written and how
//! large they are. It costs a `stat` a file, so that looking every two seconds is nearly free;
//! what is in the files is read only when this changed.

use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::seen::folders;
use super::{files, promote};
use crate::config::Config;

/// A file that was emptied less than this ago is one that an editor is about to fill.
const BEING_WRITTEN: Duration = Duration::from_secs(1);

/// Clocks of file systems are coarse: two writes within a few milliseconds can look the same. What
/// was written less than this before it was looked at is read again.
const COARSE: Duration = Duration::from_secs(1);

/// How files looked at one moment. Equal stamps mean that they looked the same.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    hash: u64,
    is_half_written: bool,
    is_fresh: bool,
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Stamp {
    /// Of all files of a set. While folders are being moved it is half written.
    pub(super) fn of_set(config_file: &Path, config: &Config) -> Self {
        let stamp = Self::of(config_file, &folders(config));
        let is_moved = promote::is_under_way(&config.scripts);
        Self {
            hash: stamp.hash ^ u64::from(is_moved),
            is_half_written: stamp.is_half_written || is_moved,
            ..stamp
        }
    }

    fn of(config: &Path, folders: &[&Path]) -> Self {
        let mut look = Look {
            now: SystemTime::now(),
            hasher: DefaultHasher::new(),
            is_half_written: false,
            is_fresh: false,
        };
        look.at(config);
        for folder in folders {
            folder.hash(&mut look.hasher);
            files::walk(folder, &mut |file| look.at(file));
        }
        Self {
            hash: look.hasher.finish(),
            is_half_written: look.is_half_written,
            is_fresh: look.is_fresh,
        }
    }

    /// True if a file is empty that was something a moment ago.
    pub(super) fn is_half_written(&self) -> bool {
        self.is_half_written
    }

    /// True if a file was written so shortly before that a later write could look the same.
    pub(super) fn is_fresh(&self) -> bool {
        self.is_fresh
    }
}

struct Look {
    now: SystemTime,
    hasher: DefaultHasher,
    is_half_written: bool,
    is_fresh: bool,
}

impl Look {
    fn at(&mut self, file: &Path) {
        file.hash(&mut self.hasher);
        let Ok(found) = fs::metadata(file) else {
            return "unreadable".hash(&mut self.hasher);
        };
        let modified = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        (modified, found.len(), inode(&found)).hash(&mut self.hasher);
        // A time in the future counts as just now.
        let age = self.now.duration_since(modified).unwrap_or_default();
        self.is_half_written |= found.len() == 0 && age < BEING_WRITTEN;
        self.is_fresh |= age < COARSE;
    }
}

/// A file that another one was renamed over can have the same time and size.
#[cfg(unix)]
fn inode(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.ino(), found.dev())
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    fn stamp(folder: &TempDir) -> Stamp {
        Stamp::of(&folder.path().join("tagwerk.toml"), &[folder.path()])
    }

    fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn age(file: &Path, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        File::options()
            .append(true)
            .open(file)
            .unwrap()
            .set_modified(then)
            .unwrap();
    }

    #[test]
    fn whatever_happens_to_a_file_shows() {
        let folder = tempfile::tempdir().unwrap();
        let file = write(&folder, "tag.rhai", "1");
        let changes: [(&str, &dyn Fn()); 6] = [
            ("longer", &|| drop(write(&folder, "tag.rhai", "12"))),
            ("older", &|| age(&file, 100)),
            ("another file under its name", &|| {
                let other = write(&folder, "other.tmp", "12");
                age(&other, 100);
                fs::rename(other, &file).unwrap();
            }),
            ("a new file", &|| drop(write(&folder, "new.rhai", ""))),
            ("renamed", &|| {
                fs::rename(&file, folder.path().join("b.rhai")).unwrap()
            }),
            ("a configuration", &|| {
                drop(write(&folder, "tagwerk.toml", ""))
            }),
        ];
        for (what, change) in changes {
            let before = stamp(&folder);
            assert_eq!(before, stamp(&folder), "before {what}");
            change();
            assert_ne!(before, stamp(&folder), "{what}");
        }
        let before = stamp(&folder);
        write(&folder, "notes.txt", "no script");
        assert_eq!(before, stamp(&folder));
    }

    #[test]
    fn an_empty_file_is_half_written_for_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let file = write(&folder, "tag.rhai", "");
        assert!(stamp(&folder).is_half_written());
        age(&file, 2);
        assert!(!stamp(&folder).is_half_written());
        write(&folder, "tag.rhai", "1");
        assert!(!stamp(&folder).is_half_written());
    }

    #[test]
    fn what_was_written_just_now_is_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let file = write(&folder, "tag.rhai", "1");
        assert!(stamp(&folder).is_fresh());
        age(&file, 2);
        assert!(!stamp(&folder).is_fresh());
    }
}
