//! Code blocks: scripts compile, configuration is configuration, JSON is JSON.
//!
//! The scripts of a page are one working set, beside the shared modules that we ship, since pages go
//! on with what they have said above. What is only a part of a script is made whole first.

use std::collections::BTreeSet;
use std::fs;

use tagwerk::config::{self, Environment};
use tagwerk::generation;

use super::markdown::{Block, Page, pages, root};
use crate::support::folder::Folder;

/// What senders sign with is known, since no client with `VERIFY` loads without it. Destinations wait
/// for their keys, and load.
struct Secrets;

impl Environment for Secrets {
    fn variable(&self, name: &str) -> Option<String> {
        let is_secret = name.contains("SECRET");
        is_secret.then(|| "whsec_c2VjcmV0".to_owned())
    }
}

#[test]
fn every_script_of_a_page_compiles() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        let scripts: Vec<&Block> = of_language(&page, "rhai");
        if scripts.is_empty() {
            continue;
        }
        seen += scripts.len();
        let folder = working_set(&page, &scripts);
        if let Err(problems) = generation::load(&folder.config_file(), &Secrets) {
            wrong.push(format!("{}:\n{problems}", page.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 40, "found only {seen} scripts");
}

#[test]
fn every_piece_of_configuration_is_read() {
    let mut seen = 0;
    for page in pages() {
        for block in of_language(&page, "toml") {
            let folder = Folder::new();
            folder.write("tagwerk.toml", &block.text);
            if let Err(problems) = config::load(&folder.config_file(), &Secrets) {
                panic!("{}:{}: {problems}", page.path, block.line);
            }
            seen += 1;
        }
    }
    assert!(seen > 25, "found only {seen} pieces");
}

#[test]
fn every_piece_of_json_is_json() {
    for page in pages() {
        for block in of_language(&page, "json") {
            // What is left out.
            let text = block.text.replace("{ … }", "{}").replace("[…]", "[]");
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
            if let Err(error) = parsed {
                panic!("{}:{}: {error}", page.path, block.line);
            }
        }
    }
}

fn of_language<'a>(page: &'a Page, language: &str) -> Vec<&'a Block> {
    let blocks = page.blocks.iter();
    blocks.filter(|block| block.language == language).collect()
}

/// The scripts in files, and the destinations that they name.
fn working_set(page: &Page, scripts: &[&Block]) -> Folder {
    let folder = Folder::new();
    for entry in fs::read_dir(root().join("shared")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        folder.write(
            &format!("shared/{name}"),
            &fs::read_to_string(entry.path()).unwrap(),
        );
    }
    // What the pages look up.
    folder.write("tables/products.csv", "sku,name,margin\n");
    let mut named = BTreeSet::new();
    for block in scripts {
        for (file, text) in files(block) {
            named.extend(text.lines().filter_map(destination));
            folder.write(&file, &text);
        }
    }
    folder.write("tagwerk.toml", &configuration(page, named));
    folder
}

/// Destinations as the page has them, else as we ship them, else a file.
fn configuration(page: &Page, named: BTreeSet<String>) -> String {
    let shipped = fs::read_to_string(root().join("tagwerk.toml")).unwrap();
    let of_page = of_language(page, "toml").into_iter();
    let texts = std::iter::once(&shipped).chain(of_page.map(|block| &block.text));
    let mut destinations = toml::Table::new();
    for text in texts {
        let config: toml::Table = text.parse().unwrap();
        let tables = config.get("destinations").and_then(toml::Value::as_table);
        destinations.extend(tables.cloned().unwrap_or_default());
    }
    for name in named {
        // It takes whatever a tag returns.
        let any: toml::Table = "type = 'file'\npath = 'any.jsonl'".parse().unwrap();
        destinations.entry(name).or_insert(any.into());
    }
    let config = toml::Table::from_iter([("destinations".to_owned(), destinations.into())]);
    config.to_string()
}

/// The destination that a line names.
fn destination(line: &str) -> Option<String> {
    let rest = line.strip_prefix("const TO = \"")?;
    rest.split('"').next().map(str::to_owned)
}

/// The files of a block: the one that it says it is, or one that has it.
fn files(block: &Block) -> Vec<(String, String)> {
    let Some(file) = file_of(block) else {
        let (kind, text) = whole(&block.text);
        return vec![(format!("{kind}/line_{}.rhai", block.line), text)];
    };
    if file.starts_with("transforms/") {
        return vec![(file, block.text.clone())];
    }
    let module = file.strip_prefix("shared/");
    match module.and_then(|rest| rest.strip_suffix(".rhai")) {
        // A module is compiled only where somebody imports it.
        Some(module) => {
            let (_, importer) = whole(&format!("import \"{module}\" as imported;\n"));
            let by = format!("tags/line_{}.rhai", block.line);
            vec![(file, block.text.clone()), (by, importer)]
        }
        None => vec![(file, whole(&block.text).1)],
    }
}

/// By a link before it, or in its first line.
fn file_of(block: &Block) -> Option<String> {
    let first = block.text.lines().next().unwrap_or_default();
    let named = first
        .strip_prefix("// ")
        .and_then(|rest| rest.split(':').next());
    let linked = block.before.iter().map(String::as_str);
    linked.chain(named).find_map(|path| {
        let folders = ["clients/", "tags/", "shared/", "transforms/"];
        let from = folders.iter().find_map(|folder| path.find(folder))?;
        let file = path.get(from..)?;
        file.ends_with(".rhai").then(|| file.to_owned())
    })
}

/// How the lines of a client begin.
const OF_CLIENTS: [&str; 6] = [
    "fn parse(",
    "fn claims(",
    "fn respond(",
    "const PATH",
    "const VERIFY",
    "const DEDUPE",
];

/// A part of a script with what it lacks, and the folder that it belongs into. What is no part of a
/// client is made a tag.
fn whole(text: &str) -> (&'static str, String) {
    let has = |what: &str| text.lines().any(|line| line.starts_with(what));
    let mut whole = text.to_owned();
    if !["fn ", "const ", "import "].iter().any(|what| has(what)) {
        whole = format!("fn shown() {{\n{text}\n}}\n");
    }
    let mut add = |what: &str, line: &str| {
        if !has(what) {
            whole.push_str(line);
        }
    };
    if OF_CLIENTS.iter().any(|what| has(what)) {
        add("const PATH", "const PATH = \"/somewhere\";\n");
        add("fn parse(", "fn parse(request) {}\n");
        return ("clients", whole);
    }
    add("const ON", "const ON = \"something\";\n");
    add("const TO", "const TO = \"crm\";\n");
    add("fn tag(", "fn tag(event) {}\n");
    ("tags", whole)
}
