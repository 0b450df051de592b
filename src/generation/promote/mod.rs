//! The draft set takes the place of the live one, and back. Folders change places by one call of the
//! system each, so that no moment has neither; a server that runs loads the result as a whole, once the
//! files are at rest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Scripts;

/// Where the set that was live before is kept, beside the draft.
pub const FORMER: &str = "former";

/// The folders of a set below the draft's, and where they are live.
fn folders(scripts: &Scripts) -> [(&'static str, &Path); 2] {
    [("clients", &scripts.clients), ("tags", &scripts.tags)]
}

/// The folder of the set that was live before.
pub fn former(scripts: &Scripts) -> PathBuf {
    scripts.draft.with_file_name(FORMER)
}

/// Puts the draft's folders in the place of the live ones; those become the former set, and what was
/// the former set is gone. Gives the names of the folders that were there.
///
/// # Errors
/// If a folder cannot be moved; then all is as it was.
pub fn promote(scripts: &Scripts) -> io::Result<Vec<&'static str>> {
    let swapped = swap(scripts, &scripts.draft)?;
    let (former, old) = (former(scripts), scripts.draft.with_file_name("former.old"));
    remove(&old)?;
    if is_folder(&former) {
        fs::rename(&former, &old)?;
    }
    fs::create_dir_all(&former)?;
    for name in &swapped {
        let was_live = scripts.draft.join(name);
        if is_folder(&was_live) {
            fs::rename(was_live, former.join(name))?;
        }
    }
    remove(&old)?;
    fs::remove_dir(&scripts.draft).ok(); // something else may be in it
    Ok(swapped)
}

/// Puts the former set in the place of the live one, which becomes the draft again; if there is a
/// draft by now, it stays in the former's place. Gives the names of the folders that were there.
///
/// # Errors
/// If a folder cannot be moved; then all is as it was.
pub fn rollback(scripts: &Scripts) -> io::Result<Vec<&'static str>> {
    let former = former(scripts);
    let swapped = swap(scripts, &former)?;
    if is_folder(&scripts.draft) {
        return Ok(swapped);
    }
    fs::create_dir_all(&scripts.draft)?;
    for name in &swapped {
        let was_live = former.join(name);
        if is_folder(&was_live) {
            fs::rename(was_live, scripts.draft.join(name))?;
        }
    }
    fs::remove_dir(&former).ok(); // something else may be in it
    Ok(swapped)
}

/// Changes the places of the folders of a set and of the live ones. If one cannot, those before it
/// change back.
fn swap(scripts: &Scripts, set: &Path) -> io::Result<Vec<&'static str>> {
    let mut swapped: Vec<(&'static str, &Path)> = Vec::new();
    for (name, live) in folders(scripts) {
        if !is_folder(&set.join(name)) {
            continue;
        }
        if let Err(error) = change_places(&set.join(name), live) {
            for (name, live) in swapped {
                change_places(&set.join(name), live)?;
            }
            return Err(named(error, live));
        }
        swapped.push((name, live));
    }
    if swapped.is_empty() {
        let why = format!("{} has neither clients/ nor tags/", set.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    Ok(swapped.into_iter().map(|(name, _)| name).collect())
}

fn change_places(one: &Path, other: &Path) -> io::Result<()> {
    if !is_folder(other) {
        return fs::rename(one, other);
    }
    match exchange(one, other) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => by_way_of_a_third(one, other),
        result => result,
    }
}

#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        // File systems that cannot say so in one of these ways.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        result => Ok(result?),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A moment without the live folder is one in which a server keeps the set that it has.
fn by_way_of_a_third(one: &Path, other: &Path) -> io::Result<()> {
    let aside = one.with_extension("aside");
    fs::rename(one, &aside)?;
    if let Err(error) = fs::rename(other, one) {
        fs::rename(&aside, one)?;
        return Err(error);
    }
    fs::rename(&aside, other)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(error, folder)),
        _ => Ok(()),
    }
}

fn named(error: io::Error, folder: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
}

fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Set(tempfile::TempDir);

    impl Set {
        fn new(files: &[(&str, &str)]) -> Self {
            let set = Self(tempfile::tempdir().unwrap());
            for (path, text) in files {
                let file = set.0.path().join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            set
        }

        fn scripts(&self) -> Scripts {
            let at = |name: &str| self.0.path().join(name);
            Scripts {
                clients: at("clients"),
                tags: at("tags"),
                draft: at("draft"),
                ..Scripts::default()
            }
        }

        fn has(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.0.path().join(path)).ok()
        }
    }

    #[test]
    fn the_draft_is_live_and_what_was_live_comes_back() {
        let set = Set::new(&[
            ("clients/a", "live"),
            ("tags/a", "live"),
            ("draft/clients/a", "draft"),
            ("draft/tags/a", "draft"),
        ]);
        assert_eq!(promote(&set.scripts()).unwrap(), ["clients", "tags"]);
        assert_eq!(set.has("tags/a").as_deref(), Some("draft"));
        assert_eq!(set.has("former/clients/a").as_deref(), Some("live"));
        assert_eq!(set.has("draft/tags/a"), None);
        assert!(!is_folder(&set.scripts().draft));
        assert_eq!(rollback(&set.scripts()).unwrap(), ["clients", "tags"]);
        assert_eq!(set.has("clients/a").as_deref(), Some("live"));
        assert_eq!(set.has("draft/clients/a").as_deref(), Some("draft"));
        assert!(!is_folder(&former(&set.scripts())));
    }

    #[test]
    fn only_the_newest_former_set_is_kept() {
        let set = Set::new(&[
            ("tags/a", "1"),
            ("draft/tags/a", "2"),
            ("former/tags/a", "0"),
        ]);
        assert_eq!(promote(&set.scripts()).unwrap(), ["tags"]);
        assert_eq!(set.has("former/tags/a").as_deref(), Some("1"));
        assert!(!is_folder(
            &set.scripts().draft.with_file_name("former.old")
        ));
    }

    #[test]
    fn a_rollback_beside_a_new_draft_can_be_taken_back() {
        let set = Set::new(&[
            ("tags/a", "2"),
            ("former/tags/a", "1"),
            ("draft/tags/a", "3"),
        ]);
        for live in ["1", "2"] {
            rollback(&set.scripts()).unwrap();
            assert_eq!(set.has("tags/a").as_deref(), Some(live));
            assert_eq!(set.has("draft/tags/a").as_deref(), Some("3"));
        }
    }

    #[test]
    fn without_a_set_nothing_happens() {
        let set = Set::new(&[("tags/a", "1"), ("draft/notes.txt", "")]);
        assert!(promote(&set.scripts()).is_err() && rollback(&set.scripts()).is_err());
        assert_eq!(set.has("tags/a").as_deref(), Some("1"));
    }
}
