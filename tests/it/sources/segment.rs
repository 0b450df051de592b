//! Segment's HTTP tracking API.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::any_json;
use crate::support::flow::{AT, Flow, Taken};
use crate::support::json::assert_contains;

static FLOW: LazyLock<Flow> = LazyLock::new(Flow::shipped);

fn post(path: &str, body: &Value) -> Taken {
    FLOW.post(path, body)
}

fn answer(taken: &Taken) -> Value {
    serde_json::from_slice(&taken.response.body).unwrap()
}

/// The data of the one event that a call makes.
fn made(path: &str, body: &Value) -> Value {
    let mut taken = post(path, body);
    assert_eq!(taken.response.status, 200, "{}", answer(&taken));
    assert_eq!(answer(&taken), json!({ "success": true }));
    assert_eq!(taken.events.len(), 1);
    taken.events.remove(0).data
}

#[test]
fn every_call_has_its_paths() {
    for (paths, expected) in [
        (["/v1/track", "/v1/t"], "Song Played"),
        (["/v1/identify", "/v1/i"], "identify"),
        (["/v1/page", "/v1/p"], "page_view"),
        (["/v1/screen", "/v1/s"], "screen_view"),
        (["/v1/group", "/v1/g"], "group"),
        (["/v1/alias", "/v1/a"], "alias"),
    ] {
        for path in paths {
            let event = made(path, &json!({ "userId": 7, "event": "Song Played" }));
            assert_eq!(event["event_name"], expected, "{path}");
            assert_eq!(event["user_id"], "7", "{path}");
        }
    }
    let batch =
        json!({ "batch": [{ "type": "track", "event": "Song Played", "anonymousId": "a" }] });
    for path in ["/v1/batch", "/v1/b", "/v1/import", "/v1/import/"] {
        assert_eq!(made(path, &batch)["client_id"], "a", "{path}");
    }
    assert_eq!(post("/v1/projects", &json!({})).response.status, 404);
}

#[test]
fn an_order_is_a_purchase_that_every_tag_knows() {
    let order = json!({
        "messageId": "m-1", "userId": "019mr8mf4r", "event": "Order Completed",
        "properties": {
            "order_id": 5031, "total": "27.50", "revenue": 25.0, "tax": 2, "currency": "usd",
            "products": [
                { "product_id": "1", "name": "Monopoly", "price": 19, "quantity": 1, "brand": "Hasbro" },
                { "sku": "46493-32", "name": "Uno", "price": "3", "position": 2 },
                "no product",
            ],
        },
        "context": { "page": { "url": "https://www.example.com/thanks" }, "ip": "203.0.113.9", "userAgent": "Mozilla/5.0" },
    });
    let taken = post("/v1/track", &order);
    let expected = json!({
        "event_name": "purchase", "event": "Order Completed", "event_id": "m-1",
        "transaction_id": "5031", "value": 27.5, "currency": "USD", "tax": 2,
        "items": [
            { "item_id": "1", "item_name": "Monopoly", "price": 19, "quantity": 1, "item_brand": "Hasbro" },
            { "item_id": "46493-32", "item_name": "Uno", "price": 3, "quantity": 1, "index": 2 },
        ],
    });
    let event = &taken.events[0];
    assert_contains(&event.data, &expected);
    assert!(event.data.get("products").is_none());
    let revenue = event.sent_by("amplitude_revenue").body();
    assert_eq!(revenue["events"][0]["revenue"], 27.5);
    let tracify = event.sent_by("tracify_purchase").body();
    assert_eq!(tracify["events"][0]["data"]["amount"], "27.50");
}

#[test]
fn what_shops_do_has_the_common_names() {
    for (segment, expected) in [
        ("Order Completed", "purchase"),
        ("order completed", "purchase"),
        ("Order Refunded", "refund"),
        ("Product Viewed", "view_item"),
        ("Product Added", "add_to_cart"),
        ("Product Removed", "remove_from_cart"),
        ("Product List Viewed", "view_item_list"),
        ("Cart Viewed", "view_cart"),
        ("Checkout Started", "begin_checkout"),
        ("Products Searched", "search"),
        ("Item Purchased", "Item Purchased"),
    ] {
        let body = json!({ "event": segment, "properties": { "product_id": "p", "price": 5, "query": "x" } });
        let event = made("/v1/track", &body);
        assert_eq!(event["event_name"], expected);
        assert_eq!(event["event"], segment);
        if expected != segment {
            assert_eq!(
                event["items"],
                json!([{ "item_id": "p", "price": 5, "quantity": 1 }])
            );
        }
    }
}

