//! The rules of the house as pure functions over texts, so that small bad examples can prove that
//! each rule detects what it forbids. What they are applied to is in `layers`.

use std::collections::{BTreeMap, BTreeSet};

use super::rust_source::{Path, Source, read};

/// A file that is longer is two files.
const MAX_LINES: usize = 500;

/// Source files by their path from the root of the repository.
pub(crate) type Files = BTreeMap<String, Source>;

/// A broken rule: where, what it names, and what to do.
pub(crate) struct Fault {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) names: String,
    pub(crate) why: String,
}

pub(crate) fn sources(texts: &BTreeMap<String, String>) -> Files {
    texts
        .iter()
        .map(|(file, text)| (file.clone(), read(text)))
        .collect()
}

/// The modules in the order of `src/lib.rs`.
pub(crate) fn order(files: &Files) -> Vec<String> {
    files["src/lib.rs"]
        .modules
        .iter()
        .map(|module| module.name.clone())
        .collect()
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are the module a::b; `src/lib.rs` is the root.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    if path == "lib" {
        return Vec::new();
    }
    path.split('/').map(str::to_owned).collect()
}

/// Paths that lead to a module below their own, or where nobody can see that they do not.
pub(crate) fn upward(order: &[String], files: &Files) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in files {
        let own = module_of(file);
        for path in &source.paths {
            let broken = [climbs(path), leads_down(order, &own, path)];
            let broken = broken.into_iter().flatten();
            faults.extend(broken.map(|(names, why)| fault(file, path, names, why)));
        }
    }
    faults
}

/// What a path names, and why it must not.
type Broken = (String, String);

fn fault(file: &str, path: &Path, names: String, why: String) -> Fault {
    Fault {
        file: file.to_owned(),
        line: path.line,
        names,
        why,
    }
}

fn climbs(path: &Path) -> Option<Broken> {
    let why = "`super::super` hides where it leads, write `crate::…`".to_owned();
    (supers(path) > 1).then(|| ("super::super".to_owned(), why))
}

fn leads_down(order: &[String], own: &[String], path: &Path) -> Option<Broken> {
    let place = |module: &str| order.iter().position(|name| name == module);
    let used = used_module(own, path)?;
    let own = own.first()?;
    let Some(used_at) = place(&used) else {
        let why = format!("`crate::{used}` is not in the map: name the module");
        return Some((used, why));
    };
    let why = format!("`{own}` uses `{used}`, which stands below it in src/lib.rs");
    (used_at > place(own)?).then_some((used, why))
}

fn supers(path: &Path) -> usize {
    let rest = path
        .segments
        .iter()
        .skip_while(|segment| *segment == "self");
    rest.take_while(|segment| *segment == "super").count()
}

/// The module of the root that a path leads to, if it starts within our crate.
fn used_module(own: &[String], path: &Path) -> Option<String> {
    let first = path.segments.first()?.as_str();
    let target = match first {
        "crate" => path.segments.get(1),
        "self" | "super" => {
            let ups = supers(path);
            let here = own.len() + path.inside.len();
            let rest = path
                .segments
                .iter()
                .filter(|segment| *segment != "self")
                .nth(ups);
            if here > ups { own.first() } else { rest }
        }
        _ => return None,
    };
    // `use crate;` and `use crate::*` name everything, so they name nothing.
    Some(target.map_or("*", String::as_str).to_owned())
}

/// Outside crates that are used outside of their homes.
pub(crate) fn strays(homes: &[(&str, &[&str])], files: &Files) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in files {
        let own = module_of(file);
        let own = own.first().map_or("lib", String::as_str);
        for path in &source.paths {
            let name = &path.segments[0];
            let home = homes.iter().find(|(outside, _)| outside == name);
            let Some((_, homes)) = home.filter(|_| !source.bound.contains(name)) else {
                continue;
            };
            if !homes.contains(&own) {
                let homes = homes.join(", ");
                let why = format!("`{name}` is at home in {homes}, not in `{own}`");
                faults.push(fault(file, path, name.clone(), why));
            }
        }
    }
    faults
}

/// Files that no module declares.
pub(crate) fn orphans(files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    let mut declared = BTreeSet::from(["src/lib.rs".to_owned(), "src/main.rs".to_owned()]);
    for (file, source) in files {
        let is_main = file == "src/main.rs";
        let own = if is_main { Vec::new() } else { module_of(file) };
        for module in &source.modules {
            let mut path = own.clone();
            path.extend(module.inside.iter().cloned());
            path.push(module.name.clone());
            let path = path.join("/");
            declared.extend([format!("src/{path}.rs"), format!("src/{path}/mod.rs")]);
        }
        let lines = source.path_attributes.iter();
        faults
            .extend(lines.map(|line| format!("{file}:{line}: #[path] hides where a file belongs")));
    }
    let undeclared = files.keys().filter(|file| !declared.contains(*file));
    faults.extend(
        undeclared.map(|file| format!("{file}: no module declares it, so nobody compiles it")),
    );
    faults
}

/// Files of more than [`MAX_LINES`] lines.
pub(crate) fn too_long(files: &BTreeMap<String, String>) -> Vec<String> {
    let lines = files
        .iter()
        .map(|(file, text)| (file, text.lines().count()));
    lines
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(file, lines)| format!("{file} has {lines} lines, split it before {MAX_LINES}"))
        .collect()
}

