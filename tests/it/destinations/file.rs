//! The type `file`, from a request over a real socket to the line on disk.

use std::path::Path;

use serde_json::{Value, json};

use super::{SITE, purchase};
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;

const TABLE: &str = "[destinations.file]\ntype = \"file\"\npath = \"archive/orders.jsonl\"\n";

const TAG: &str = "const ON = \"purchase\";\nconst TO = \"file\";\nfn tag(event) { #{ order: event.transaction_id, text: \"a\\nb\" } }\n";

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("archive/orders.jsonl")).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[tokio::test]
async fn every_order_is_a_line() {
    let set = WorkingSet::new(TABLE)
        .with("clients/site.rhai", SITE)
        .with("tags/file.rhai", TAG);
    let server = Server::start(&set).await;
    for _ in 0..3 {
        let answer = server.post("/collect", &purchase().to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let written = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while lines(set.path()).len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    written.await.unwrap();
    let line = json!({ "order": "T-1024", "text": "a\nb" });
    assert_eq!(lines(set.path()), [line.clone(), line.clone(), line]);
}