#[test]
fn who_and_where_it_was() {
    let body = json!({
        "userId": "u-1", "anonymousId": "a-1", "name": "Home", "category": "Docs",
        "properties": { "url": "https://example.com/a?b=1", "title": "A" },
        "traits": { "ignored": "no trait of a page call" },
        "context": {
            "traits": { "email": "x@example.com", "phone": 123, "firstName": "Ann", "name": "Ann Lee Doe",
                        "address": { "city": "Paris", "postalCode": 75001, "state": "IDF", "country": "FR" } },
            "page": { "url": "https://example.com/other", "referrer": "https://r.example/", "path": "/a" },
            "ip": "203.0.113.9", "userAgent": "UA/1", "locale": "fr-FR", "screen": { "width": 10, "height": 20 },
            "campaign": { "name": "spring", "source": "mail" }, "app": { "name": "shop" },
        },
        "integrations": { "All": false },
    });
    let expected = json!({
        "event_name": "page_view", "name": "Home", "category": "Docs",
        "user_id": "u-1", "client_id": "a-1",
        "user_data": {
            "email_address": "x@example.com", "phone_number": "123",
            "address": { "first_name": "Ann", "last_name": "Doe", "city": "Paris", "region": "IDF",
                         "postal_code": "75001", "country": "FR" },
        },
        "page_location": "https://example.com/a?b=1", "page_title": "A", "page_path": "/a",
        "page_referrer": "https://r.example/", "screen_resolution": "10x20", "language": "fr-FR",
        "ip_override": "203.0.113.9", "user_agent": "UA/1",
        "campaign": { "name": "spring", "source": "mail" },
        "context": { "app": { "name": "shop" } },
        "integrations": { "All": false },
    });
    assert_contains(&made("/v1/page", &body), &expected);
}

#[test]
fn a_batch_lends_its_context_to_its_calls() {
    let body = json!({
        "context": { "ip": "203.0.113.1", "device": { "type": "phone" } },
        "integrations": { "All": true, "X": true },
        "batch": [
            { "type": "track", "event": "a" },
            { "type": "track", "event": "b", "context": { "ip": "203.0.113.2" }, "integrations": { "X": false } },
        ],
    });
    let taken = post("/v1/batch", &body);
    let events: Value = taken.events.into_iter().map(|event| event.data).collect();
    let expected = json!([
        { "ip_override": "203.0.113.1", "context": { "device": { "type": "phone" } }, "integrations": { "All": true, "X": true } },
        { "ip_override": "203.0.113.2", "context": { "device": { "type": "phone" } }, "integrations": { "All": true, "X": false } },
    ]);
    assert_contains(&events, &expected);
}

#[test]
fn a_server_is_not_the_visitor_and_a_web_page_is() {
    let body = json!({ "event": "a" }).to_string();
    let server = [("user-agent", "analytics-node")];
    let event = &FLOW.request("POST", "/v1/track", &server, &body).events[0];
    for key in ["ip_override", "user_agent"] {
        assert!(event.data.get(key).is_none(), "{key}");
    }
    let page = [
        ("user-agent", "Mozilla/5.0"),
        ("origin", "https://www.example.com"),
    ];
    let taken = FLOW.request("POST", "/v1/t", &page, &body);
    let expected = json!({ "ip_override": "203.0.113.7", "user_agent": "Mozilla/5.0" });
    assert_contains(&taken.events[0].data, &expected);
    let allowed = &taken.response.headers["access-control-allow-origin"];
    assert_eq!(allowed, "https://www.example.com");
}

