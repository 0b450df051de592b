//! Enforces the map of the house, `src/lib.rs`: who may use whom, where each outside crate lives,
//! no file that nobody reads, no file too long to read.
//!
//! The checks themselves are in `support::house_rules`; here is what they hold our sources to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::house_rules::{
    Fault, Files, order, orphans, sources, strays, too_long, upward,
};

/// Outside crates that are used in one place, and the modules (or files) that are that place.
const HOMES: &[(&str, &[&str])] = &[
    ("ahash", &["script"]),
    ("annotate_snippets", &["config"]),
    ("anstream", &["cli"]),
    ("anstyle", &["cli"]),
    ("axum", &["admin", "emulator"]),
    ("clap", &["cli"]),
    ("crc32fast", &["journal"]),
    ("csv", &["script"]),
    ("flate2", &["request"]),
    ("governor", &["dispatch"]),
    ("hmac", &["client", "destination", "script"]),
    ("http_body_util", &["ingress"]),
    ("hyper", &["ingress"]),
    ("hyper_util", &["ingress"]),
    ("indicatif", &["cli"]),
    ("jiff", &["clock", "destination", "script"]),
    ("md5", &["script"]),
    ("mimalloc", &["main"]),
    ("multer", &["script"]),
    ("notify", &["generation"]),
    ("prometheus_client", &["telemetry"]),
    ("psl", &["script"]),
    ("reqwest", &["destination"]),
    ("rhai", &["script"]),
    ("ring", &["destination"]),
    ("rusqlite", &["journal"]),
    (
        "rustix",
        &["clock", "generation", "journal", "main", "telemetry"],
    ),
    ("rustls", &["destination"]),
    ("rustls_platform_verifier", &["destination"]),
    ("sha1", &["client"]),
    ("similar", &["cli"]),
    ("tokio_rustls", &["destination"]),
    ("tokio_stream", &["admin"]),
    ("toml", &["config", "script"]),
    ("tracing_subscriber", &["telemetry"]),
];

/// Crates that are part of the language we speak: free everywhere.
const FREE: &[&str] = &[
    "arc_swap",
    "base64",
    "bytes",
    "form_urlencoded",
    "getrandom",
    "hex",
    "http",
    "httpdate",
    "ipnet",
    "percent_encoding",
    "regex",
    "serde",
    "serde_json",
    "sha2",
    "strsim",
    "subtle",
    "tempfile",
    "tokio",
    "tokio_util",
    "tracing",
    "ulid",
];

/// Packages whose library has another name than the package.
const RENAMED: &[(&str, &str)] = &[("md-5", "md5")];

/// What breaks a rule and may: file, the module or crate it names, and why. One that is no longer
/// needed fails too.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

#[test]
fn a_module_uses_only_modules_above_it() {
    let files = house();
    let order = order(&files);
    assert!(order.len() >= 5, "src/lib.rs declares {order:?}");
    assert_eq!(without_exceptions(upward(&order, &files)), [""; 0]);
}

#[test]
fn an_outside_crate_stays_in_its_home() {
    assert_eq!(without_exceptions(strays(HOMES, &house())), [""; 0]);
}

#[test]
fn every_dependency_has_a_home_or_is_free() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let needed: BTreeSet<_> = manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .map(|name| library(name))
        .collect();
    let homes = HOMES.iter().map(|(name, _)| *name);
    let housed: BTreeSet<_> = homes
        .chain(FREE.iter().copied())
        .map(str::to_owned)
        .collect();
    let homeless: Vec<_> = needed.difference(&housed).collect();
    assert!(
        homeless.is_empty(),
        "give a home in HOMES, or a place in FREE, to {homeless:?}"
    );
    let gone: Vec<_> = housed.difference(&needed).collect();
    assert!(gone.is_empty(), "no longer in Cargo.toml: {gone:?}");
}

#[test]
fn every_exception_is_still_needed() {
    let files = house();
    let mut faults = upward(&order(&files), &files);
    faults.extend(strays(HOMES, &files));
    for (file, names, why) in EXCEPTIONS {
        let is_needed = faults
            .iter()
            .any(|fault| fault.file == *file && fault.names == *names);
        assert!(
            is_needed,
            "{file} no longer needs its exception for {names} ({why})"
        );
    }
}

#[test]
fn every_file_is_declared_by_a_module() {
    assert_eq!(orphans(&house()), [""; 0]);
}

#[test]
fn no_file_is_too_long() {
    let mut files = texts("src");
    files.extend(texts("tests"));
    files.extend(texts("benches"));
    assert_eq!(too_long(&files), [""; 0]);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn house() -> Files {
    let files = sources(&texts("src"));
    assert!(files.len() > 5, "found only {:?}", files.keys());
    files
}

/// The `.rs` files under a folder, by their path from the root.
fn texts(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = folder.read_dir() else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
                found.insert(
                    name.replace('\\', "/"),
                    std::fs::read_to_string(&path).unwrap(),
                );
            }
        }
    }
    found
}

fn library(package: &str) -> String {
    let renamed = RENAMED.iter().find(|(name, _)| *name == package);
    renamed
        .map_or(package, |(_, library)| library)
        .replace('-', "_")
}

fn without_exceptions(faults: Vec<Fault>) -> Vec<String> {
    let is_excepted = |fault: &Fault| {
        EXCEPTIONS
            .iter()
            .any(|(file, names, _)| *file == fault.file && *names == fault.names)
    };
    let left = faults.into_iter().filter(|fault| !is_excepted(fault));
    left.map(|fault| format!("{}:{}: {}", fault.file, fault.line, fault.why))
        .collect()
}
