//! What holds for every table, and the cases of tests/data/mapping.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use rhai::{Engine, Scope};

use super::*;
use crate::script::api::TOPICS;
use crate::script::frame;
use crate::script::json::{parse_json, to_json};

/// When the request of a case came, unless it says so itself: 2024-06-21 12:36:40 UTC.
const AT: i64 = 1_718_973_400_000;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn all() -> impl Iterator<Item = &'static Mapping> {
    MAPPINGS.iter().copied().flatten().copied()
}

fn engine() -> Engine {
    crate::script::engine::build()
}

#[test]
fn every_table_is_a_function_and_every_function_of_an_event_a_table() {
    let functions = TOPICS.iter().flat_map(|topic| topic.functions);
    let mut listed: Vec<&str> = functions
        .map(|function| function.signature)
        .filter(|signature| signature.contains("(event)"))
        .collect();
    let mut tables: Vec<&str> = all().map(|mapping| mapping.signature).collect();
    listed.sort_unstable();
    tables.sort_unstable();
    assert_eq!(listed, tables);
    assert!(tables.len() >= 28, "{tables:?}");
}

#[test]
fn every_case_makes_the_payload_that_it_says() {
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::<String, usize>::new();
    for folder in fs::read_dir(root("tests/data/mapping")).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let case: serde_json::Value =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let call = case["call"].as_str().unwrap();
            *seen.entry(call.to_owned()).or_default() += 1;
            let found = run(call, &case["event"], case["at"].as_i64().unwrap_or(AT));
            let expected = ["payload", "skip", "problem"]
                .into_iter()
                .find_map(|kind| case.get(kind).map(|wanted| (kind, wanted.clone())));
            let (kind, wanted) = expected.unwrap();
            if found != (kind, wanted.clone()) {
                let shown = serde_json::to_string_pretty(&found.1).unwrap();
                let wanted = serde_json::to_string_pretty(&wanted).unwrap();
                wrong.push(format!(
                    "{}\n{} {shown}\ninstead of\n{kind} {wanted}",
                    path.display(),
                    found.0
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    for mapping in all() {
        let name = mapping.signature.split('(').next().unwrap();
        assert!(seen.contains_key(name), "there is no case of {name}");
    }
}

/// What a call makes of an event: `payload`, `skip` or `problem`, and which.
fn run(call: &str, event: &serde_json::Value, at: i64) -> (&'static str, serde_json::Value) {
    frame::begin(at, Duration::from_secs(3_600));
    let mut scope = Scope::new();
    scope.push_dynamic("event", parse_json(event.to_string().as_bytes()).unwrap());
    let made = engine().eval_with_scope::<Dynamic>(&mut scope, &format!("{call}(event)"));
    match made {
        Ok(made) => match made.read_lock::<Skip>() {
            Some(skip) => ("skip", skip.reason.as_str().into()),
            None => {
                let json = to_json(&made).unwrap();
                ("payload", serde_json::from_slice(&json).unwrap())
            }
        },
        Err(error) => {
            let text = error.to_string();
            let text = text.trim_start_matches("Runtime error: ");
            let text = text.split(" (line ").next().unwrap();
            ("problem", text.into())
        }
    }
}

#[test]
fn the_pages_are_current() {
    let mut stale = Vec::new();
    let mut index = String::new();
    for topic in TOPICS {
        let mappings: Vec<&Mapping> = topic
            .functions
            .iter()
            .filter_map(|function| of(function.signature))
            .collect();
        if mappings.is_empty() {
            continue;
        }
        let sections: Vec<String> = mappings.iter().map(|mapping| mapping.markdown()).collect();
        let page = format!(
            "# {}\n\n<!-- Written by a test from the tables in src/script/api: BLESS=1 cargo test --lib pages -->\n\n\
             {} What the columns mean: [README.md](README.md).\n\n{}",
            topic.name,
            topic.about,
            sections.join("\n")
        );
        check(
            &format!("docs/mapping/{}.md", topic.name),
            &page,
            &mut stale,
        );
        let names: Vec<String> = mappings
            .iter()
            .map(|one| format!("`{}`", one.name()))
            .collect();
        index.push_str(&format!(
            "| [{0}]({0}.md) | {1} |\n",
            topic.name,
            names.join(", ")
        ));
    }
    let readme = fs::read_to_string(root("docs/mapping/README.md")).unwrap();
    assert!(
        readme.contains(&index),
        "docs/mapping/README.md wants\n{index}"
    );
    assert!(stale.is_empty(), "BLESS=1 writes {}", stale.join(", "));
}

fn check(file: &str, page: &str, stale: &mut Vec<String>) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(root(file), page).unwrap();
    }
    if fs::read_to_string(root(file)).unwrap_or_default() != page {
        stale.push(file.to_owned());
    }
}

/// Every key that a row reads, so that odd values are put where somebody looks.
fn keys_that_are_read() -> Vec<&'static str> {
    fn read(rows: &[Row], into: &mut Vec<&'static str>) {
        for row in rows {
            into.extend(row.from);
            if let How::Map(rows) | How::Whole(rows) | How::Each(rows) = row.how {
                read(rows, into);
            }
        }
    }
    let mut keys = Vec::new();
    all().for_each(|mapping| read(mapping.rows, &mut keys));
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn odd() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::json;
    prop_oneof![
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
        "[0-9a-f]{64}".prop_map(|value| json!(value)),
        Just(json!(null)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[], {}, null, "x"])),
        Just(json!([{ "item_id": [], "price": "1,5", "quantity": {} }, 7])),
    ]
}

proptest! {
    #[test]
    fn no_event_panics(values in prop::collection::vec((any::<prop::sample::Index>(), odd()), 0..12)) {
        let keys = keys_that_are_read();
        let mut event = serde_json::Map::new();
        for (index, value) in values {
            let key: &str = index.get::<&str>(&keys);
            put(&mut event, key, value);
        }
        let event = serde_json::Value::Object(event).to_string();
        frame::begin(AT, Duration::from_secs(3_600));
        for mapping in all() {
            let event = parse_json(event.as_bytes()).unwrap();
            match mapping.apply(event) {
                Ok(made) => prop_assert!(made.is_map() || made.read_lock::<Skip>().is_some()),
                Err(Problem(why)) => prop_assert!(!why.is_empty()),
            }
        }
    }
}

fn put(map: &mut serde_json::Map<String, serde_json::Value>, key: &str, value: serde_json::Value) {
    let Some((head, rest)) = key.split_once('.') else {
        map.insert(key.to_owned(), value);
        return;
    };
    let inner = map
        .entry(head)
        .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
    if let Some(inner) = inner.as_object_mut() {
        put(inner, rest, value);
    }
}
