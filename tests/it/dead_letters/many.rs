//! More dead letters than a page has.

use serde_json::{Value, json};

use super::{BROKEN_TAG, DEAD, list};
use crate::support::operator::Operator;
use crate::support::server::Server;
use crate::support::working_set::{ORDER_TAG, WorkingSet};

/// Makes as many orders as it is told, the script's limits allowing.
const BULK_CLIENT: &str = r#"
const PATH = "/order";
fn parse(request) {
    let events = [];
    for id in 0..request.json.count {
        events.push(#{ event_name: "order", order_id: request.json.first + id });
    }
    events
}
"#;

const CRM: &str =
    "[destinations.crm]\ntype = \"http\"\nurl = \"https://crm.test/\"\ndry_run = true\n";

#[tokio::test]
async fn thousands_go_page_by_page() {
    let set = WorkingSet::new(CRM)
        .with("clients/order.rhai", BULK_CLIENT)
        .with("tags/order.rhai", BROKEN_TAG);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    for first in (0..2_500).step_by(100) {
        let body = json!({ "first": first, "count": 100 }).to_string();
        assert_eq!(server.post("/order", &body).await.status, 200);
    }
    operator.wait_for("crm", "dead", 2_500).await;

    let (mut after, mut pages, mut ids) = (0, Vec::new(), std::collections::BTreeSet::new());
    loop {
        let page = operator
            .get(&format!("{DEAD}&limit=1000&after={after}"))
            .await;
        pages.push(list(&page).len());
        let of_page = list(&page).iter();
        ids.extend(of_page.map(|letter| letter["delivery_id"].as_str().unwrap().to_owned()));
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!((pages, ids.len()), (vec![1_000, 1_000, 500], 2_500));
    let lines = operator.expect(0, &["dead", "list", "--json"]).await;
    assert_eq!(lines.lines().count(), 2_500);
    let table = operator.expect(0, &["dead", "list", "--limit", "10"]).await;
    assert_eq!(table.lines().count(), 13, "{table}");
    assert!(
        table.contains("2,500 dead deliveries") && table.contains("oldest 10"),
        "{table}"
    );

    operator.save("tags/order.rhai", ORDER_TAG).await;
    let first = operator
        .post(
            "/api/deliveries/retry",
            &json!({ "all": true, "limit": 300 }),
        )
        .await;
    assert_eq!([&first["found"], &first["to_send"]], [300, 300]);
    let named: Vec<&String> = ids.iter().take(1_000).collect();
    let named = operator
        .post("/api/deliveries/retry", &json!({ "ids": named }))
        .await;
    assert!(named["found"].as_u64().unwrap() >= 700, "{named}");
    let rest = operator
        .expect(0, &["dead", "retry", "--tag", "order"])
        .await;
    assert!(rest.starts_with("retried 1"), "{rest}");
    operator.wait_for("crm", "dry_run", 2_500).await;

    // One call does all pages, too.
    operator.save("tags/order.rhai", BROKEN_TAG).await;
    let again = json!({ "since": "1h" });
    let replayed: Value = operator.post("/api/replay", &again).await;
    assert_eq!([&replayed["events"], &replayed["dead"]], [2_500, 2_500]);
    operator.wait_for("crm", "dead", 2_500).await;
    operator.save("tags/order.rhai", ORDER_TAG).await;
    let all = operator
        .post("/api/deliveries/retry", &json!({ "all": true }))
        .await;
    assert_eq!([&all["found"], &all["to_send"]], [2_500, 2_500]);
    assert!(all["next"].is_null());
    operator.wait_for("crm", "dry_run", 2_500).await;
    server.stop().await;
}
