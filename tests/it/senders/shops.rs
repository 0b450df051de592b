//! What the clients that we ship make of what senders send: `tests/data/cases/senders`, one file a
//! case. One tag serves all shops only if their events have the same keys.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::examples::examples;
use crate::support::flow::{Flow, Taken};
use crate::support::json::assert_contains;

#[test]
fn every_sender_becomes_event_data() {
    let flow = Flow::shipped();
    let cases = cases();
    assert!(cases.len() >= 35, "only {} cases were found", cases.len());
    for (name, case) in cases {
        let taken = send(&flow, &case["input"]);
        let expect = &case["expect"];
        let status = taken.response.status;
        assert_eq!(status, expect["response_status"], "{name}");
        let events: Vec<Value> = taken.events.into_iter().map(|event| event.data).collect();
        println!("{name}"); // shown only if what follows fails
        assert_contains(&events.into(), &expect["events"]);
    }
}

/// A purchase is a purchase, whoever sold it.
#[test]
fn one_tag_serves_all_shops() {
    let flow = Flow::shipped();
    let mut purchases = 0;
    for (name, case) in cases() {
        for event in send(&flow, &case["input"]).events {
            if event.data["event_name"] == "purchase" && name != "webhook-json" {
                assert!(event.data["transaction_id"].is_string(), "{name}");
                assert!(event.data["value"].is_number(), "{name}");
                let currency = event.data["currency"].as_str().unwrap();
                assert!(
                    currency.len() == 3 && currency == currency.to_uppercase(),
                    "{name}"
                );
                let heard = event.tags.iter().any(|tag| tag.name == "amplitude_revenue");
                assert!(heard, "{name}");
                purchases += 1;
            }
        }
    }
    assert!(purchases >= 10, "only {purchases}");
}

fn cases() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/senders");
    let files = fs::read_dir(folder).unwrap();
    let cases = files.map(|file| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, case)
    });
    cases.collect()
}

fn send(flow: &Flow, input: &Value) -> Taken {
    if let Some(name) = input["example"].as_str() {
        return flow.send(&examples()[name]);
    }
    let text = |key: &str| input[key].as_str().unwrap();
    let headers: Vec<_> = input["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    flow.request(text("method"), text("path"), &headers, text("body_raw"))
}

#[test]
fn what_woocommerce_sends_in_one_second_is_told_apart() {
    let flow = Flow::shipped();
    let id = |order: u64| {
        let body = json!({ "id": order, "total": "1.00" }).to_string();
        let headers = [("x-wc-webhook-delivery-id", "0f7b")];
        let taken = flow.request("POST", "/order_created", &headers, &body);
        let answer: Value = serde_json::from_slice(&taken.response.body).unwrap();
        answer["events"][0].as_str().unwrap().to_owned()
    };
    assert_eq!(id(1), "0f7b/1");
    assert_ne!(id(1), id(2));
}
