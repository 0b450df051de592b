//! Every `tagwerk …` that a page tells people to type is a command, with these options. Each is asked
//! for its help, so that nothing is done.

use std::collections::BTreeMap;

use super::markdown::{Page, pages};
use crate::support::command::run;

#[tokio::test]
async fn every_command_that_a_page_names_exists() {
    let folder = tempfile::tempdir().unwrap();
    let mut commands: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for page in pages() {
        // What was is not what is.
        if page.path == "CHANGELOG.md" {
            continue;
        }
        for (line, command) in commands_of(&page) {
            commands
                .entry(command)
                .or_insert(format!("{}:{line}", page.path));
        }
    }
    assert!(
        commands.len() > 40,
        "found only {} commands",
        commands.len()
    );
    let mut wrong = Vec::new();
    for (command, place) in commands {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let ended = run(folder.path(), &arguments).await;
        if ended.code != 0 {
            wrong.push(format!(
                "{place}: tagwerk {}\n{}",
                command.join(" "),
                ended.stderr
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The arguments of each `tagwerk`, with its line.
fn commands_of(page: &Page) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for block in &page.blocks {
        if !["", "console", "sh", "bash"].contains(&&*block.language) {
            continue;
        }
        let text = block.text.replace("\\\n", " ");
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start().trim_start_matches("$ ");
            found.extend(commands_in(line).map(|command| (block.line + 1 + at, command)));
        }
    }
    for (line, code) in &page.spans {
        found.extend(commands_in(code).map(|command| (*line, command)));
    }
    found
}

/// The commands of a line, of which several may stand beside one another.
fn commands_in(line: &str) -> impl Iterator<Item = Vec<String>> {
    let starts_well =
        line.starts_with("tagwerk ") || line.contains("&& tagwerk ") || is_assigned(line);
    let parts = line
        .split("&&")
        .flat_map(|part| part.split([';', '|', '>']));
    let commands = parts.filter_map(arguments_of).collect::<Vec<_>>();
    commands.into_iter().filter(move |_| starts_well)
}

/// `NAME=value tagwerk …`
fn is_assigned(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_assignment = |word: &str| {
        let (name, _) = word.split_once('=').unwrap_or_default();
        let is_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        !name.is_empty() && name.chars().all(is_name)
    };
    words.next().is_some_and(is_assignment)
        && words.find(|word| !is_assignment(word)) == Some("tagwerk")
}

fn arguments_of(part: &str) -> Option<Vec<String>> {
    let part = part.split(" #").next()?;
    let (before, after) = part.split_once("tagwerk ")?;
    if !before.trim().is_empty() && !is_assigned(part.trim()) {
        return None;
    }
    let words = after.split_whitespace();
    // What stands for many things, and what a person fills in.
    let words = words.take_while(|word| !word.contains('…') && !word.starts_with('('));
    let words = words.map(|word| word.trim_matches(['\'', '"']));
    Some(
        words
            .map(|word| if word == "NAME" { "http" } else { word }.to_owned())
            .collect(),
    )
}

#[test]
fn commands_are_found_in_lines() {
    let of = |line: &str| commands_in(line).collect::<Vec<_>>();
    assert_eq!(of("tagwerk check"), [["check"]]);
    assert_eq!(of("tagwerk init shop && cd shop"), [["init", "shop"]]);
    assert_eq!(
        of("cd shop && tagwerk check && tagwerk serve"),
        [["check"], ["serve"]]
    );
    assert_eq!(of("A=b tagwerk trace x.http"), [["trace", "x.http"]]);
    assert_eq!(
        of("tagwerk test --json | jq '.cases'"),
        [["test", "--json"]]
    );
    assert_eq!(
        of("tagwerk status --resume NAME"),
        [["status", "--resume", "http"]]
    );
    assert_eq!(of("tagwerk …"), [[""; 0]]);
    for other in [
        "A=b python3 run.py tagwerk x",
        "tagwerk_deliveries",
        "the tagwerk binary",
        "systemctl enable --now tagwerk",
    ] {
        assert_eq!(of(other).len(), 0, "{other}");
    }
}
