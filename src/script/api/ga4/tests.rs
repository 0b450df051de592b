//! Hits to event data.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::script::api::tests::request;
use crate::script::json::to_json;

fn hit(query: &str, body: &[u8]) -> RequestView {
    let mut request = request();
    request.query = query.to_owned();
    request.body = body.to_vec().into();
    RequestView::new(Arc::new(request), Map::new())
}

fn decoded(query: &str, body: &str) -> Vec<Value> {
    let events = events(&hit(query, body.as_bytes())).unwrap();
    let json = to_json(&Dynamic::from_array(events)).unwrap();
    let mut events: Vec<Value> = serde_json::from_slice(&json).unwrap();
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        let server_side = event.remove("x-sst-system_properties").unwrap();
        assert!(server_side["request_start_time_ms"].is_i64());
    }
    events
}

#[test]
fn parameters_become_keys() {
    for (query, expected) in [
        (
            "en=a&v=2&tid=G-1&gtm=45je",
            json!({ "event_name": "a", "x-ga-protocol_version": "2", "x-ga-measurement_id": "G-1", "x-ga-gtm_version": "45je" }),
        ),
        (
            "en=a&sid=17&sct=3&seg=0&_p=5&_s=1&_et=9&tfd=8",
            json!({ "event_name": "a", "ga_session_id": "17", "ga_session_number": 3, "x-ga-mp2-seg": "0", "x-ga-page_id": 5, "x-ga-request_count": 1, "engagement_time_msec": 9, "x-ga-tfd": 8 }),
        ),
        (
            "en=a&ep.x=1&epn.y=1.5&epn.z=n%2Fa&ep.k=a%20b%2B",
            json!({ "event_name": "a", "x": "1", "y": 1.5, "z": "n/a", "k": "a b+" }),
        ),
        (
            "en=a&up.plan=pro&upn.seats=5",
            json!({ "event_name": "a", "x-ga-mp2-user_properties": { "plan": "pro", "seats": 5 } }),
        ),
        (
            "en=a&_ss=1&_fv=2&_ee=1&_eu=EA&_dbg=1&_z=c",
            json!({ "event_name": "a", "x-ga-system_properties": { "ss": "1", "fv": "2", "ee": true, "eu": "EA", "dbg": "1", "z": "c" } }),
        ),
        (
            "en=a&ir=1&tt=internal&frm=0&npa=0&richsstsse",
            json!({ "event_name": "a", "x-ga-mp2-ir": "1", "x-ga-mp2-tt": "internal", "x-ga-mp2-frm": "0", "x-ga-mp2-npa": "0", "x-ga-mp2-richsstsse": "" }),
        ),
        (
            "en=a&uaa=arm&uab=64&uamb=0&uaw=1&uap=macOS&uapv=15.2&uam=&uafvl=Chromium%3B136.0%7CNot.A%252FBrand%3B99.0",
            json!({ "event_name": "a", "client_hints": { "architecture": "arm", "bitness": "64", "mobile": false, "wow64": true, "platform": "macOS", "platform_version": "15.2", "model": "", "full_version_list": [{ "brand": "Chromium", "version": "136.0" }, { "brand": "Not.A/Brand", "version": "99.0" }] } }),
        ),
        (
            "en=a&pr2=idB&pr1=idA&prx=1&pr=2",
            json!({ "event_name": "a", "items": [{ "item_id": "A" }, { "item_id": "B" }], "x-ga-mp2-prx": "1", "x-ga-mp2-pr": "2" }),
        ),
        (
            "en=a&ep.event_name=b&epn.event_name=7",
            json!({ "event_name": "a" }),
        ),
        (
            "en=a&gcs=G101",
            json!({ "event_name": "a", "x-ga-gcs": "G101", "consent_state": { "ad_storage": false, "analytics_storage": true } }),
        ),
        (
            "en=a&en=b&other.key=1",
            json!({ "event_name": "b", "x-ga-mp2-other.key": "1" }),
        ),
    ] {
        assert_eq!(decoded(query, ""), [expected], "{query}");
    }
}

