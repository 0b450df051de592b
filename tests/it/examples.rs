//! The example requests that we ship are what their README says: whole, listed, parseable, and
//! where they are signed, signed right.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::support::examples::{examples, folder};

#[test]
fn every_example_is_a_whole_request_that_the_readme_names() {
    let examples = examples();
    assert_eq!(examples.len(), 17);
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for (name, example) in examples {
        // The six pushes are one line of the table.
        let is_listed =
            readme.contains(&format!("`{name}.http`")) || name.starts_with("datalayer_");
        assert!(is_listed, "{name} is not in the README");
        assert!(example.request_line.starts_with("POST /"), "{name}");
        assert!(example.request_line.ends_with(" HTTP/1.1"), "{name}");
        assert!(example.headers.contains_key("host"), "{name}");
        if name == "woocommerce_ping" {
            assert_eq!(example.body, "webhook_id=142");
            continue;
        }
        let body: Value = serde_json::from_str(&example.body).expect(&name);
        assert!(body.is_object(), "{name}");
    }
}

#[test]
fn every_site_event_has_what_tracify_needs() {
    let site = examples()
        .into_iter()
        .filter(|(name, _)| name.starts_with("site_"));
    let events: Vec<(String, Value)> = site
        .map(|(name, example)| (name, serde_json::from_str(&example.body).unwrap()))
        .collect();
    assert_eq!(events.len(), 5);
    for (name, event) in events {
        assert_eq!(
            name,
            format!("site_{}", event["event_name"].as_str().unwrap())
        );
        for key in ["page_location", "ip_override", "user_agent"] {
            assert!(event[key].is_string(), "{name} has no {key}");
        }
        assert!(event["timestamp"].is_i64(), "{name}");
    }
}

#[test]
fn the_signatures_hold() {
    let examples = examples();
    let order = &examples["woocommerce_order_created"];
    let expected = BASE64_STANDARD.encode(mac("4d4f7e2c1f0b4b9fa2a1&woo", &order.body));
    assert_eq!(order.headers["x-wc-webhook-signature"], expected);

    let checkout = &examples["stripe_checkout_session_completed"];
    let signed = format!("1720602001.{}", checkout.body);
    let expected = format!(
        "t=1720602001,v1={}",
        hex::encode(mac("whsec_test_secret", &signed))
    );
    assert_eq!(checkout.headers["stripe-signature"], expected);
}

fn mac(key: &str, message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
