//! The draft set takes the place of the live one, and back. The folders of a set are moved one after the
//! other, so what is to be done is on disk before the first is: a plan that was interrupted is finished
//! by the next `promote` or `rollback`, or by the next server that starts, and while there is one, no
//! set is loaded. So a server never runs half of one.

mod moves;
mod plan;

use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Problem, Scripts};

use moves::Moves;
pub use plan::Direction;
use plan::Plan;

/// Where the set that was live before is kept, beside the draft.
pub const FORMER: &str = "former";

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
    change(scripts, Direction::Promote)
}

/// Puts the former set in the place of the live one, which becomes the draft again; if there is a
/// draft by now, it stays in the former's place. Gives the names of the folders that were there.
///
/// # Errors
/// If a folder cannot be moved; then all is as it was.
pub fn rollback(scripts: &Scripts) -> io::Result<Vec<&'static str>> {
    change(scripts, Direction::Rollback)
}

/// Finishes what was interrupted, if something was. Gives what it was.
///
/// # Errors
/// If a folder cannot be moved, or if somebody is at it.
pub fn finish(scripts: &Scripts) -> io::Result<Option<Direction>> {
    if !is_under_way(scripts) {
        return Ok(None);
    }
    let _alone = plan::alone(scripts)?;
    let Some(plan) = Plan::read(scripts)? else {
        return Ok(None); // whoever was at it is done
    };
    Moves::of(scripts, &plan, &|| {}).finish()?;
    Ok(Some(plan.direction))
}

/// True from the first move to the last, also if they were interrupted.
pub(super) fn is_under_way(scripts: &Scripts) -> bool {
    std::fs::metadata(plan::file(scripts)).is_ok()
}

/// Why no set can be loaded now, if so: its folders may be of two.
pub(super) fn under_way(scripts: &Scripts, base: &Path) -> Option<Problem> {
    let file = plan::file(scripts);
    let shown = file.strip_prefix(base).unwrap_or(&file);
    let message =
        "the draft set is just taking the place of the live one, or was interrupted at it";
    let hint = "`tagwerk promote` finishes what was interrupted; so does a server that starts";
    let problem = Problem::new(shown, message).of_kind("half-promoted");
    is_under_way(scripts).then(|| problem.with_hint(hint.to_owned()))
}

fn change(scripts: &Scripts, direction: Direction) -> io::Result<Vec<&'static str>> {
    change_watched(scripts, direction, &|| {})
}

/// `before_each` is called before each step that changes something on disk.
fn change_watched(
    scripts: &Scripts,
    direction: Direction,
    before_each: &dyn Fn(),
) -> io::Result<Vec<&'static str>> {
    let _alone = plan::alone(scripts)?;
    if Plan::read(scripts)?.is_some() {
        return Err(io::Error::other(
            "what was interrupted is to be finished first",
        ));
    }
    let plan = Plan::of(scripts, direction)?;
    let moves = Moves::of(scripts, &plan, before_each);
    moves.begin()?;
    moves.finish()?;
    Ok(plan.names())
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::cell::Cell;
    use std::fs;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::moves::is_folder;

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

    /// The files of a set, without its plan, and whether it has one.
    fn files(set: &Set) -> (Vec<(String, String)>, bool) {
        fn add(folder: &Path, base: &Path, found: &mut Vec<(String, String)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => add(&path, base, found),
                    false => found.push((
                        path.strip_prefix(base).unwrap().display().to_string(),
                        fs::read_to_string(&path).unwrap(),
                    )),
                }
            }
        }
        let mut found = Vec::new();
        add(set.0.path(), set.0.path(), &mut found);
        found.sort();
        let all = found.len();
        found.retain(|(name, _)| name != plan::FILE);
        let has_plan = found.len() < all;
        (found, has_plan)
    }

    /// Breaks off before each step in turn, by a panic, as nothing that would tidy up may run.
    fn broken_off_everywhere(
        direction: Direction,
        before: &[(&str, &str)],
        after: &[(&str, &str)],
    ) {
        let sorted = |files: &[(&str, &str)]| {
            let files = files
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_string()));
            let mut files: Vec<_> = files.collect();
            files.sort();
            files
        };
        let (before_sorted, after_sorted) = (sorted(before), sorted(after));
        let mut half = 0;
        for at in 0.. {
            let set = Set::new(before);
            let steps = Cell::new(0);
            let count = || {
                assert!(steps.get() < at, "broken off");
                steps.set(steps.get() + 1);
            };
            let change = || change_watched(&set.scripts(), direction, &count);
            let broken = catch_unwind(AssertUnwindSafe(change));
            let (files_now, has_plan) = files(&set);
            let scripts = set.scripts();
            assert_eq!(under_way(&scripts, set.0.path()).is_some(), has_plan);
            if broken.is_ok() {
                assert_eq!((files_now, has_plan), (after_sorted, false));
                assert!(half > 3, "only {half} breaks left a plan");
                return;
            }
            let finished = finish(&scripts).unwrap();
            match has_plan {
                true => {
                    half += 1;
                    assert_eq!(finished, Some(direction));
                    assert_eq!(
                        files(&set),
                        (after_sorted.clone(), false),
                        "broken off at {at}"
                    );
                }
                // Before the plan nothing has moved; after it all has.
                false => {
                    let (mut now, _) = files(&set);
                    now.retain(|(name, _)| !name.ends_with(plan::TOKEN));
                    assert!(
                        now == before_sorted || now == after_sorted,
                        "at {at}: {now:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_broken_off_is_finished() {
        broken_off_everywhere(
            Direction::Promote,
            &[
                ("clients/a", "live"),
                ("tags/a", "live"),
                ("draft/clients/a", "draft"),
                ("draft/tags/a", "draft"),
                ("draft/notes", "mine"),
                ("former/tags/a", "former"),
            ],
            &[
                ("clients/a", "draft"),
                ("tags/a", "draft"),
                ("former/clients/a", "live"),
                ("former/tags/a", "live"),
                ("draft/notes", "mine"),
            ],
        );
        broken_off_everywhere(
            Direction::Rollback,
            &[
                ("clients/a", "live"),
                ("tags/a", "live"),
                ("former/clients/a", "former"),
                ("former/tags/a", "former"),
            ],
            &[
                ("clients/a", "former"),
                ("tags/a", "former"),
                ("draft/clients/a", "live"),
                ("draft/tags/a", "live"),
            ],
        );
    }

    #[test]
    fn folders_that_cannot_change_places_stay() {
        let set = Set::new(&[
            ("clients/a", "live"),
            ("draft/clients/a", "draft"),
            ("draft/tags/a", "draft"),
        ]);
        // A file is where the folder of tags would go.
        fs::write(set.0.path().join("nowhere"), "").unwrap();
        let scripts = Scripts {
            tags: set.0.path().join("nowhere/tags"),
            ..set.scripts()
        };
        assert!(promote(&scripts).is_err());
        assert_eq!(set.has("clients/a").as_deref(), Some("live"));
        assert_eq!(set.has("draft/clients/a").as_deref(), Some("draft"));
        assert!(!files(&set).1);
        assert_eq!(finish(&scripts).unwrap(), None);
    }

    #[test]
    fn two_do_not_get_in_each_others_way() {
        let set = Set::new(&[("tags/a", "1"), ("draft/tags/a", "2")]);
        let alone = plan::alone(&set.scripts()).unwrap();
        let why = promote(&set.scripts()).unwrap_err().to_string();
        assert!(why.contains("under way"), "{why}");
        drop(alone);
        assert!(promote(&set.scripts()).is_ok());
    }
}