#[test]
fn what_the_server_container_is_told_is_apart() {
    let events = events(&hit("en=a&sst.tft=17&sst.uc=DE", b"")).unwrap();
    let event = events.first().unwrap().as_map_ref().unwrap();
    let json = to_json(&event["x-sst-system_properties"]).unwrap();
    let expected =
        json!({ "request_start_time_ms": request().received_at, "tft": "17", "uc": "DE" });
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), expected);
}

#[test]
fn each_line_is_an_event_over_the_query() {
    for body in [
        "en=b&ep.x=1\nen=c&sid=2",
        "en=b&ep.x=1\r\nen=c&sid=2\r\n\r\n",
    ] {
        assert_eq!(
            decoded("en=a&sid=1&_ss=1", body),
            [
                json!({ "event_name": "b", "ga_session_id": "1", "x": "1", "x-ga-system_properties": { "ss": "1" } }),
                json!({ "event_name": "c", "ga_session_id": "2", "x-ga-system_properties": { "ss": "1" } }),
            ]
        );
    }
    assert_eq!(
        decoded("v=2", "en=b\nsid=1\nen="),
        [json!({ "event_name": "b", "x-ga-protocol_version": "2" })]
    );
    assert_eq!(decoded("v=2", ""), [json!(null); 0]);
}

/// The page that users read says what this code does.
#[test]
fn every_parameter_and_code_is_documented() {
    let page = include_str!("../../../../docs/sources/ga4.md");
    for (name, key, _) in parameter::PARAMETERS {
        assert!(page.contains(&format!("| `{name}` | `{key}` |")), "{name}");
    }
    for (name, key) in parameter::HINTS {
        let line = format!("| `{name}` | `client_hints.{key}` |");
        assert!(page.contains(&line), "{name}");
    }
    for (code, key, _) in item::CODES {
        let is_there = |word: &str| page.contains(&format!("`{word}`"));
        assert!(is_there(code) && is_there(key), "{code} {key}");
    }
}

#[test]
fn a_hit_that_asks_for_too_much_is_refused() {
    let lines = "en=a\n".repeat(MAX_LINES + 1);
    assert!(
        events(&hit("", lines.as_bytes()))
            .unwrap_err()
            .0
            .contains("lines")
    );
    let query: String = (0..100).map(|n| format!("&ep.x{n}=1")).collect();
    let lines = "en=a\n".repeat(MAX_LINES);
    assert!(
        events(&hit(&query, lines.as_bytes()))
            .unwrap_err()
            .0
            .contains("parameters")
    );
    let item = format!("en=a&pr1={}", "k1a~v1b~".repeat(MAX_PARTS));
    assert!(
        events(&hit("", item.as_bytes()))
            .unwrap_err()
            .0
            .contains("parameters")
    );
}

proptest! {
    #[test]
    fn no_hit_panics(
        query in "\\PC{0,120}",
        body in prop::collection::vec(any::<u8>(), 0..200),
        likely in "(en|ep\\.x|epn\\.|pr1|uafvl|uamb|_ee|gcd|up\\.|sst\\.)(=[a-z0-9~%;|]{0,9}&?){0,6}",
    ) {
        for request in [hit(&query, &body), hit(&likely, likely.as_bytes())] {
            drop(events(&request));
        }
    }

    /// What comes out is bounded by what comes in, so no small hit becomes a large event.
    #[test]
    fn keys_are_bounded(query in "(&[a-z]{1,3}=[a-z~]{0,5}){0,20}", body in "(en=a&[a-z]{1,3}=1\n){0,20}") {
        if let Ok(events) = events(&hit(&query, body.as_bytes())) {
            let json = to_json(&Dynamic::from_array(events)).unwrap();
            prop_assert!(json.len() < (query.len() + 200) * (body.len() + 200));
        }
    }
}
