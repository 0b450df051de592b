//! Replays, dry and for real, by the command and over the API.

use serde_json::{Value, json};

use crate::support::operator::Operator;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::working_set::{ORDER_TAG, WorkingSet, http_destination};

/// A client that keeps all that it is sent.
const CLIENT: &str = r#"
const PATH = "/order";
fn parse(request) { #{ event_name: "order", order_id: request.json.id, total: request.json.total } }
"#;

const TAG: &str = r#"
const ON = "order";
const TO = "crm";
fn tag(event) { #{ body: #{ id: event.order_id, total: event.total, currency: "EUR" } } }
"#;

fn set(crm: &StandIn) -> WorkingSet {
    WorkingSet::new(&http_destination("crm", crm.address))
        .with("clients/order.rhai", CLIENT)
        .with("tags/order.rhai", TAG)
}

async fn order(server: &Server, operator: &Operator<'_>, count: u64) {
    for id in 1..=count {
        let body = json!({ "id": id, "total": id * 10 }).to_string();
        assert_eq!(server.post("/order", &body).await.status, 200);
    }
    operator.wait_for("crm", "delivered", count).await;
}

#[tokio::test]
async fn a_dry_run_shows_exactly_what_changed_and_sends_nothing() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, &operator, 2).await;
    let diff = ["replay", "--since", "1h", "--dry-run", "--diff"];
    let same = operator.expect(0, &diff).await;
    assert_eq!(
        same,
        "2 events: 2 same, 0 changed, 0 new, 0 gone, 0 faults; nothing was sent\n"
    );

    // One of the two is more than 10, and now in cents.
    let changed = TAG.replace(
        "event.total,",
        "if event.total > 10 { event.total * 100 } else { event.total },",
    );
    operator.save("tags/order.rhai", &changed).await;
    let shown = operator.expect(0, &diff).await;
    let marked: Vec<&str> = shown
        .lines()
        .filter(|line| {
            line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
        })
        .collect();
    assert_eq!(
        marked,
        ["-  \"total\": 20", "+  \"total\": 2000"],
        "{shown}"
    );
    assert!(shown.contains("changed order → crm, event "), "{shown}");
    assert!(
        shown.ends_with("2 events: 1 same, 1 changed, 0 new, 0 gone, 0 faults; nothing was sent\n"),
        "{shown}"
    );

    let plain = operator
        .expect(0, &["replay", "--since", "1h", "--dry-run"])
        .await;
    assert_eq!(
        plain,
        "2 events would make 2 deliveries, 0 faults; nothing was sent\n"
    );
    operator.wait_for("crm", "delivered", 2).await;
    assert_eq!(crm.emulator.received().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn new_gone_and_failing_deliveries_are_told_apart() {
    let crm = StandIn::of("http").await;
    let set = set(&crm)
        .with("tags/gone.rhai", TAG)
        .with("tags/breaks.rhai", TAG);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    assert_eq!(
        server.post("/order", r#"{"id":1,"total":5}"#).await.status,
        200
    );
    operator.wait_for("crm", "delivered", 3).await;

    std::fs::remove_file(set.file("tags/gone.rhai")).unwrap();
    set.write("tags/new.rhai", TAG);
    let breaks = TAG.replace("fn tag(event) {", "fn tag(event) { throw \"it broke\";");
    operator.save("tags/breaks.rhai", &breaks).await;
    let asked = json!({ "since": "1h", "dry_run": true, "diff": true });
    let answer = operator.post("/api/replay", &asked).await;
    let differences = answer["differences"].as_array().unwrap();
    let mut kinds: Vec<[&str; 2]> = differences
        .iter()
        .map(|one| [one["tag"].as_str().unwrap(), one["kind"].as_str().unwrap()])
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [["breaks", "fault"], ["gone", "gone"], ["new", "new"]]
    );
    let compared = json!({ "same": 1, "changed": 0, "new": 1, "gone": 1, "faults": 1 });
    assert_eq!(answer["compared"], compared);

    let diff = ["replay", "--since", "1h", "--dry-run", "--diff"];
    let shown = operator.expect(1, &diff).await;
    for expected in [
        "tags/breaks.rhai:4",
        "it broke",
        "gone gone → crm",
        "new new → crm",
        "1 fault; nothing was sent",
        "1 fault; see above",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let one = operator
        .expect(0, &[&diff[..], &["--tag", "order"]].concat())
        .await;
    assert_eq!(
        one,
        "1 event: 1 same, 0 changed, 0 new, 0 gone, 0 faults; nothing was sent\n"
    );
    let gone = operator
        .expect(2, &[&diff[..], &["--tag", "gone"]].concat())
        .await;
    assert!(gone.contains("there is no tag gone"), "{gone}");
    server.stop().await;
}

#[tokio::test]
async fn a_replay_sends_again_under_the_same_ids() {
    let crm = StandIn::of("http").await;
    let set = set(&crm);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    order(&server, &operator, 3).await;
    set.write("tags/other.rhai", ORDER_TAG);
    operator
        .save("tags/order.rhai", &TAG.replace("EUR", "USD"))
        .await;
    let said = operator
        .expect(0, &["replay", "--since", "1h", "--tag", "order"])
        .await;
    assert!(
        said.starts_with("3 events replayed: 3 deliveries to send"),
        "{said}"
    );
    crm.wait_for(6).await;
    operator.wait_for("crm", "delivered", 3).await;

    let received = crm.emulator.received();
    let key = |at: usize| received[at].headers["idempotency-key"].clone();
    let mut before: Vec<_> = (0..3).map(key).collect();
    let mut after: Vec<_> = (3..6).map(key).collect();
    before.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    after.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    assert_eq!(before, after);
    let currencies: Vec<Value> = crm
        .bodies()
        .iter()
        .map(|body| body["currency"].clone())
        .collect();
    assert_eq!(currencies, ["EUR", "EUR", "EUR", "USD", "USD", "USD"]);

    // A window that is over has nothing of it; pages add up.
    let none = operator
        .expect(
            0,
            &["replay", "--since", "2h", "--until", "1h", "--dry-run"],
        )
        .await;
    assert!(none.starts_with("0 events"), "{none}");
    let mut asked = json!({ "since": "1h", "dry_run": true, "limit": 2 });
    let first = operator.post("/api/replay", &asked).await;
    assert_eq!(
        [&first["events"], &first["total"], &first["to_send"]],
        [2, 3, 4]
    );
    asked["after"] = first["next"].clone();
    let last = operator.post("/api/replay", &asked).await;
    assert_eq!((&last["events"], &last["next"]), (&json!(1), &Value::Null));
    server.stop().await;
}

#[tokio::test]
async fn many_events_are_replayed_only_if_somebody_says_so() {
    let table =
        "[destinations.crm]\ntype = \"http\"\nurl = \"https://crm.test/\"\ndry_run = true\n";
    let bulk = CLIENT
        .replace(
            "#{ event_name",
            "let events = []; for id in 0..101 { events.push(#{ event_name",
        )
        .replace("total: request.json.total } }", "}); } events }");
    let set = WorkingSet::new(table)
        .with("clients/order.rhai", &bulk)
        .with("tags/order.rhai", ORDER_TAG);
    let server = Server::start(&set).await;
    let operator = Operator::new(&set, &server);
    for _ in 0..10 {
        let answer = server.post("/order", r#"{"id":1}"#).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    operator.wait_for("crm", "dry_run", 1_010).await;
    let asks = operator.expect(2, &["replay", "--since", "1h"]).await;
    assert!(
        asks.contains("replay 1,010 events for real?") && asks.contains("--yes"),
        "{asks}"
    );
    let said = operator
        .expect(0, &["replay", "--since", "1h", "--yes"])
        .await;
    assert!(
        said.starts_with("1,010 events replayed: 1,010 deliveries to send"),
        "{said}"
    );
    operator.wait_for("crm", "dry_run", 1_010).await;
    let wrong = operator
        .expect(2, &["replay", "--since", "1h", "--diff"])
        .await;
    assert!(wrong.contains("--dry-run --diff"), "{wrong}");
    server.stop().await;
}
