//! A recipe's files: good to learn from, and its cases pass.

use std::fs;

use super::recipe::{Recipe, SECRETS, recipes};
use crate::support::command::{end, tagwerk};

/// A recipe's script is read beside its page.
const MAX_LINES: usize = 40;

#[test]
fn every_script_is_short_and_says_first_what_it_is() {
    for recipe in recipes() {
        for file in recipe.files(".rhai") {
            let source = fs::read_to_string(recipe.folder.join(&file)).unwrap();
            let shown = format!("{}/{file}", recipe.name);
            let first = source.lines().next().unwrap_or_default();
            let about = first.strip_prefix("// ").unwrap_or_default();
            assert!(about.len() > 20, "{shown}: {first}");
            assert!(source.lines().count() <= MAX_LINES, "{shown} is long");
            assert!(
                source.lines().all(|line| line.chars().count() <= 120),
                "{shown}"
            );
        }
    }
}

#[test]
fn every_recipe_sends_something() {
    for recipe in recipes() {
        let sends = recipe.cases.iter().any(|case| !case.deliveries.is_empty());
        assert!(sends, "{} sends nothing", recipe.name);
        for case in &recipe.cases {
            let failed = case
                .deliveries
                .iter()
                .find(|one| one.get("request").is_none());
            assert!(
                failed.is_none(),
                "{}/{}: {failed:?}",
                recipe.name,
                case.name
            );
        }
    }
}

#[tokio::test]
async fn every_recipe_checks_and_its_cases_pass() {
    for recipe in recipes() {
        for command in ["check", "test"] {
            let ended = end(prepared(&recipe, command)).await;
            assert_eq!(
                ended.code, 0,
                "{}: {}{}",
                recipe.name, ended.stdout, ended.stderr
            );
        }
    }
}

fn prepared(recipe: &Recipe, command: &str) -> tokio::process::Command {
    let mut command = tagwerk(&recipe.folder, &[command]);
    command.envs(SECRETS);
    command
}
