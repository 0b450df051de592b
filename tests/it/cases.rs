//! Conformance cases, `tests/data/cases/*.json`: what goes in and what must come out, as data. Those
//! of clients and tags are run with the scripts that we ship.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::examples::{self, examples};
use crate::support::flow::{Flow, Sent, Taken};
use crate::support::json::{assert_contains, data};

fn case(file: &str) -> (Value, Value) {
    let case = data(&format!("cases/{file}.json"));
    (case["input"].clone(), case["expect"].clone())
}

fn send(input: &Value) -> Taken {
    let headers: Vec<_> = input["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let text = |key: &str| input[key].as_str().unwrap();
    Flow::shipped().request(text("method"), text("path"), &headers, text("body_raw"))
}

fn assert_sent(sent: &Sent, expect: &Value) {
    assert_eq!(sent.request.method.as_str(), expect["method"]);
    if let Some(url) = expect["url"].as_str() {
        assert_eq!(sent.request.url, url);
    }
    assert_contains(&sent.headers(), &expect["headers"]);
    match expect.get("json_subset") {
        Some(part) => assert_contains(&sent.body(), part),
        None => assert_eq!(sent.body(), expect["json"]),
    }
}

/// Scripts of a test's own beside the shipped configuration.
fn flow_with_tag(source: &str) -> Flow {
    let folder = tempfile::tempdir().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tagwerk.toml");
    fs::copy(config, folder.path().join("tagwerk.toml")).unwrap();
    fs::create_dir(folder.path().join("tags")).unwrap();
    fs::write(folder.path().join("tags/inline.rhai"), source).unwrap();
    Flow::load(folder.path())
}

#[test]
fn d01_an_order_of_woocommerce_becomes_event_data() {
    let (input, expect) = case("D01-woocommerce-order-created-becomes-event-data");
    let taken = send(&input);
    let events: Vec<_> = taken.events.into_iter().map(|event| event.data).collect();
    assert_contains(&events.into(), &expect["events"]);
}

#[test]
fn d02_a_ping_of_woocommerce_is_answered_200_and_makes_no_event() {
    let (input, expect) = case("D02-woocommerce-ping-answers-exactly-200-and-makes-n");
    let taken = send(&input);
    assert_eq!(taken.response.status, expect["response_status"]);
    assert!(taken.events.is_empty());
}

/// Runs a request through its client, and compares the events and what is said of the answer.
fn assert_client(file: &str) -> Taken {
    let (input, expect) = case(file);
    let taken = send(&input);
    let events: Vec<_> = taken
        .events
        .iter()
        .map(|event| event.data.clone())
        .collect();
    assert_contains(&events.into(), &expect["events"]);
    for key in expect["absent"].as_array().into_iter().flatten() {
        for event in &taken.events {
            assert!(event.data.get(key.as_str().unwrap()).is_none(), "{key}");
        }
    }
    let (said, wanted) = (&taken.response, &expect["response"]);
    if let Some(status) = wanted["status"].as_u64() {
        assert_eq!(u64::from(said.status), status);
    }
    let header = |name: &str| said.headers.get(name).map(|value| value.to_str().unwrap());
    for (name, value) in wanted["headers"].as_object().into_iter().flatten() {
        assert_eq!(header(name), value.as_str(), "{name}");
    }
    if let Some(kind) = wanted["content_type"].as_str() {
        assert_eq!(header("content-type"), Some(kind));
    }
    if let Some(keys) = wanted["body_keys"].as_array() {
        let body: serde_json::Map<String, Value> = serde_json::from_slice(&said.body).unwrap();
        assert!(keys.iter().eq(body.keys().map(String::as_str)), "{body:?}");
    }
    if !wanted["body"].is_null() {
        let body: Value = serde_json::from_slice(&said.body).unwrap();
        assert_eq!(body, wanted["body"]);
    }
    taken
}

#[test]
fn d03_the_data_tag_posts_json_as_text() {
    assert_client("D03-stape-data-tag-post-with-text-plain-json");
}

#[test]
fn d04_the_data_tag_packs_a_get_in_base64() {
    let taken = assert_client("D04-stape-data-tag-get-dtdc-base64");
    assert!(taken.response.body.starts_with(b"GIF89a"));
}

#[test]
fn d05_a_form_may_have_dotted_names() {
    assert_client("D05-form-body-with-dotted-keys");
}

#[test]
fn d06_a_track_call_of_segment() {
    assert_client("D06-segment-track-with-basic-auth");
}

#[test]
fn d07_a_batch_of_segment() {
    assert_client("D07-segment-batch-of-four");
}

#[test]
fn d08_a_page_view_of_gtag_becomes_event_data() {
    let taken = assert_client("D08-ga4-recorded-page-view");
    assert_eq!(
        (taken.response.status, &*taken.response.body),
        (204, &b""[..])
    );
}

#[test]
fn d09_each_line_of_a_hit_is_an_event() {
    let taken = assert_client("D09-ga4-recorded-two-event-batch-body");
    assert_eq!(taken.events[0].data["items"][0]["index"], 0);
}

#[test]
fn d10_a_purchase_of_gtag_has_its_items_and_its_consent() {
    let taken = assert_client("D10-ga4-purchase-with-two-items");
    let granted = json!({ "ad_storage": true, "analytics_storage": true, "ad_user_data": true, "ad_personalization": true });
    assert_eq!(taken.events[0].data["consent_state"], granted);
}

#[test]
fn d20_an_order_goes_to_tracify_as_its_page_says() {
    let (input, expect) = case("D20-tracify-purchase-request");
    let event = Flow::shipped().event(&input["event"]);
    assert_sent(event.sent_by("tracify_purchase"), &expect);
}

#[test]
fn d21_scripts_make_the_hashes_that_tracify_wants() {
    let (input, expect) = case("D21-tracify-group-hash-vectors");
    let flow = flow_with_tag(
        r#"const ON = "hash";
           const TO = "crm";
           fn tag(event) {
               #{ body: #{ hashes: event.values.map(|value| tracify::group_hash(value)) } }
           }"#,
    );
    let event = flow.event(&json!({ "event_name": "hash", "values": input["values"] }));
    assert_eq!(event.sent_by("inline").body(), expect);
}

#[test]
fn d22_revenue_goes_to_amplitude_as_the_template_says() {
    let (input, expect) = case("D22-amplitude-revenue");
    let event = Flow::shipped().event(&input["event"]);
    let sent = event.sent_by("amplitude_revenue");
    assert_sent(sent, &expect);
    let body = sent.body();
    assert!(body["events"][0]["price"].is_number());
    assert!(body["events"][0]["quantity"].is_i64());
    assert!(body["events"][0]["revenue"].is_number());
}

#[test]
fn d23_text_for_slack_is_escaped_once() {
    let (input, expect) = case("D23-slack-text-is-escaped-once");
    let flow = flow_with_tag(
        r#"const ON = "order";
           const TO = "slack";
           fn tag(event) { #{ text: `Order ${slack::escape(event.name)}` } }"#,
    );
    assert_sent(flow.event(&input["event"]).sent_by("inline"), &expect);
}

/// The event that a host function is tried with, and what it gives for each of the values.
fn computed(call: &str, values: &Value) -> Value {
    let tag = format!(
        "const ON = \"try\";\nconst TO = \"crm\";\nfn tag(event) {{ #{{ body: #{{ results: event.values.map(|value| {call}) }} }} }}"
    );
    let event = flow_with_tag(&tag).event(&json!({ "event_name": "try", "values": values }));
    event.sent_by("inline").body()["results"].clone()
}

#[test]
fn d28_values_merge_and_overwrite_as_in_the_data_layer() {
    let (input, expect) = case("D28-object-merge-and-overwrite-table");
    let results = computed(
        "keys::merge(value.existing, value[\"new\"])",
        &input["cases"],
    );
    assert_eq!(results, expect["results"]);
}

#[test]
fn d29_a_consent_code_is_decoded() {
    let (input, expect) = case("D29-gcd-decoding-first-four");
    let results = computed("ga4::consent(value)", &input["gcd"]);
    assert_eq!(results, expect["decoded"]);
}

/// Our examples send with each push what the page knows by then, which is what this case computes.
#[test]
fn d27_the_examples_carry_what_a_page_knows_after_each_push() {
    let (input, expect) = case("D27-pushes-merge-into-one-model");
    let examples = examples();
    let mut model = serde_json::Map::new();
    for (at, push) in input["pushes"].as_array().unwrap().iter().enumerate() {
        model.extend(push.as_object().unwrap().clone());
        let name = push["event"].as_str().unwrap();
        assert_eq!(expect["events_in_order"][at], name);
        let file = format!("datalayer_{}_{}", at + 1, name.replace(' ', "_"));
        let body: Value = serde_json::from_str(&examples[&file].body).unwrap();
        assert_eq!(body, Value::Object(model.clone()), "{file}");
    }
    assert_eq!(Value::Object(model), expect["model"]);
}

/// A client that we ship is a lesson, and a case in `cases/` shows what it makes.
#[test]
fn every_shipped_client_has_a_case() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let flow = Flow::shipped();
    let mut without: Vec<String> = fs::read_dir(top.join("clients"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(without.len() > 10, "{without:?}");
    for case in fs::read_dir(top.join("cases")).unwrap() {
        let request = case.unwrap().path().join("request.http");
        if let Ok(text) = fs::read_to_string(request) {
            let taken = flow.send(&examples::read(&text));
            let claimed = taken.clients.iter().filter(|client| client.claimed);
            claimed.for_each(|client| without.retain(|name| *name != client.name));
        }
    }
    assert_eq!(without, Vec::<String>::new());
}
