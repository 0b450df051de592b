//! Web pages: the script they load, and what it sends. `tests/browser` does the same in Chromium.

use std::sync::LazyLock;

use http::{HeaderValue, Method};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{any_json, many};
use tagwerk::request::{self, Response};

use crate::support::flow::{AT, Flow, Taken};
use crate::support::json::{assert_contains, data};

static FLOW: LazyLock<Flow> = LazyLock::new(Flow::shipped);

const PAGE: &str = "3f2a9c0d4b1e47f88a6d5c2b7e901a44";
const KNOWN: &str = "00000000000000000000000000000001";

fn batch(consent: &Value, pushes: &[Value]) -> Value {
    let events = pushes.iter().enumerate().map(|(at, push)| {
        json!({
            "id": format!("{PAGE}-{at}"), "at": 5_000 + at, "data": push, "consent": consent,
            "page": { "page_location": "https://www.example.com/a", "page_title": "A" },
        })
    });
    json!({ "page_id": PAGE, "sent_at": 6_000, "consent": consent, "events": events.collect::<Vec<_>>() })
}

fn send(body: &Value, more: &[(&str, &str)]) -> Taken {
    let mut headers = vec![
        ("host", "tags.example.com"),
        ("origin", "https://www.example.com"),
        ("user-agent", "Mozilla/5.0"),
        ("content-type", "text/plain;charset=UTF-8"),
    ];
    headers.extend(more);
    FLOW.request("POST", "/tagwerk/events", &headers, &body.to_string())
}

fn cookie(taken: &Taken) -> Option<&str> {
    let value = taken.response.headers.get("set-cookie")?;
    Some(value.to_str().unwrap())
}

#[test]
fn the_script_is_handed_out_and_may_be_kept() {
    for method in [Method::GET, Method::HEAD] {
        let taken = FLOW.request(method.as_str(), "/tagwerk.js", &[], "");
        let response = taken.response;
        assert_eq!(response.status, 200);
        assert_eq!(
            response.headers["content-type"],
            "text/javascript; charset=utf-8"
        );
        assert_eq!(response.headers["cache-control"], "public, max-age=3600");
        let script = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(script.starts_with("// Tagwerk") && script.contains("tagwerk/events"));
        assert!(script.len() < 11_000, "{} bytes", script.len());
        assert!(taken.events.is_empty());
        let gzip = [("accept-encoding", "br, gzip")];
        let packed = FLOW.request(method.as_str(), "/tagwerk.js", &gzip, "");
        let Response { headers, body, .. } = packed.response;
        assert_eq!(
            (&headers["content-encoding"], &headers["vary"]),
            (
                &HeaderValue::from_static("gzip"),
                &HeaderValue::from_static("accept-encoding")
            )
        );
        assert!(body.len() < 4_000, "{} bytes", body.len());
        assert_eq!(request::unpack(&headers, &body, 20_000).unwrap(), script);
        let tag = response.headers["etag"].to_str().unwrap();
        assert!(tag.starts_with("W/"));
        for known in [tag, tag.trim_start_matches("W/")] {
            let again = FLOW.request("GET", "/tagwerk.js", &[("if-none-match", known)], "");
            assert_eq!((again.response.status, again.response.body.len()), (304, 0));
        }
    }
    assert_eq!(
        FLOW.request("POST", "/tagwerk.js", &[], "{}")
            .response
            .status,
        404
    );
    assert_eq!(
        FLOW.request("GET", "/tagwerk/events", &[], "")
            .response
            .status,
        404
    );
}

#[test]
fn pushes_become_event_data_with_page_and_visitor() {
    let consent = json!({ "ad_storage": false, "analytics_storage": true });
    let order = json!({
        "event": "purchase",
        "ecommerce": { "transaction_id": "T-1", "value": 15, "currency": "EUR", "items": [{ "item_id": "1" }] },
        "page_title": "what the page says goes first",
    });
    let taken = send(
        &batch(&consent, &[order, json!({ "event": "gtm.js" })]),
        &[],
    );
    assert_eq!(taken.events.len(), 1);
    let expected = json!({
        "event_name": "purchase", "event_id": format!("{PAGE}-0"), "client_id": PAGE,
        "transaction_id": "T-1", "value": 15, "currency": "EUR", "items": [{ "item_id": "1" }],
        "page_location": "https://www.example.com/a", "page_title": "what the page says goes first",
        "timestamp_ms": AT - 1_000, "consent_state": consent,
        "ip_override": "203.0.113.7", "user_agent": "Mozilla/5.0",
    });
    assert_contains(&taken.events[0].data, &expected);
    assert_eq!(
        taken.response.headers["access-control-allow-origin"],
        "https://www.example.com"
    );
    assert_eq!(
        taken.response.headers["access-control-allow-credentials"],
        "true"
    );
}

