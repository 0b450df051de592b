//! Moves the folders of a plan. Each step can be done again: what was done is seen by where the folders
//! with the plan's token are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::former;
use super::plan::{self, Direction, Plan, TOKEN};
use crate::config::Scripts;

/// A plan, and where its folders are.
pub(super) struct Moves<'a> {
    scripts: &'a Scripts,
    plan: &'a Plan,
    /// The set that becomes live.
    set: PathBuf,
    /// Where that goes which was live.
    kept: PathBuf,
    before_each: &'a dyn Fn(),
}

impl<'a> Moves<'a> {
    pub(super) fn of(scripts: &'a Scripts, plan: &'a Plan, before_each: &'a dyn Fn()) -> Self {
        let (draft, former) = (scripts.draft.clone(), former(scripts));
        let (set, kept) = match plan.direction {
            Direction::Promote => (draft, former),
            Direction::Rollback => (former, draft),
        };
        Self {
            scripts,
            plan,
            set,
            kept,
            before_each,
        }
    }

    /// From here on it will be carried out, whatever happens.
    pub(super) fn begin(&self) -> io::Result<()> {
        let begun = self.write_tokens().and_then(|()| {
            (self.before_each)();
            self.plan.write(self.scripts)
        });
        begun.inspect_err(|_| self.remove_tokens(&self.set))
    }

    fn write_tokens(&self) -> io::Result<()> {
        for name in &self.plan.folders {
            (self.before_each)();
            let folder = self.set.join(name);
            let written = fs::write(folder.join(TOKEN), &self.plan.id);
            written.map_err(|error| named(error, &folder))?;
        }
        Ok(())
    }

    /// Does all of it that is not done yet. If a folder cannot be moved, all is as it was.
    pub(super) fn finish(&self) -> io::Result<()> {
        for name in &self.plan.folders {
            if let Err(error) = self.make_live(name) {
                self.undo()?;
                return Err(named(error, self.live(name)));
            }
        }
        if self.plan.keeps {
            self.keep()?;
        }
        (self.before_each)();
        fs::remove_file(plan::file(self.scripts))?;
        plan::sync_folder_of(&plan::file(self.scripts))?;
        for name in &self.plan.folders {
            self.remove_token(self.live(name));
        }
        self.remove_token(&self.kept);
        Ok(())
    }

    fn live(&self, name: &str) -> &Path {
        match name {
            "clients" => &self.scripts.clients,
            _ => &self.scripts.tags,
        }
    }

    fn make_live(&self, name: &str) -> io::Result<()> {
        let (new, live) = (self.set.join(name), self.live(name));
        let aside = aside(&new);
        if self.is_new(&new) {
            (self.before_each)();
            return change_places(&new, live, self.before_each);
        }
        // It was interrupted on its way by a third place.
        if self.is_new(&aside) {
            if is_folder(live) {
                fs::rename(live, &new)?;
            }
            fs::rename(&aside, live)?;
        }
        Ok(())
    }

    fn undo(&self) -> io::Result<()> {
        for name in &self.plan.folders {
            let (was, live) = (self.set.join(name), self.live(name));
            if self.is_new(live) {
                match is_folder(&was) {
                    true => change_places(&was, live, self.before_each)?,
                    false => fs::rename(live, &was)?,
                }
            }
        }
        fs::remove_file(plan::file(self.scripts))?;
        self.remove_tokens(&self.set);
        Ok(())
    }

    /// What was live gets its place, and what was there before is gone.
    fn keep(&self) -> io::Result<()> {
        if self.is_new(&self.kept) {
            return Ok(());
        }
        // A draft that somebody began meanwhile is theirs.
        if self.plan.direction == Direction::Rollback && is_folder(&self.kept) {
            return Ok(());
        }
        let gathered = self.kept.with_extension("new");
        (self.before_each)();
        fs::create_dir_all(&gathered)?;
        fs::write(gathered.join(TOKEN), &self.plan.id)?;
        for name in &self.plan.folders {
            let was_live = self.set.join(name);
            if is_folder(&was_live) {
                (self.before_each)();
                fs::rename(was_live, gathered.join(name))?;
            }
        }
        (self.before_each)();
        remove(&self.kept)?;
        (self.before_each)();
        fs::rename(gathered, &self.kept)?;
        fs::remove_dir(&self.set).ok(); // something else may be in it
        Ok(())
    }

    fn is_new(&self, folder: &Path) -> bool {
        fs::read_to_string(folder.join(TOKEN)).is_ok_and(|id| id == self.plan.id)
    }

    fn remove_tokens(&self, set: &Path) {
        for name in &self.plan.folders {
            self.remove_token(&set.join(name));
        }
    }

    /// One that stays does no harm: it is of this plan only.
    fn remove_token(&self, folder: &Path) {
        if self.is_new(folder) {
            fs::remove_file(folder.join(TOKEN)).ok();
        }
    }
}

fn change_places(one: &Path, other: &Path, before_each: &dyn Fn()) -> io::Result<()> {
    if !is_folder(other) {
        return fs::rename(one, other);
    }
    match exchange(one, other) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            by_way_of_a_third(one, other, before_each)
        }
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

/// Where `one` is while `other` takes its place.
fn aside(one: &Path) -> PathBuf {
    one.with_extension("aside")
}

fn by_way_of_a_third(one: &Path, other: &Path, before_each: &dyn Fn()) -> io::Result<()> {
    let aside = aside(one);
    fs::rename(one, &aside)?;
    before_each();
    if let Err(error) = fs::rename(other, one) {
        fs::rename(&aside, one)?;
        return Err(error);
    }
    before_each();
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

pub(super) fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}
