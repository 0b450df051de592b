//! What users read when a script is wrong: small broken scripts in `tests/data/faults`, each with
//! the exact text in a `.txt` beside it. `BLESS=1 cargo test script_faults` writes the texts anew.

use std::fs;
use std::path::{Path, PathBuf};

use tagwerk::intake::{self, Intake};
use tagwerk::script::{self, Worker, with_script_stack};

use crate::support::call::{Call, run_tag};
use crate::support::folder::Folder;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faults");

const EVENT: &str = r#"{
    "event_name": "purchase", "value": 29.35, "total": "29.35", "currency": "EUR",
    "items": [{ "item_id": "sku-1", "item_name": "Mug" }]
}"#;

#[test]
fn faults_say_what_where_and_how_to_mend_it() {
    let cases = ["clients", "tags"].map(scripts);
    let cases: Vec<PathBuf> = cases.into_iter().flatten().collect();
    assert!(cases.len() > 100, "only {} cases were found", cases.len());
    let texts = with_script_stack(|| {
        let mut worker = Worker::new();
        let faults = cases.iter().map(|case| fault(&mut worker, case));
        faults.collect::<Vec<String>>()
    });
    let mut wrong = Vec::new();
    for (case, text) in cases.iter().zip(texts.unwrap()) {
        let expected = case.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &text).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if text != expected {
            wrong.push(format!("{}\n{text}instead of\n{expected}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn scripts(kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(CASES).join(kind)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_script = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "rhai");
    let mut scripts: Vec<PathBuf> = paths.filter(is_script).collect();
    scripts.sort();
    scripts
}

/// Loads the script as the only one of its kind, runs it if it loads, and tells what was wrong.
fn fault(worker: &mut Worker, case: &Path) -> String {
    let folder = Folder::new();
    let file = case.strip_prefix(CASES).unwrap();
    folder.write(file.to_str().unwrap(), &fs::read_to_string(case).unwrap());
    for module in scripts("shared") {
        let name = module.strip_prefix(CASES).unwrap().to_str().unwrap();
        folder.write(name, &fs::read_to_string(&module).unwrap());
    }
    let generation = match folder.try_load() {
        Ok(loaded) => loaded.live,
        Err(problems) => return format!("{problems}\n"),
    };
    if let Some(tag) = generation.tags.first() {
        let event = script::parse_json(EVENT.as_bytes()).unwrap();
        let fault = run_tag(worker, tag, event).fault;
        return fault.map_or_else(no_fault, |fault| format!("{fault}\n"));
    }
    let request = Call::post("/order").body("{ \"id\": 17, }").build();
    match intake::take(worker, &generation, &request, None) {
        Intake::Failed { fault, .. } => format!("{fault}\n"),
        Intake::Answered { response, .. } => format!(
            "{} {}\n",
            response.status,
            String::from_utf8_lossy(&response.body)
        ),
        Intake::Accepted { .. } => no_fault(),
    }
}

/// So that one looks at it: no case is here to be good.
fn no_fault() -> String {
    "no fault\n".to_owned()
}
