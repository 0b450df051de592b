//! What every type must hold, by what it says of itself. A new type passes through here without a
//! line of test; `BLESS=1` writes its page and its example anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{cases, configure, items};
use crate::config::{Options, Section};
use crate::destination::docs::{example, page};
use crate::destination::fields::children;
use crate::destination::kind::Type;
use crate::destination::types::TYPES;
use crate::destination::{Destination, Reply, Verdict};
use crate::outcome::Outcome;

#[test]
fn types_have_names_of_their_own_in_order() {
    let names: Vec<&str> = TYPES.iter().map(|one| one.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted, "sort the lines of types/mod.rs");
}

#[test]
fn every_setting_is_documented_and_every_documented_one_is_read() {
    for one in TYPES {
        let variables = BTreeMap::<String, String>::new();
        let mut section =
            Section::parse("destinations.it", one.example.settings, &variables).unwrap();
        (one.load)(&mut section, &Options::default());
        let mut read = section.known().to_vec();
        read.sort_unstable();
        read.dedup();
        let mut documented: Vec<&str> = one.settings.iter().map(|one| one.key).collect();
        documented.sort_unstable();
        assert_eq!(documented, read, "{}", one.name);
    }
}

#[test]
fn every_example_waits_for_its_variables_and_for_nothing_else() {
    for one in TYPES {
        let missing = configure(one.name, one.example.settings).expect(one.name);
        let names: Vec<&str> = one.example.variables.iter().map(|one| one.name).collect();
        assert_eq!(missing.missing, names, "{}", one.name);
        assert_eq!(example(one).expect(one.name).missing, [""; 0]);
    }
}

#[test]
fn a_nested_field_stands_in_a_field_that_is_listed() {
    for one in TYPES {
        for field in one.fields {
            let Some((parent, key)) = field.path.rsplit_once('.') else {
                continue;
            };
            let parent_name = parent.trim_end_matches("[]");
            let is_listed = one
                .fields
                .iter()
                .any(|other| other.path.trim_end_matches("[]") == parent_name);
            assert!(is_listed, "{}: {parent_name} of {}", one.name, field.path);
            let known = children(one.fields, parent);
            assert!(
                known.contains(&key.trim_end_matches("[]")),
                "{}",
                field.path
            );
        }
    }
}

/// The payloads of a type's golden requests that its example takes.
fn payloads(one: &Type, destination: &Destination) -> Vec<Vec<u8>> {
    let cases = cases(&format!("{}/requests.json", one.name));
    let all = cases
        .iter()
        .flat_map(|case| case["payloads"].as_array().unwrap())
        .map(|payload| payload.to_string().into_bytes());
    all.filter(|payload| {
        let item = items(std::slice::from_ref(payload));
        destination.vendor.encode(&item).is_ok()
    })
    .collect()
}

#[test]
fn a_secret_is_never_shown() {
    for one in TYPES {
        let destination = example(one).expect(one.name);
        let payloads = payloads(one, &destination);
        assert!(!payloads.is_empty(), "{}: no payload fits", one.name);
        for variable in one.example.variables {
            let secret = variable.secret;
            assert!(variable.value.contains(secret), "{}", one.name);
            let repeated = destination.hide(&format!("no such key: {secret}"));
            assert_eq!(repeated, "no such key: ***", "{}", one.name);
            let debug = format!("{destination:?}");
            assert!(!debug.contains(secret), "{}: {debug}", one.name);
            for payload in &payloads {
                let outgoing = destination
                    .vendor
                    .encode(&items(std::slice::from_ref(payload)))
                    .unwrap();
                let shown = format!("{:?}", destination.show(&outgoing));
                assert!(!shown.contains(secret), "{}: {shown}", one.name);
            }
        }
    }
}

proptest! {
    /// No reply makes a reader panic, forget an item, or send the same again at once.
    #[test]
    fn every_reply_of_every_type_is_read(
        status in 100_u16..600,
        text in ".{0,60}",
        number in any::<i64>(),
        count in 1_usize..5,
    ) {
        let words = json!([number, text, null, { "index": number, "errors": [{ "index": count }] }]);
        let bodies = [
            text.clone(),
            json!({
                "error": text, "ok": false, "code": number, "status": text, "errors": words,
                "failed_records": words, "error_code": number, "parameters": { "retry_after": number },
                "retry_after": 1e300, "events": words, "detail": words, "message": words,
                "events_with_invalid_fields": { "a": [count, 0] }, "throttled_events": words,
            })
            .to_string(),
            json!({ "error": { "code": number, "type": text, "is_transient": words, "details": words } }).to_string(),
            json!(words).to_string(),
        ];
        for one in TYPES {
            let destination = example(one).unwrap();
            for body in &bodies {
                let reply = Reply { status, body: body.clone().into(), ..Reply::default() };
                match destination.vendor.read(&reply, count) {
                    Verdict::Each(outcomes) => {
                        prop_assert_eq!(outcomes.len(), count, "{}", one.name);
                        let untried = |outcome: &Outcome| matches!(outcome, Outcome::NotTried { .. });
                        prop_assert!(!outcomes.iter().all(untried), "{}", one.name);
                    }
                    Verdict::All(outcome) => {
                        let is_untried = matches!(outcome, Outcome::NotTried { .. });
                        prop_assert!(!is_untried, "{}", one.name);
                    }
                    Verdict::Split(_) => {}
                }
            }
        }
    }
}

proptest! {
    /// No payload makes an encoder panic, and what it refuses it refuses with a reason.
    #[test]
    fn every_payload_of_every_type_is_sent_or_refused(
        key in "[a-z_$]{1,12}", text in ".{0,40}", number in any::<f64>(),
    ) {
        let payloads: [Value; 4] = [
            json!({}),
            json!({ key.as_str(): text }),
            json!({ key.as_str(): number, "text": number, "body": { "a": text } }),
            json!([text]),
        ];
        for one in TYPES {
            let destination = example(one).unwrap();
            for payload in &payloads {
                let payload = [payload.to_string().into_bytes()];
                if let Err(refused) = destination.vendor.encode(&items(&payload)) {
                    prop_assert!(!refused.why.is_empty() && refused.index == 0, "{}", one.name);
                }
            }
        }
    }
}

#[test]
fn every_page_is_current() {
    for one in TYPES {
        let path = format!("docs/destinations/{}.md", one.name);
        check_or_bless(&path, &page(one).expect(one.name));
    }
    check_strays("docs/destinations", "md");
}

#[test]
fn every_example_tag_is_current() {
    for one in TYPES {
        let path = format!("examples/destinations/{}.rhai", one.name);
        check_or_bless(&path, one.example.tag);
    }
    check_strays("examples/destinations", "rhai");
}

fn top(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn check_or_bless(path: &str, wanted: &str) {
    let file = top(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is not what the type says of itself; BLESS=1 cargo test --lib destination writes it"
    );
}

/// Nothing is left of a type that is gone.
fn check_strays(folder: &str, ending: &str) {
    for entry in std::fs::read_dir(top(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(&format!(".{ending}")) else {
            continue;
        };
        let is_known = stem == "README" || TYPES.iter().any(|one| one.name == stem);
        assert!(is_known, "{folder}/{name} belongs to no type");
    }
}
