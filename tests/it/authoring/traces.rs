//! `tagwerk trace` of what is no `.http` file: a body, event data, an event of the journal; and again
//! whenever a file is saved.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{BAD, NOWHERE, USAGE};
use crate::support::command::{run, run_with_input, tagwerk};
use crate::support::server::Server;
use crate::support::working_set::{ORDER_TAG, WorkingSet};

fn sent(trace: &Value) -> &Value {
    &trace["events"][0]["tags"][0]["deliveries"][0]["request"]["body"]
}

#[tokio::test]
async fn a_body_is_traced_as_if_it_were_posted() {
    let set = WorkingSet::of_orders(NOWHERE).with("order.json", "{\"id\": 7}");
    let trace = run(
        set.path(),
        &["trace", "order.json", "--path", "/order", "--json"],
    )
    .await;
    assert_eq!(sent(&trace.json()), &json!({ "id": 7 }));
    let piped = run_with_input(
        set.path(),
        &["trace", "-", "--path", "/order", "--json"],
        "{\"id\": 8}",
    )
    .await;
    assert_eq!(sent(&piped.json()), &json!({ "id": 8 }));
    let nowhere = run(set.path(), &["trace", "order.json"]).await;
    assert_eq!(nowhere.code, USAGE);
    assert!(nowhere.stderr.contains("--path"), "{}", nowhere.stderr);
}

#[tokio::test]
async fn event_data_goes_straight_to_the_tags() {
    let set = WorkingSet::of_orders(NOWHERE)
        .with("event.json", "{\"event_name\":\"order\",\"order_id\":7}")
        .with(
            "events.json",
            "[{\"event_name\":\"order\",\"order_id\":1},{\"event_name\":\"refund\"}]",
        );
    let one = run(set.path(), &["trace", "event.json", "--json"])
        .await
        .json();
    assert_eq!(sent(&one), &json!({ "id": 7 }));
    let both = run(set.path(), &["trace", "events.json", "--json"])
        .await
        .json();
    assert_eq!(sent(&both[0]), &json!({ "id": 1 }));
    assert_eq!(both[1]["events"][0]["tags"], json!([]));
    let tree = run(set.path(), &["trace", "event.json"]).await;
    assert!(
        tree.stdout.contains("tag order → crm ✓ fired"),
        "{}",
        tree.stdout
    );
    set.write(
        "tags/order.rhai",
        ORDER_TAG.replace("event.order_id", "event.order_id.nope()"),
    );
    assert_ne!(run(set.path(), &["trace", "event.json"]).await.code, 0);
}

#[tokio::test]
async fn an_event_of_the_journal_is_traced_by_its_id() {
    let set = WorkingSet::of_orders(NOWHERE);
    let server = Server::start(&set).await;
    let answer = server.post("/order", "{\"id\":7}").await;
    let id = answer.json()["events"][0].as_str().unwrap().to_owned();
    // While the server runs, and after it has stopped.
    let running = run(set.path(), &["trace", &id, "--json"]).await;
    assert_eq!(
        sent(&running.json()),
        &json!({ "id": 7 }),
        "{}",
        running.stderr
    );
    server.stop().await;
    set.write(
        "tags/order.rhai",
        ORDER_TAG.replace("id: event", "order: event"),
    );
    let stopped = run(set.path(), &["trace", &id, "--json"]).await;
    assert_eq!(sent(&stopped.json()), &json!({ "order": 7 }));
    let unknown = run(set.path(), &["trace", "01JGK2V3Q4R5S6T7V8W9X0YZAB"]).await;
    assert_eq!(unknown.code, USAGE);
    assert!(
        unknown.stderr.contains("neither a file"),
        "{}",
        unknown.stderr
    );
}

#[tokio::test]
async fn a_saved_file_is_traced_again() {
    let set = WorkingSet::of_orders(NOWHERE).with("order.http", "POST /order\n\n{\"id\":7}");
    let mut watching = tagwerk(set.path(), &["trace", "--watch", "order.http"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut waits = BufReader::new(watching.stderr.take().unwrap()).lines();
    let first = until(&mut lines, "\"id\": 7").await;
    assert!(first);
    assert!(until(&mut waits, "waiting for a file").await);
    set.write(
        "tags/order.rhai",
        ORDER_TAG.replace("id: event", "order: event"),
    );
    assert!(until(&mut lines, "\"order\": 7").await);
    watching.kill().await.unwrap();
    let once = run_with_input(set.path(), &["trace", "--watch", "-"], "POST /order\n\n{}").await;
    assert_eq!(once.code, USAGE);
    let broken = WorkingSet::of_orders(NOWHERE).with("e.json", "{\"event_name\":\"order\"}");
    broken.write(
        "tags/order.rhai",
        ORDER_TAG.replace("event.order_id", "event.order_id.nope"),
    );
    assert_eq!(run(broken.path(), &["trace", "e.json"]).await.code, BAD);
}

async fn until<R: tokio::io::AsyncRead + Unpin>(
    lines: &mut tokio::io::Lines<BufReader<R>>,
    part: &str,
) -> bool {
    let look = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(part) {
                return true;
            }
        }
        false
    };
    let found = tokio::time::timeout(std::time::Duration::from_secs(30), look).await;
    found.expect("it is not said")
}