/// Small houses with one thing wrong.
#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "pub mod event;\n// pub mod ghost;\npub mod journal;\npub mod intake;\n";

    fn small_house(files: &[(&str, &str)]) -> Files {
        let mut texts = BTreeMap::from([("src/lib.rs".to_owned(), MAP.to_owned())]);
        for module in ["event", "journal", "intake"] {
            texts.insert(format!("src/{module}.rs"), String::new());
        }
        for (file, text) in files {
            texts.insert((*file).to_owned(), (*text).to_owned());
        }
        sources(&texts)
    }

    fn said(faults: Vec<Fault>) -> Vec<String> {
        faults
            .into_iter()
            .map(|fault| format!("{}:{}: {}", fault.file, fault.line, fault.names))
            .collect()
    }

    #[test]
    fn an_upward_import_is_found_however_it_is_written() {
        let cases: &[(&str, &[&str])] = &[
            ("use crate::event::Event;", &[]),
            ("use crate::journal;", &[]),
            ("use crate::intake::Intake;", &["1: intake"]),
            ("\n\nuse crate::intake;", &["3: intake"]),
            (
                "use crate::{event::Event, intake::{self, Intake}};",
                &["1: intake", "1: intake"],
            ),
            ("use crate::{\n    event,\n    intake,\n};", &["3: intake"]),
            (
                "use crate::event::{\n    Event,\n};\nuse crate :: intake ;",
                &["4: intake"],
            ),
            ("pub(crate) use crate::intake as i;", &["1: intake"]),
            ("fn f() { let x = crate::intake::run(); }", &["1: intake"]),
            ("fn f(x: &dyn Fn(crate::intake::Intake)) {}", &["1: intake"]),
            (
                "macro_rules! m { () => { $crate::intake::run() } }",
                &["1: intake"],
            ),
            ("use super::intake;", &["1: intake"]),
            ("use self::super::intake;", &["1: intake"]),
            (
                "mod tests { use super::Journal; use crate::intake; }",
                &["1: intake"],
            ),
            (
                "mod tests { use super::super::intake; }",
                &["1: super::super", "1: intake"],
            ),
            ("use crate::*;", &["1: *"]),
            ("use crate as house;", &["1: *"]),
            ("use crate::ghost;", &["1: ghost"]),
            ("// use crate::intake;\n/* use crate::intake; */", &[]),
            (
                "/// See [`crate::intake`].\nconst TEXT: &str = \"use crate::intake;\";",
                &[],
            ),
            ("const RAW: &str = r#\"\"use crate::intake;\"#;", &[]),
        ];
        for (text, faults) in cases {
            let files = small_house(&[("src/journal.rs", text)]);
            let faults: Vec<_> = faults
                .iter()
                .map(|fault| format!("src/journal.rs:{fault}"))
                .collect();
            assert_eq!(said(upward(&order(&files), &files)), faults, "{text}");
        }
    }

    #[test]
    fn within_its_folder_a_module_is_free_but_never_climbs_twice() {
        let files = small_house(&[
            ("src/journal/mod.rs", "mod sqlite;"),
            (
                "src/journal/sqlite.rs",
                "use super::Journal; use crate::journal::x; use crate::intake;",
            ),
            ("src/journal/sqlite/rows.rs", "use super::super::Journal;"),
        ]);
        let faults = [
            "src/journal/sqlite.rs:1: intake",
            "src/journal/sqlite/rows.rs:1: super::super",
        ];
        assert_eq!(said(upward(&order(&files), &files)), faults);
    }

    #[test]
    fn an_outside_crate_is_found_outside_its_home_only() {
        let homes: &[(&str, &[&str])] = &[("rusqlite", &["journal"])];
        let cases: &[(&str, usize)] = &[
            ("use rusqlite::Connection;", 1),
            ("use rusqlite as sql;", 1),
            ("use {std::fmt, rusqlite::Row};", 1),
            ("extern crate rusqlite;", 1),
            ("fn f(x: rusqlite::Row) -> ::rusqlite::Row {}", 2),
            ("#[derive(rusqlite::ToSql)] struct S;", 1),
            ("use tokio::rusqlite;", 0),
            ("mod rusqlite; use rusqlite::own;", 0),
            ("// rusqlite::Row\nconst TEXT: &str = \"rusqlite::Row\";", 0),
            ("struct S { rusqlite: u8 }", 0),
        ];
        for (text, faults) in cases {
            let files = small_house(&[("src/intake.rs", text), ("src/journal.rs", text)]);
            let found = said(strays(homes, &files));
            assert_eq!(found, vec!["src/intake.rs:1: rusqlite"; *faults], "{text}");
        }
    }

    #[test]
    fn a_file_that_no_module_declares_is_an_orphan() {
        let files = small_house(&[
            (
                "src/journal/mod.rs",
                "mod sqlite;\nmod tests { mod cases; }\n// mod memory;",
            ),
            ("src/journal/sqlite.rs", ""),
            ("src/journal/tests/cases.rs", ""),
            ("src/journal/memory.rs", ""),
            ("src/ghost.rs", ""),
            ("src/intake.rs", "#[path = \"elsewhere.rs\"]\nmod other;"),
        ]);
        let faults = [
            "src/intake.rs:1: #[path] hides where a file belongs",
            "src/ghost.rs: no module declares it, so nobody compiles it",
            "src/journal/memory.rs: no module declares it, so nobody compiles it",
        ];
        assert_eq!(orphans(&files), faults);
    }

    #[test]
    fn five_hundred_lines_pass_and_one_more_does_not() {
        let file = |lines| BTreeMap::from([("src/event.rs".to_owned(), "\n".repeat(lines))]);
        assert_eq!(too_long(&file(MAX_LINES)), [""; 0]);
        assert_eq!(too_long(&file(MAX_LINES + 1)).len(), 1);
    }
}