#[test]
fn the_pushes_of_the_guide_become_what_it_says_for_amplitude() {
    let case = data("cases/D27-pushes-merge-into-one-model.json");
    let mut model = serde_json::Map::new();
    let models = case["input"]["pushes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|push| {
            model.extend(push.as_object().unwrap().clone());
            Value::Object(model.clone())
        });
    let models: Vec<_> = models.collect();
    let taken = send(&batch(&json!({}), &models), &[]);
    assert_eq!(taken.events.len(), 6);
    for (event, model) in taken.events.iter().zip(&models) {
        let name = model["event"].as_str().unwrap();
        let tag = if name == "revenue" {
            "amplitude_revenue"
        } else {
            "amplitude_events"
        };
        let sent = &event.sent_by(tag).body()["events"][0];
        assert_eq!(sent["event_type"], name);
        assert_eq!(sent["user_id"], "123456789", "{name}");
        if name == "revenue" {
            assert_contains(
                &event.sent_by(tag).body(),
                &data("destinations/amplitude/revenue.json")["request"]["body"],
            );
            assert_eq!(sent["event_properties"], json!({ "currency": "EUR" }));
        } else {
            assert_eq!(sent["event_properties"]["provider"], "email", "{name}");
            assert!(
                !sent["event_properties"].to_string().contains("johndoe"),
                "{name}"
            );
        }
    }
}

#[test]
fn there_is_a_cookie_with_consent_only_and_it_is_set_once() {
    let granted = json!({ "analytics_storage": true });
    let denied = json!({ "analytics_storage": false });
    let set = format!(
        "tagwerk_id={PAGE}; Path=/; Domain=example.com; Max-Age=34128000; Secure; HttpOnly; SameSite=Lax"
    );
    let gone = "tagwerk_id=; Path=/; Domain=example.com; Max-Age=0; Secure; HttpOnly; SameSite=Lax";
    let known = [("cookie", "a=b; tagwerk_id=00000000000000000000000000000001")];
    let forged = [("cookie", "tagwerk_id=<script>")];
    for (consent, more, expected, client_id) in [
        (json!({}), &[][..], None, PAGE),
        (json!({}), &known, None, PAGE),
        (denied.clone(), &[], None, PAGE),
        (denied, &known, Some(gone), PAGE),
        (json!({ "analytics_storage": "granted" }), &[], None, PAGE),
        (json!("granted"), &[], None, PAGE),
        (granted.clone(), &[], Some(&*set), PAGE),
        (granted.clone(), &known, None, KNOWN),
        (granted, &forged, Some(&*set), PAGE),
    ] {
        let taken = send(&batch(&consent, &[json!({ "event": "a" })]), more);
        assert_eq!(cookie(&taken), expected, "{consent} {more:?}");
        assert_eq!(
            taken.events[0].data["client_id"], client_id,
            "{consent} {more:?}"
        );
        // The answer of the visitor comes also without an event.
        let told = send(&batch(&consent, &[]), more);
        assert_eq!(cookie(&told), expected, "{consent} {more:?}");
        assert!(told.events.is_empty());
    }
}

#[test]
fn pages_may_send_anything_and_only_events_are_taken() {
    for nothing in [
        json!({ "events": [] }),
        json!({ "events": [1, null, "x", [], {}, { "data": {} }, { "data": { "event": 5 } }] }),
    ] {
        let taken = send(&nothing, &[]);
        assert_eq!(
            (taken.response.status, taken.events.len()),
            (200, 0),
            "{nothing}"
        );
    }
    for wrong in [
        json!({}),
        json!([]),
        json!(5),
        json!({ "events": {} }),
        json!({ "events": vec![0; 251] }),
    ] {
        assert_eq!(send(&wrong, &[]).response.status, 400, "{wrong}");
    }
    // Odd ids, times and consent are as if they were not there.
    let odd = json!({
        "page_id": "<script>", "sent_at": "soon", "consent": 5,
        "events": [{ "id": "\u{0}", "at": {}, "consent": [], "page": "x", "data": { "event": "a", "ecommerce": "x" } }],
    });
    let event = &send(&odd, &[]).events[0].data;
    for key in ["event_id", "client_id"] {
        assert!(event.get(key).is_none(), "{key}");
    }
    assert_eq!(event["timestamp_ms"], AT);
}

#[test]
fn the_largest_batch_goes_through() {
    let item = json!({ "item_id": "1", "price": 5, "quantity": 1 });
    let push = json!({ "event": "purchase", "ecommerce": { "value": 5, "items": vec![item; 3] } });
    let taken = send(
        &batch(
            &json!({ "analytics_storage": true }),
            &vec![push; many(250)],
        ),
        &[],
    );
    assert_eq!(
        (taken.response.status, taken.events.len()),
        (200, many(250))
    );
}

const KEYS: &[&str] = &[
    "events",
    "id",
    "at",
    "page",
    "data",
    "consent",
    "event",
    "ecommerce",
    "items",
    "value",
    "user_email",
    "user_data",
    "page_id",
    "sent_at",
    "dropped",
    "analytics_storage",
    "page_location",
    "user_id",
    "amount",
    "event_id",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_breaks_it(body in any_json(KEYS), data in prop::collection::vec(any_json(KEYS), 0..3), page in any_json(KEYS)) {
        let events = data.into_iter().map(|mut data| {
            if let Some(data) = data.as_object_mut() {
                data.insert("event".to_owned(), json!("purchase"));
            }
            json!({ "id": "12345678", "data": data, "page": page, "consent": page, "at": page })
        });
        let whole = json!({ "events": events.collect::<Vec<_>>(), "consent": page, "sent_at": page, "dropped": page });
        for body in [body, whole] {
            let status = send(&body, &[]).response.status;
            prop_assert!(status == 200 || status == 400, "{}", status);
        }
    }
}
