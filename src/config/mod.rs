//! What the user configured in `tagwerk.toml`: the types, and reading them with all problems at
//! once. It opens no socket, creates no file, and does not know which destination types exist.
//!
//! `tagwerk.toml` at the top of the repository is the documentation of the keys. To add a key, add
//! the field, its default and its line of `read` in one of the files below, and document it there;
//! the test `the_default_file_shows_every_key` fails if one of them is forgotten.

mod destination;
mod draw;
mod expand;
mod fields;
mod literal;
mod options;
mod position;
mod problem;
mod section;
mod server;
mod shapes;
mod storage;
#[cfg(test)]
mod tests;
mod units;
mod value;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use destination::Destination;
pub use expand::{Environment, SystemEnvironment, secret};
pub use fields::has_sound_port;
pub use options::{DeliveryMode, Options, Rate, Retry};
pub use problem::{Problem, Problems, Severity, quoted, suggest};
pub use section::Section;
pub use server::{Admin, Server, url_of};
pub use shapes::{Found, find as find_secrets};
pub use storage::{Data, Journal, JournalKind, Scripts};
pub(crate) use units::duration_text;
pub use units::{parse_duration, parse_size};

/// The commented file that documents every key and says the defaults.
pub const DEFAULT_FILE: &str = include_str!("../../tagwerk.toml");

/// A configuration is written by hand; what is larger is not one.
const MAX_FILE: u64 = 256 * 1024;

/// Everything in `tagwerk.toml`. The default is what an empty file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The file, as the user named it.
    pub file: Option<PathBuf>,
    /// The folder that relative paths start from: the file's. Absolute after [`load`].
    pub base: PathBuf,
    /// The public listener.
    pub server: Server,
    /// The operator's listener.
    pub admin: Admin,
    /// The program's own folder.
    pub data: Data,
    /// The folders with scripts.
    pub scripts: Scripts,
    /// Where events and deliveries are kept.
    pub journal: Journal,
    /// Where deliveries go, by name.
    pub destinations: BTreeMap<String, Destination>,
    /// What the user should know, although it stops nothing.
    pub warnings: Vec<Problem>,
}

/// Reads a configuration file. All paths in the result are absolute.
///
/// # Errors
/// Everything that is wrong with the file, at once.
pub fn load(path: &Path, environment: &dyn Environment) -> Result<Config, Problems> {
    load_and_check(path, environment, |_| Problems::default())
}

/// As [`load`], with a check of the caller's own: what it finds, such as a destination of an
/// unknown type, is shown together with the rest. The check also sees a configuration that has
/// problems already; what could not be read stands at its default.
///
/// # Errors
/// Everything that is wrong with the file, at once.
pub fn load_and_check(
    path: &Path,
    environment: &dyn Environment,
    check: impl FnOnce(&Config) -> Problems,
) -> Result<Config, Problems> {
    let unreadable = |error: io::Error| {
        let hint = (error.kind() == io::ErrorKind::NotFound)
            .then(|| "`tagwerk init DIR` makes a folder with one".to_owned());
        Problem::new(path, format!("cannot be read: {error}")).with_hint(hint)
    };
    let text = expand::read_text(path, MAX_FILE).map_err(unreadable)?;
    let base = std::path::absolute(folder_of(path)).map_err(unreadable)?;
    let (mut config, mut problems) = read(&text, path, &base, environment);
    problems.extend(check(&config));
    problems = of_the_configuration(problems);
    let warnings = std::mem::take(&mut config.warnings).into_iter().collect();
    let mut warnings = of_the_configuration(warnings);
    for found in [&mut problems, &mut warnings] {
        found.show_lines(path, &text);
    }
    config.warnings = warnings.into_iter().collect();
    problems.into_result(config)
}

/// Reads a configuration from text. Relative paths start from the folder of `file`, which need
/// not exist.
///
/// # Errors
/// Everything that is wrong with the text, at once.
pub fn parse(text: &str, file: &Path, environment: &dyn Environment) -> Result<Config, Problems> {
    let base = file.parent().unwrap_or(Path::new(""));
    let (config, mut problems) = read(text, file, base, environment);
    problems.show_lines(file, text);
    problems.into_result(config)
}

/// Reads as far as it can be read: what is wrong stands at its default.
fn read(text: &str, file: &Path, base: &Path, environment: &dyn Environment) -> (Config, Problems) {
    let (entries, mut problems) = value::parse(text, file, base, environment);
    let mut root = Section::new("", Arc::from(file), None, entries);
    let mut warnings = Vec::new();
    let mut part = Part {
        root: &mut root,
        problems: &mut problems,
        warnings: &mut warnings,
    };
    let server = part.read("server", Server::read);
    let mut config = Config {
        file: Some(file.to_owned()),
        base: base.to_owned(),
        admin: part.read("admin", |section| Admin::read(section, &server)),
        server,
        data: part.read("data", |section| Data::read(section, base)),
        scripts: part.read("scripts", |section| Scripts::read(section, base)),
        journal: part.read("journal", Journal::read),
        destinations: destination::read(&mut root, &mut problems, &mut warnings),
        warnings: Vec::new(),
    };
    config.warnings = warnings;
    problems.extend(root.finish());
    (config, of_the_configuration(problems))
}

/// What is wrong with the configuration is called so, where it has no better name.
fn of_the_configuration(problems: Problems) -> Problems {
    let named = problems.into_iter().map(|problem| match problem.kind {
        "" => problem.of_kind("configuration"),
        _ => problem,
    });
    named.collect()
}

/// One table of the root after the other, with what was noted on the way.
struct Part<'a> {
    root: &'a mut Section,
    problems: &'a mut Problems,
    warnings: &'a mut Vec<Problem>,
}

impl Part<'_> {
    fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Section) -> T) -> T {
        let mut section = self.root.table(name);
        let part = read(&mut section);
        self.warnings.extend(section.take_warnings());
        self.problems.extend(section.finish());
        part
    }
}

/// The folder of a file; `tagwerk.toml` alone is in the current one.
fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