#[test]
fn times_are_set_right_by_the_senders_clock() {
    for (timestamp, sent_at, expected) in [
        (
            json!("2012-12-02T00:30:12.984Z"),
            Value::Null,
            json!(1_354_408_212_984_i64),
        ),
        // As Segment's documentation writes it.
        (
            json!("2015-2-02T00:30:08.276Z"),
            Value::Null,
            json!(1_422_837_008_276_i64),
        ),
        // A clock that is a day late: the call was made two seconds before it was sent.
        (
            json!("2024-07-09T09:00:00Z"),
            json!("2024-07-09T09:00:02Z"),
            json!(AT - 2_000),
        ),
        (
            json!("2024-07-09T09:00:00.500000+00:00"),
            json!("2024-07-09T11:00:02+02:00"),
            json!(AT - 1_500),
        ),
        (
            json!("2024-07-09T09:00:00Z"),
            json!("once"),
            json!(1_720_515_600_000_i64),
        ),
        (json!("once"), json!("2024-07-09T09:00:02Z"), Value::Null),
        (json!({}), json!([]), Value::Null),
        (Value::Null, json!("2024-07-09T09:00:02Z"), Value::Null),
    ] {
        let call = json!({ "type": "track", "event": "a", "timestamp": timestamp });
        let mut single = call.clone();
        single["sentAt"] = sent_at.clone();
        let batch = json!({ "batch": [call], "sentAt": sent_at });
        for event in [made("/v1/track", &single), made("/v1/batch", &batch)] {
            let at = event.get("timestamp_ms").cloned().unwrap_or_default();
            assert_eq!(at, expected, "{timestamp} sent {sent_at}");
        }
    }
}

#[test]
fn what_is_no_call_is_refused_and_the_sender_told_why() {
    let large = "x".repeat(33_000);
    let many = json!({ "batch": vec![json!({ "type": "track", "event": "a" }); 2_501] });
    let beside = json!({ "batch": vec![json!({ "type": "page" }); 26], "context": { "x": "x".repeat(33_000) } });
    for (path, body, expected) in [
        ("/v1/track", json!([]), "must be a JSON object"),
        (
            "/v1/track",
            json!({ "userId": "u" }),
            "needs `event`, a text",
        ),
        ("/v1/track", json!({ "event": "" }), "needs `event`, a text"),
        (
            "/v1/track",
            json!({ "event": "a", "properties": [1] }),
            "`properties` must be an object",
        ),
        (
            "/v1/page",
            json!({ "context": "x" }),
            "`context` must be an object",
        ),
        (
            "/v1/track",
            json!({ "event": "a", "properties": { "x": large } }),
            "32 KB",
        ),
        ("/v1/batch", json!({}), "needs `batch`, an array"),
        (
            "/v1/batch",
            json!({ "batch": {} }),
            "needs `batch`, an array",
        ),
        ("/v1/batch", json!({ "batch": [5] }), "not an object"),
        (
            "/v1/batch",
            json!({ "batch": [{ "type": "other" }] }),
            "`type` is one of",
        ),
        ("/v1/batch", many, "the most is 2500"),
        ("/v1/batch", beside, "stands beside batch"),
    ] {
        let taken = post(path, &body);
        let error = answer(&taken)["error"].to_string();
        assert_eq!(taken.response.status, 400, "{path}: {error}");
        assert!(error.contains(expected), "{path}: {error}");
        assert!(taken.events.is_empty());
    }
    let status = |body: &str| FLOW.request("POST", "/v1/track", &[], body).response.status;
    assert_eq!(status("{"), 400);
    let huge = json!({ "event": "a", "pad": "x".repeat(512_000) });
    assert_eq!(status(&huge.to_string()), 413);
}

#[test]
fn the_good_calls_of_a_batch_are_taken() {
    let batch = json!({ "batch": [{ "type": "track", "event": "a" }, { "type": "track" }, { "type": "page" }] });
    let taken = post("/v1/batch", &batch);
    let names: Vec<_> = taken
        .events
        .iter()
        .map(|event| &event.data["event_name"])
        .collect();
    assert_eq!(names, ["a", "page_view"]);
    let expected = json!({ "success": true, "left_out": ["a track call needs `event`, a text"] });
    assert_eq!(answer(&taken), expected);
    assert_eq!(
        answer(&post("/v1/batch", &json!({ "batch": [] }))),
        json!({ "success": true })
    );
}

