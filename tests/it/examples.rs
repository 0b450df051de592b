//! The example requests that we ship are what their README says: whole, listed, parseable. That their
//! signatures hold is tested in `senders`.

use std::fs;

use serde_json::Value;

use crate::support::examples::{examples, folder};

#[test]
fn every_example_is_a_whole_request_that_the_readme_names() {
    let examples = examples();
    assert_eq!(examples.len(), 38);
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for (name, example) in examples {
        // The six pushes are one line of the table.
        let is_listed =
            readme.contains(&format!("`{name}.http`")) || name.starts_with("datalayer_");
        assert!(is_listed, "{name} is not in the README");
        let method = if name == "data_tag_page_view" {
            "GET"
        } else {
            "POST"
        };
        assert_eq!(example.method(), method, "{name}");
        assert!(example.request_line.ends_with(" HTTP/1.1"), "{name}");
        assert!(example.headers.contains_key("host"), "{name}");
        if name == "woocommerce_ping" {
            assert_eq!(example.body, "webhook_id=142");
            continue;
        }
        if name == "github_push_form" {
            assert!(example.body.starts_with("payload=%7B"), "{name}");
            continue;
        }
        if name == "data_form_purchase" || name == "data_tag_page_view" || is_hit(&name) {
            continue;
        }
        let body: Value = serde_json::from_str(&example.body).expect(&name);
        assert_eq!(body.is_array(), name == "hubspot_changes", "{name}");
    }
}

/// Hits of GA4 are lines of parameters, in the query and the body.
fn is_hit(name: &str) -> bool {
    name.starts_with("ga4_") && name != "ga4_measurement_protocol"
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
