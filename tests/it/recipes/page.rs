//! A recipe's page in the guide: its code is the code of its files.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::recipe::{Recipe, recipes};
use crate::guide::markdown::{Block, Page, pages_in};

#[test]
fn every_recipe_has_a_page_and_every_page_a_recipe() {
    let recipes: BTreeSet<String> = recipes().into_iter().map(|recipe| recipe.name).collect();
    let pages: BTreeSet<String> = pages().iter().map(name_of).collect();
    assert_eq!(pages, recipes);
    let overview = fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes/README.md"),
    );
    let overview = overview.unwrap();
    for name in recipes {
        assert!(
            overview.contains(&format!("({name}.md)")),
            "{name} is not in the overview"
        );
    }
}

#[test]
fn what_a_page_shows_is_what_the_files_are() {
    let recipes = recipes();
    for page in pages() {
        let name = name_of(&page);
        let recipe = recipes.iter().find(|recipe| recipe.name == name).unwrap();
        for block in &page.blocks {
            compare(&page, block, recipe);
        }
        for file in recipe.files(".rhai") {
            let is_shown = page
                .links
                .iter()
                .any(|link| link.to.ends_with(&format!("{name}/{file}")));
            assert!(is_shown, "{} does not show {file}", page.path);
        }
    }
}

/// Scripts and configuration are as they stand in their file, what arrives is part of it.
fn compare(page: &Page, block: &Block, recipe: &Recipe) {
    let place = format!("{}:{}", page.path, block.line);
    let file = |ending: &str| {
        let links = block.before.iter();
        let mut files =
            links.filter_map(|link| link.split_once(&format!("recipes/{}/", recipe.name)));
        let found = files.find(|(_, file)| file.ends_with(ending));
        found
            .unwrap_or_else(|| panic!("{place}: no file is named before it"))
            .1
            .to_owned()
    };
    match &*block.language {
        language @ ("rhai" | "toml" | "csv") => {
            let file = file(language);
            let source = fs::read_to_string(recipe.folder.join(&file)).unwrap();
            let is_part = format!("\n{source}\n").contains(&format!("\n{}", block.text));
            assert!(is_part, "{place} is not what {file} is");
        }
        "json" => {
            let shown: Value = serde_json::from_str(&block.text).unwrap();
            let case = file("request.http")
                .replace("cases/", "")
                .replace("/request.http", "");
            let case = recipe.cases.iter().find(|one| one.name == case).unwrap();
            let mut bodies = case.deliveries.iter().map(|one| &one["request"]["body"]);
            assert!(
                bodies.any(|body| is_part(body, &shown)),
                "{place}: this is not sent"
            );
        }
        _ => {}
    }
}

/// Keys may be left out.
fn is_part(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| is_part(whole, part))),
        (Value::Array(whole), Value::Array(part)) => {
            let mut pairs = whole.iter().zip(part);
            whole.len() == part.len() && pairs.all(|(whole, part)| is_part(whole, part))
        }
        (whole, part) => whole == part,
    }
}

fn pages() -> Vec<Page> {
    let mut pages = pages_in("docs/recipes");
    pages.retain(|page| name_of(page) != "README");
    pages
}

fn name_of(page: &Page) -> String {
    let name = page.path.strip_prefix("docs/recipes/").unwrap();
    name.strip_suffix(".md").unwrap().to_owned()
}
