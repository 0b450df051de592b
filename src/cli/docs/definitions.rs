//! Definition files (`*.d.rhai`) for the Rhai language server: what the host's functions are called,
//! what they take and give, and what they are for. Only for editors; nothing of ours reads them.

use std::fs;
use std::io;
use std::path::Path;

use crate::script::api::{Function, TOPICS, Topic};

/// Where editors find them.
pub(in crate::cli) const FOLDER: &str = ".rhai";

/// What tests may call besides.
const TESTS: &str = "\
/// Does with the script that is tested what the host does with it. For a tag it takes event data, for a
/// client #{ method, path, query, headers, body, ip }.
fn run(given: Map) -> Map;

/// Fails unless it is true.
fn assert(holds: bool);

/// Fails with this message unless it is true.
fn assert(holds: bool, message: String);

/// Fails unless both are the same; each difference is named.
fn assert_eq(is: ?, expected: ?);

/// Fails with this message unless both are the same.
fn assert_eq(is: ?, expected: ?, message: String);

/// Fails if both are the same.
fn assert_ne(is: ?, other: ?);

/// Fails unless a map has these keys and values, an array this element, a text this part.
fn assert_contains(is: ?, part: ?);

/// Fails unless it is missing.
fn assert_missing(is: ?);
";

/// Writes one file a topic; those that are there are written anew. Gives how many.
///
/// # Errors
/// If they cannot be written.
pub(in crate::cli) fn write(folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let mut global = "module static;\n".to_owned();
    let mut count = 2;
    for topic in TOPICS {
        if topic.name.is_empty() {
            topic
                .functions
                .iter()
                .for_each(|function| add(&mut global, function));
            continue;
        }
        fs::write(folder.join(format!("{}.d.rhai", topic.name)), module(topic))?;
        count += 1;
    }
    fs::write(folder.join("tagwerk.d.rhai"), global)?;
    fs::write(
        folder.join("testing.d.rhai"),
        format!("module static;\n\n{TESTS}"),
    )?;
    Ok(count)
}

fn module(topic: &Topic) -> String {
    let mut text = String::new();
    comment(&mut text, "//!", topic.about);
    text.push_str(&format!("\nmodule {};\n", topic.name));
    topic
        .functions
        .iter()
        .for_each(|function| add(&mut text, function));
    text
}

fn add(text: &mut String, function: &Function) {
    text.push('\n');
    comment(text, "///", function.about);
    text.push_str("///\n/// ```\n");
    comment(text, "///", function.example);
    text.push_str("/// ```\n");
    text.push_str(&definition(function.signature));
}

fn comment(text: &mut String, mark: &str, lines: &str) {
    for line in lines.lines() {
        text.push_str(&format!("{mark} {}\n", line.trim()));
    }
}

/// `fn sha256(text: ?) -> String;` of `hash::sha256(text) -> text`.
fn definition(signature: &str) -> String {
    let (call, result) = signature.split_once(" -> ").unwrap_or((signature, "()"));
    let (name, parameters) = call.split_once('(').unwrap_or((call, ")"));
    let name = name.rsplit("::").next().unwrap_or(name);
    let parameters = parameters.trim_end_matches(')').split(", ");
    let parameters = parameters
        .filter(|name| !name.is_empty())
        .map(|name| format!("{name}: ?"));
    let parameters: Vec<String> = parameters.collect();
    format!(
        "fn {name}({}) -> {};\n",
        parameters.join(", "),
        kind(result)
    )
}

fn kind(result: &str) -> &'static str {
    match result {
        "text" => "String",
        "integer" | "ms" => "int",
        "float" => "float",
        "bool" => "bool",
        "array" => "Array",
        "map" => "Map",
        "()" => "()",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_becomes_a_definition() {
        for (signature, expected) in [
            (
                "hash::sha256(text) -> text",
                "fn sha256(text: ?) -> String;\n",
            ),
            (
                "num(value, default) -> number",
                "fn num(value: ?, default: ?) -> ?;\n",
            ),
            ("time::now() -> ms", "fn now() -> int;\n"),
            ("log::info(value)", "fn info(value: ?) -> ();\n"),
        ] {
            assert_eq!(definition(signature), expected);
        }
    }

    #[test]
    fn each_topic_has_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let count = write(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), count);
        let text = fs::read_to_string(folder.path().join("text.d.rhai")).unwrap();
        assert!(text.contains("module text;\n") && text.contains("fn lower(text: ?) -> String;"));
    }
}
