//! A folder with a configuration and scripts, as a user has one, and loading it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tagwerk::config::Problems;
use tagwerk::generation::{self, Generation, Loaded};
use tempfile::TempDir;

/// The folder. It is gone when this is dropped.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// With one destination, `crm`, and no script.
    pub(crate) fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("tagwerk.toml", CONFIG);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.path().join("tagwerk.toml")
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn try_load(&self) -> Result<Loaded, Problems> {
        generation::load(&self.config_file(), &BTreeMap::new())
    }

    /// The live set, which must be good.
    pub(crate) fn load(&self) -> Generation {
        match self.try_load() {
            Ok(loaded) => loaded.live,
            Err(problems) => panic!("{problems}"),
        }
    }
}

pub(crate) const CONFIG: &str =
    "[destinations.crm]\ntype = \"http\"\nurl = \"https://crm.example.com\"\n";

/// Problems in short, a line each: `tags/a.rhai:2:7: what is wrong`, and the hint behind that.
pub(crate) fn lines(problems: &Problems) -> String {
    let line = |problem: &tagwerk::config::Problem| {
        let places = [problem.line, problem.column].into_iter().flatten();
        let places: String = places.map(|place| format!(":{place}")).collect();
        let hint = problem.hint.as_deref().unwrap_or_default();
        format!(
            "{}{places}: {} {hint}\n",
            problem.file.display(),
            problem.message
        )
    };
    problems.iter().map(line).collect()
}