#[test]
fn any_id_of_a_message_is_an_id_of_an_event() {
    let long = "x".repeat(1_000);
    for (id, expected) in [
        (json!("m-1"), Some("m-1")),
        (json!(17), Some("17")),
        (json!(""), None),
        (json!({}), None),
        (Value::Null, None),
    ] {
        let event = made("/v1/track", &json!({ "event": "a", "messageId": id }));
        assert_eq!(
            event.get("event_id").and_then(Value::as_str),
            expected,
            "{id}"
        );
    }
    for odd in [long.as_str(), "a\u{0}b"] {
        let event = made("/v1/track", &json!({ "event": "a", "messageId": odd }));
        assert_eq!(event["event_id"].as_str().unwrap().len(), 64);
    }
}

/// 500 KB of calls: as small as they are sent, and as large as they may be.
#[test]
fn the_largest_batch_goes_through() {
    let small = |at: usize| {
        json!({
            "type": "track", "event": "Order Completed", "userId": "u", "messageId": format!("m-{at}"),
            "timestamp": "2012-12-02T00:30:12.984Z", "properties": { "order_id": at, "total": 5 },
        })
    };
    let large = |at: usize| {
        let properties: Value = (0..1_500)
            .map(|key| (format!("k{key}"), json!(at)))
            .collect();
        json!({ "type": "track", "event": "a", "messageId": at, "properties": properties })
    };
    let context = json!({ "ip": "203.0.113.1", "library": { "name": "x" } });
    for calls in [
        (0..2_500).map(small).collect::<Vec<_>>(),
        (0..30).map(large).collect(),
    ] {
        let count = calls.len();
        let batch =
            json!({ "sentAt": "2012-12-02T00:30:13.984Z", "batch": calls, "context": context });
        let size = batch.to_string().len();
        assert!((350_000..512_000).contains(&size), "{size}");
        let taken = post("/v1/batch", &batch);
        assert_eq!(taken.response.status, 200, "{}", answer(&taken));
        assert_eq!(answer(&taken), json!({ "success": true }));
        assert_eq!(taken.events.len(), count);
        for (at, (event, call)) in taken.events.iter().zip(&calls).enumerate() {
            let expected = json!({
                "event_id": call["messageId"].as_str().map_or(at.to_string(), str::to_owned),
                "event": call["event"], "ip_override": "203.0.113.1",
            });
            assert_contains(&event.data, &expected);
        }
    }
}

#[test]
fn the_good_calls_of_a_long_batch_are_taken() {
    let mut calls = vec![json!({ "type": "page" }); 60];
    calls[3] = json!(5);
    calls[59] = json!({ "type": "track" });
    let taken = post("/v1/batch", &json!({ "batch": calls }));
    assert_eq!((taken.response.status, taken.events.len()), (200, 58));
    let left_out = json!(["it is not an object", "a track call needs `event`, a text"]);
    assert_eq!(answer(&taken)["left_out"], left_out);
    let none = post("/v1/batch", &json!({ "batch": vec![json!(5); 60] }));
    assert_eq!((none.response.status, none.events.len()), (400, 0));
}

const KEYS: &[&str] = &[
    "batch",
    "type",
    "event",
    "userId",
    "anonymousId",
    "messageId",
    "timestamp",
    "sentAt",
    "properties",
    "traits",
    "context",
    "integrations",
    "products",
    "order_id",
    "total",
    "currency",
    "page",
    "url",
    "screen",
    "width",
    "height",
    "address",
    "name",
    "email",
    "phone",
    "price",
    "quantity",
    "ip",
    "userAgent",
    "groupId",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever comes is taken or refused; nothing is kept as a failure of the script.
    #[test]
    fn nothing_breaks_it(body in any_json(KEYS), mut batch in prop::collection::vec(any_json(KEYS), 0..3)) {
        for call in &mut batch {
            if let Some(call) = call.as_object_mut() {
                call.insert("type".to_owned(), json!("track"));
                call.insert("event".to_owned(), json!("Order Completed"));
            }
        }
        for (path, body) in [("/v1/track", body.clone()), ("/v1/identify", body.clone()), ("/v1/batch", json!({ "batch": batch, "context": body }))] {
            let status = post(path, &body).response.status;
            prop_assert!(status == 200 || status == 400, "{} {}", path, status);
        }
    }
}
