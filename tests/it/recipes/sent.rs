//! Every recipe served as a user serves it: its requests come in over sockets, and what arrives at
//! stand-ins of the vendors is what its cases say, and is taken there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tagwerk::emulator::{Emulator, Kind, Received};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::recipe::{Case, Recipe, recipes};
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

/// Servers that run at once.
const AT_ONCE: usize = 4;

/// What is another each time or on each machine: keys, and the moment, where a case has one of its own.
const NOT_COMPARED: [&str; 4] = ["api_key", "customer_site_id", "at", "time"];

/// The type of destination that writes to the disk, and needs nobody to stand in for.
const FILE: &str = "file";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_recipe_sends_arrives_and_is_taken() {
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for recipe in recipes() {
        let seats = seats.clone();
        running.spawn(async move {
            let _seat = seats.acquire().await.unwrap();
            let name = recipe.name.clone();
            (
                name,
                tokio::spawn(async move { try_recipe(&recipe).await }).await,
            )
        });
    }
    while let Some(done) = running.join_next().await {
        let (name, tried) = done.unwrap();
        tried.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

async fn try_recipe(recipe: &Recipe) {
    let stand_ins = stand_ins(recipe).await;
    let set = working_set(recipe, &stand_ins);
    let server = Server::start_with(&set, &recipe.variables()).await;
    for case in &recipe.cases {
        post(&server, recipe, case).await;
    }
    let events: usize = recipe.cases.iter().map(|case| case.events.len()).sum();
    let deliveries: usize = recipe.cases.iter().map(|case| case.deliveries.len()).sum();
    let waits = recipe.files(".rhai").iter().any(|file| {
        let source = fs::read_to_string(recipe.folder.join(file)).unwrap();
        source.contains("\nconst DELAY")
    });
    let state = if waits { "pending" } else { "delivered" };
    server
        .status_where(|status| {
            let journal = &status["journal"];
            journal["events"] == events
                && journal["unprocessed"] == 0
                && count(status, state) == deliveries as u64
        })
        .await;
    if !waits {
        compare(recipe, &stand_ins);
        compare_lines(recipe, &set);
    }
    server.kill().await;
}

async fn stand_ins(recipe: &Recipe) -> BTreeMap<String, StandIn> {
    let mut found = BTreeMap::new();
    for (name, destination) in recipe.config["destinations"].as_table().unwrap() {
        let kind = destination["type"].as_str().unwrap();
        if kind == FILE {
            continue;
        }
        let kind: Kind = kind.parse().unwrap();
        found.insert(name.clone(), StandIn::start(Emulator::new(kind)).await);
    }
    found
}

/// The recipe in a folder of its own, with other addresses.
fn working_set(recipe: &Recipe, stand_ins: &BTreeMap<String, StandIn>) -> WorkingSet {
    let mut config = recipe.config.clone();
    config.remove("scripts");
    for (name, destination) in config["destinations"].as_table_mut().unwrap() {
        let destination = destination.as_table_mut().unwrap();
        let Some(stand_in) = stand_ins.get(name) else {
            continue;
        };
        let endpoint = format!("http://{}", stand_in.address);
        destination.insert("endpoint".to_owned(), endpoint.into());
        // One delivery a request, to compare one by one.
        if ["amplitude", "tracify"].contains(&destination["type"].as_str().unwrap()) {
            destination.insert("batch".to_owned(), 1.into());
        }
    }
    let trusted = "server.trusted_proxies = [\"127.0.0.0/8\"]\n";
    let set = WorkingSet::new(&format!("{trusted}{config}"));
    for kind in ["clients", "tags", "shared", "tables", "transforms"] {
        copy(&recipe.scripts(kind), kind, &set);
    }
    set
}

fn copy(from: &Path, to: &str, set: &WorkingSet) {
    // A recipe without shared modules has no folder for them.
    let Ok(entries) = fs::read_dir(from) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        set.write(&format!("{to}/{name}"), fs::read(entry.path()).unwrap());
    }
}

async fn post(server: &Server, recipe: &Recipe, case: &Case) {
    let request = &case.request;
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        match &**name {
            "host" | "content-length" | "x-tagwerk-received-at" => {}
            "x-tagwerk-sender" => headers.push(format!("x-forwarded-for: {value}")),
            name => headers.push(format!("{name}: {value}")),
        }
    }
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let answer = server
        .send(request.method(), request.path(), &headers, &request.body)
        .await;
    let is_good = [200, 204, 303].contains(&answer.status);
    assert!(is_good, "{}/{}: {answer:?}", recipe.name, case.name);
}

