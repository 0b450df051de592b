//! What `tagwerk check` says: a folder of `tests/data/check` for each sort of mistake, with the exact
//! output in its `expected.txt`. `BLESS=1 cargo test --test it check::` writes these anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::command::{Ended, run};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/check");

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(CASES)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() > 30, "only {} cases were found", cases.len());
    cases
}

#[tokio::test]
async fn each_sort_of_mistake_is_told_as_a_compiler_does() {
    let mut wrong = Vec::new();
    for case in cases() {
        let text = told(&run(&case, &["check"]).await);
        let file = case.join("expected.txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&file, &text).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if text != expected {
            wrong.push(format!("{}\n{text}instead of\n{expected}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All that a person sees. A generation's id depends on where the folder is.
fn told(ended: &Ended) -> String {
    let stdout = match ended.stdout.split_once(" (generation ") {
        Some((before, after)) => {
            let rest = after.split_once(')').unwrap().1;
            format!("{before}{}", rest.split(" (generation ").next().unwrap())
        }
        None => ended.stdout.clone(),
    };
    format!(
        "{}{}\nexit code {}\n",
        ended.stderr,
        stdout.trim_end(),
        ended.code
    )
}

#[tokio::test]
async fn machines_are_told_the_same() {
    let (mut findings, mut kinds) = (0, std::collections::BTreeSet::new());
    for case in cases() {
        let human = run(&case, &["check"]).await;
        let json = run(&case, &["check", "--format", "json"]).await;
        assert_eq!(
            (json.code, json.stderr.as_str()),
            (human.code, ""),
            "{case:?}"
        );
        let report = json.json();
        let github = run(&case, &["check", "--format", "github"]).await;
        assert_eq!(github.code, human.code);
        let found = report["findings"].as_array().unwrap();
        assert_eq!(
            github.stdout.lines().count(),
            found.len(),
            "{}",
            github.stdout
        );
        for (one, line) in found.iter().zip(github.stdout.lines()) {
            assert!(
                human.stderr.contains(one["message"].as_str().unwrap()),
                "{one}"
            );
            let severity = one["severity"].as_str().unwrap();
            assert!(line.starts_with(&format!("::{severity} file=")), "{line}");
            kinds.insert(one["kind"].as_str().unwrap().to_owned());
            findings += 1;
        }
        let errors = found
            .iter()
            .filter(|one| one["severity"] == "error")
            .count();
        assert_eq!(report["errors"], errors);
        assert_eq!(report["ok"], errors == 0);
        assert_eq!(human.code, i32::from(errors > 0));
        let strict = run(&case, &["check", "--strict"]).await;
        assert_eq!(strict.code, i32::from(!found.is_empty()), "{case:?}");
    }
    assert!(findings > 35, "{findings}");
    assert!(!kinds.contains(""), "{kinds:?}");
    assert!(kinds.len() >= 15, "{kinds:?}");
}

#[tokio::test]
async fn a_reload_says_the_same_as_check() {
    let case = Path::new(CASES).join("unknown-function");
    let checked = run(&case, &["check", "--format", "json"]).await.json();
    let problems = tagwerk::generation::load(
        &case.join("tagwerk.toml"),
        &std::collections::BTreeMap::new(),
    );
    let problems = problems.unwrap_err();
    let messages: Vec<Value> = problems
        .iter()
        .map(|one| one.message.as_str().into())
        .collect();
    let found = checked["findings"].as_array().unwrap().iter();
    assert!(found.map(|one| &one["message"]).eq(&messages));
    let expected = fs::read_to_string(case.join("expected.txt")).unwrap();
    assert!(expected.starts_with(&problems.to_string()), "{problems}");
}
