//! A recipe as its folder has it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::examples::{Example, read};

/// What the example requests were signed with, by the names that their clients give it. Without these
/// a recipe with `VERIFY` does not load.
pub(super) const SECRETS: [(&str, &str); 2] = [
    ("WOOCOMMERCE_WEBHOOK_SECRET", "4d4f7e2c1f0b4b9fa2a1&woo"),
    ("BOOKING_SECRET", "booking-test-secret"),
];

/// What must be more than any text.
const FORMED: [(&str, &str); 2] = [
    (
        "SLACK_WEBHOOK_URL",
        "https://hooks.slack.com/services/T/B/X",
    ),
    (
        "TRACIFY_CUSTOMER_SITE_ID",
        "00000000-0000-0000-0000-000000000000",
    ),
];

/// A folder of `examples/recipes/`.
pub(super) struct Recipe {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) config: toml::Table,
    pub(super) cases: Vec<Case>,
}

/// One of its cases.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) request: Example,
    pub(super) events: Vec<Value>,
    pub(super) deliveries: Vec<Value>,
}

/// All there are.
pub(super) fn recipes() -> Vec<Recipe> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/recipes");
    let found: Vec<Recipe> = folders(&top).into_iter().map(Recipe::read).collect();
    assert!(found.len() >= 20, "found only {} recipes", found.len());
    found
}

impl Recipe {
    fn read(folder: PathBuf) -> Self {
        let config = fs::read_to_string(folder.join("tagwerk.toml")).unwrap();
        let cases = folders(&folder.join("cases"));
        assert!(!cases.is_empty(), "{} has no case", folder.display());
        Self {
            name: name_of(&folder),
            config: config.parse().unwrap(),
            cases: cases.iter().map(|case| Case::read(case)).collect(),
            folder,
        }
    }

    /// All variables that its files name.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let named = |place: &str| place.starts_with(|letter: char| letter.is_ascii_uppercase());
        let config = self.config.to_string();
        let parts = config
            .split("${")
            .skip(1)
            .filter_map(|rest| rest.split('}').next());
        let mut variables: Vec<(String, String)> = parts
            .filter(|name| named(name))
            .map(|name| (name.to_owned(), "any-key".to_owned()))
            .collect();
        let known = SECRETS.iter().chain(&FORMED);
        variables.extend(known.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        variables
    }

    /// Where its clients, tags or shared modules are: its own, or those that we ship.
    pub(super) fn scripts(&self, kind: &str) -> PathBuf {
        let said = self
            .config
            .get("scripts")
            .and_then(|scripts| scripts.get(kind));
        self.folder
            .join(said.and_then(toml::Value::as_str).unwrap_or(kind))
    }

    /// Files of its own, such as `tags/refund.rhai`, that have this ending.
    pub(super) fn files(&self, ending: &str) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.folder, "", ending, &mut found);
        found
    }
}

impl Case {
    fn read(folder: &Path) -> Self {
        let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let list = |file: &str| serde_json::from_str(&text(file)).unwrap();
        Self {
            name: name_of(folder),
            request: read(&text("request.http")),
            events: list("events.json"),
            deliveries: list("deliveries.json"),
        }
    }
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().to_owned()
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).unwrap().map(|entry| entry.unwrap());
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

fn collect(folder: &Path, below: &str, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(folder, &format!("{path}/"), ending, found);
        } else if path.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
}