/// How many deliveries are in this state.
fn count(status: &Value, state: &str) -> u64 {
    let all = status["deliveries"].as_array().into_iter().flatten();
    let of_state = all.filter(|one| one["state"] == state);
    of_state.filter_map(|one| one["count"].as_u64()).sum()
}

/// Everything that a case says came, to its destination, and nothing else; the order is not promised.
fn compare(recipe: &Recipe, stand_ins: &BTreeMap<String, StandIn>) {
    for (destination, stand_in) in stand_ins {
        let mut received = stand_in.emulator.received();
        for case in &recipe.cases {
            for delivery in case
                .deliveries
                .iter()
                .filter(|one| one["destination"] == **destination)
            {
                let at = received
                    .iter()
                    .position(|one| is_that(one, &delivery["request"]));
                let Some(at) = at else {
                    panic!(
                        "{}/{}: {delivery} is not among {received:#?}",
                        recipe.name, case.name
                    );
                };
                let one = received.remove(at);
                assert_eq!(one.refused, [""; 0], "{}/{}", recipe.name, case.name);
                assert_eq!(
                    one.accepted + one.duplicates,
                    1,
                    "{}/{}",
                    recipe.name,
                    case.name
                );
            }
        }
        assert!(
            received.is_empty(),
            "{}: unasked for: {received:#?}",
            recipe.name
        );
    }
}

/// The same for what is written to files, line by line.
fn compare_lines(recipe: &Recipe, set: &WorkingSet) {
    for (name, destination) in recipe.config["destinations"].as_table().unwrap() {
        if destination["type"].as_str() != Some(FILE) {
            continue;
        }
        let path = set.file(destination["path"].as_str().unwrap());
        let text = fs::read_to_string(path).unwrap();
        let mut lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let deliveries = recipe.cases.iter().flat_map(|case| &case.deliveries);
        for delivery in deliveries.filter(|one| one["destination"] == **name) {
            let body = &delivery["request"]["body"];
            let at = lines.iter().position(|line| is_same(line, body));
            lines.remove(at.unwrap_or_else(|| panic!("{}: no line {body}", recipe.name)));
        }
        assert!(lines.is_empty(), "{}: unasked for: {lines:?}", recipe.name);
    }
}

fn is_that(received: &Received, expected: &Value) -> bool {
    let url = expected["url"].as_str().unwrap();
    // The address of Slack's webhook is its key.
    let is_there = url.is_empty() || url.ends_with(&*received.path);
    let text = String::from_utf8_lossy(&received.body);
    let is_body = match &expected["body"] {
        Value::String(body) => *text == **body,
        body => serde_json::from_str(&text).is_ok_and(|came| is_same(&came, body)),
    };
    is_there && is_body && expected["method"] == received.method.as_str()
}

fn is_same(came: &Value, expected: &Value) -> bool {
    match (came, expected) {
        (Value::Object(came), Value::Object(expected)) => {
            let mut keys = came.keys().chain(expected.keys());
            keys.all(|key| {
                NOT_COMPARED.contains(&&**key)
                    || matches!((came.get(key), expected.get(key)), (Some(a), Some(b)) if is_same(a, b))
            })
        }
        (Value::Array(came), Value::Array(expected)) => {
            let mut pairs = came.iter().zip(expected);
            came.len() == expected.len() && pairs.all(|(came, expected)| is_same(came, expected))
        }
        (came, expected) => expected == "<varies>" || came == expected,
    }
}
