//! Capture sessions: live traffic is watched without a header, and followed to its vendors' answers.

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::sse::Stream;
use crate::support::stand_in::StandIn;
use crate::support::working_set::WorkingSet;

/// Opens a capture session, and returns what is said of it.
async fn capture(server: &Server, asked: Value) -> Value {
    let asked = asked.to_string();
    let opened = server.call("POST", "/api/preview/sessions", &asked).await;
    assert_eq!(opened.status, 200, "{}", opened.body);
    opened.json()
}

async fn rows(server: &Server, query: &str) -> Vec<Value> {
    let answer = server
        .call("GET", &format!("/api/traces?{query}"), "")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().as_array().unwrap().clone()
}

async fn trace(server: &Server, row: &Value) -> Value {
    let id = row["trace_id"].as_str().unwrap();
    let path = format!("/api/traces/{id}");
    server.call("GET", &path, "").await.json()
}

async fn order(server: &Server, id: u32) -> u16 {
    let body = json!({ "id": id }).to_string();
    server.post("/order", &body).await.status
}

#[tokio::test]
async fn live_traffic_is_followed_to_the_vendors_answer() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address);
    let server = Server::start(&set).await;
    assert_eq!(order(&server, 1).await, 200);
    let session = capture(&server, json!({ "ttl": "10m", "capture": {} })).await;
    assert_eq!(
        (&session["kind"], &session["token"]),
        (&json!("capture"), &Value::Null)
    );
    let mut stream = Stream::open(&server, "", &[]).await;
    assert_eq!(stream.next().await.name, "hello");
    assert_eq!(order(&server, 2).await, 200);
    let row = stream.until_row(|row| row["outcome"] == "delivered").await;
    let trace = trace(&server, &row.data).await;
    assert_eq!(trace["mode"], "capture");
    assert_eq!(trace["session"], session["id"]);
    assert_eq!(trace["response"]["status"], 200);
    let tag = &trace["events"][0]["tags"][0];
    assert_eq!(
        (&tag["name"], &tag["fired"]),
        (&json!("order"), &json!(true))
    );
    let delivery = &tag["deliveries"][0];
    assert_eq!(delivery["state"], "delivered");
    let attempt = &delivery["attempts"][0];
    assert_eq!(
        (&attempt["status"], &attempt["outcome"]),
        (&json!(200), &json!("delivered"))
    );
    assert_eq!(delivery["request"]["body"], json!({ "id": 2 }));
    let steps = trace["steps"].as_array().unwrap().iter();
    let kinds: Vec<_> = steps.map(|step| step["kind"].as_str().unwrap()).collect();
    for kind in ["client", "commit", "tag", "attempt"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert_eq!(
        rows(&server, "").await.len(),
        1,
        "what came before was not watched"
    );
    assert_eq!(vendor.bodies().len(), 2, "watching changes nothing");
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn an_attempt_that_fails_shows_the_answer_and_the_next_try() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address);
    // Nobody listens here.
    let nobody = "[destinations.crm]\ntype = \"http\"\nurl = \"http://127.0.0.1:1/crm?key=k3y-0123456789\"\n";
    set.configure(nobody);
    let server = Server::start(&set).await;
    capture(&server, json!({ "capture": {} })).await;
    let mut stream = Stream::open(&server, "", &[]).await;
    order(&server, 1).await;
    let row = stream.until_row(|row| row["outcome"] == "retrying").await;
    let trace = trace(&server, &row.data).await;
    let delivery = &trace["events"][0]["tags"][0]["deliveries"][0];
    assert_eq!(delivery["state"], "pending");
    // It may have been tried again meanwhile.
    let attempt = delivery["attempts"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&attempt["status"], &attempt["outcome"]),
        (&Value::Null, &json!("retry"))
    );
    assert!(
        attempt["error"]
            .as_str()
            .unwrap()
            .contains("cannot connect"),
        "{attempt}"
    );
    assert!(attempt["next_try_at"].as_i64() > attempt["at"].as_i64());
    assert_eq!(attempt["next_try_at"], delivery["next_try_at"]);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn what_fails_and_what_nobody_claims_is_seen_too() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address)
        .with(
            "clients/fails.rhai",
            "const PATH = \"/fails\";\n\nfn parse(request) {\n    throw \"no such shop\";\n}\n",
        )
        .with(
            "tags/fails.rhai",
            "const ON = \"order\";\nconst TO = \"crm\";\nfn tag(event) {\n    event.no.such.key\n}\n",
        );
    let server = Server::start(&set).await;
    capture(&server, json!({ "capture": {} })).await;
    for (path, body, status) in [
        ("/nowhere", "{\"lost\":1}", 404),
        ("/order", "not json", 400),
        ("/fails", "{}", 202),
        ("/order", "{\"id\":1}", 200),
    ] {
        assert_eq!(server.post(path, body).await.status, status, "{path}");
    }
    let mut stream = Stream::open(&server, "", &["Last-Event-ID: 0"]).await;
    stream
        .until_row(|row| row["outcome"] == "failed" && row["path"] == "/order")
        .await;
    let rows = rows(&server, "").await;
    let outcomes: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| row["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["unclaimed", "refused", "failed", "failed"]);
    let lost = trace(&server, &rows[3]).await;
    assert_eq!(lost["request"]["body"], "{\"lost\":1}");
    let client = trace(&server, &rows[1]).await;
    let fault = &client["clients"][0]["fault"];
    assert_eq!(fault["line"], 4);
    let lines = fault["source"].as_array().unwrap();
    let marked = lines.iter().find(|line| line["line"] == 4).unwrap();
    assert_eq!(marked["text"], "    throw \"no such shop\";");
    let tags = server.call("GET", "/api/tags", "").await.json();
    let failing = tags
        .as_array()
        .unwrap()
        .iter()
        .find(|tag| tag["name"] == "fails");
    let failing = failing.unwrap();
    assert_eq!(
        failing["failures"], 1,
        "watching counts like not watching: {failing}"
    );
    assert_eq!(failing["last_fault"]["fault"]["line"], 4);
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_filter_decides_what_is_watched_and_lists_are_filtered_too() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address).with(
        "clients/hooks.rhai",
        "const PATH = \"/hooks/:shop\";\nfn parse(request) { #{ event_name: request.params.shop } }\n",
    );
    let server = Server::start(&set).await;
    let first = capture(
        &server,
        json!({ "capture": { "path": "/hooks/*", "client": "hooks", "event": "berlin" } }),
    )
    .await;
    let second = capture(&server, json!({ "capture": { "path": "/order" } })).await;
    for path in ["/hooks/berlin", "/hooks/wien", "/nowhere", "/order"] {
        server.post(path, "{\"id\":\"Mühle\"}").await;
    }
    for (query, paths) in [
        ("", &["/order", "/hooks/berlin"][..]),
        ("path=/hooks/:any", &["/hooks/berlin"]),
        ("path=ooks", &["/hooks/berlin"]),
        ("client=order", &["/order"]),
        ("event=berlin", &["/hooks/berlin"]),
        ("tag=order", &["/order"]),
        ("text=m%C3%BChLE", &["/order", "/hooks/berlin"]),
        ("text=not+there", &[]),
        ("limit=1", &["/order"]),
        (
            &format!("session={}", first["id"].as_str().unwrap()),
            &["/hooks/berlin"],
        ),
        (
            &format!("session={}", second["id"].as_str().unwrap()),
            &["/order"],
        ),
    ] {
        // A tag has fired once the processor was there.
        if query == "tag=order" {
            vendor.wait_for(1).await;
        }
        let found = rows(&server, query).await;
        let found: Vec<_> = found
            .iter()
            .map(|row| row["path"].as_str().unwrap())
            .collect();
        assert_eq!(found, paths, "{query}");
    }
    let newest = rows(&server, "limit=1").await;
    let rest = rows(&server, &format!("before={}", newest[0]["seq"])).await;
    assert_eq!(rest.len(), 1);
    for bad in ["outcome=fine", "limit=1001", "path=/a/*/b", "nothing=1"] {
        let answer = server.call("GET", &format!("/api/traces?{bad}"), "").await;
        assert_eq!(answer.status, 400, "{bad}");
    }
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_session_ends_at_its_limit_and_at_its_time() {
    let vendor = StandIn::of("http").await;
    let server = Server::start(&WorkingSet::of_orders(vendor.address)).await;
    let mut stream = Stream::open(&server, "", &[]).await;
    stream.next().await;
    let session = capture(&server, json!({ "limit": 2, "capture": {} })).await;
    for id in 0..4 {
        assert_eq!(order(&server, id).await, 200);
    }
    let ended = |why: &'static str, id: Value| {
        move |sessions: &Value| {
            let mut all = sessions.as_array().unwrap().iter();
            all.any(|one| one["id"] == id && one["ended"] == why)
        }
    };
    stream
        .until("sessions", ended("limit", session["id"].clone()))
        .await;
    assert_eq!(rows(&server, "").await.len(), 2);
    let short = capture(&server, json!({ "ttl": "100ms", "capture": {} })).await;
    stream
        .until("sessions", ended("time", short["id"].clone()))
        .await;
    let open = server.call("GET", "/api/preview/sessions", "").await.json();
    assert_eq!(open, json!([]));
    for (asked, status) in [
        (json!({ "capture": { "path": "no/slash" } }), 400),
        (json!({ "capture": { "pth": "/x" } }), 422),
        (json!({ "capture": {}, "send": true }), 400),
        (json!({ "capture": {}, "limit": 0 }), 400),
        (json!({ "limit": 5 }), 400),
    ] {
        let answer = server
            .call("POST", "/api/preview/sessions", &asked.to_string())
            .await;
        assert_eq!(answer.status, status, "{asked}");
    }
    server.stop().await;
    vendor.stop().await;
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke_off_and_tells_of_reloads() {
    let vendor = StandIn::of("http").await;
    let set = WorkingSet::of_orders(vendor.address);
    let server = Server::start(&set).await;
    capture(&server, json!({ "capture": {} })).await;
    let mut stream = Stream::open(&server, "client=order", &[]).await;
    stream.next().await;
    order(&server, 1).await;
    let first = stream.until_row(|row| row["outcome"] == "delivered").await;
    drop(stream);
    server.post("/nowhere", "{}").await;
    order(&server, 2).await;
    let last = format!("Last-Event-ID: {}", first.id);
    let mut stream = Stream::open(&server, "client=order", &[&last]).await;
    assert_eq!(stream.next().await.name, "hello");
    let next = stream.next().await;
    assert_eq!(next.name, "trace");
    assert_eq!(next.data["client"], "order", "the filter holds");
    set.write(
        "tags/order.rhai",
        "const ON = \"order\";\nconst TO = \"crm\";\nfn tag(event) {\n    #{ body: }\n}\n",
    );
    let reload = stream.until("reload", |_| true).await.data;
    assert_eq!(reload["reload"], "refused");
    let problem = &reload["problems"][0];
    assert_eq!(problem["file"], "tags/order.rhai");
    let lines = problem["source"].as_array().unwrap();
    let marked = lines
        .iter()
        .find(|line| line["line"] == problem["line"])
        .unwrap();
    assert!(
        marked["text"].as_str().unwrap().contains("body"),
        "{problem}"
    );
    server.stop().await;
    vendor.stop().await;
}
