//! Many deliveries in one request, and answers that speak of some of them.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tagwerk::delivery::State;
use tagwerk::journal::Record;

use super::{Rig, amplitude, signup, soon, stand_in};
use crate::support::vendor::Vendor;

/// Cases that are data: the answers of a vendor, and what must come of them.
#[tokio::test]
async fn the_answers_of_vendors_have_the_results_they_document() {
    for file in [
        "amplitude_400_drops_only_the_bad_events",
        "amplitude_429_throttled_user_waits",
        "slack_429_honours_retry_after",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/delivery");
        let case = std::fs::read(path.join(file).with_extension("json")).unwrap();
        let case: Value = serde_json::from_slice(&case).unwrap();
        check(file, &case["input"], &case["expect"]).await;
    }
}

async fn check(name: &str, input: &Value, expect: &Value) {
    let vendor = Vendor::answering(input["responses"].as_array().unwrap()).await;
    let kind = input["tag"].as_str().unwrap();
    let settings = match kind {
        "slack" => "webhook_url = \"https://hooks.slack.com/services/T/B/x\"",
        _ => "api_key = \"key\"",
    };
    let rig = Rig::start(&format!(
        "[destinations.{kind}]\ntype = \"{kind}\"\n{settings}\nendpoint = \"http://{}\"\n",
        vendor.address
    ))
    .await;
    let count = usize::try_from(input["batch_of"].as_u64().unwrap_or(1)).unwrap();
    let payloads: Vec<Value> = (0..count).map(signup).collect();
    let event = rig.send(kind, &payloads).await;
    if expect["dropped"].is_null() {
        // Being throttled is no attempt, so the schedule has not begun.
        rig.pass_to_next_attempt(event, 0).await;
    }
    let attempts = usize::try_from(expect["attempts"].as_u64().unwrap()).unwrap();
    soon(vendor.wait_for(attempts)).await;
    if expect["dropped"].is_null() {
        let least = expect["min_gap_s"].as_u64().unwrap_or(30); // Amplitude's
        let arrivals = vendor.arrivals();
        let gap = arrivals[1] - arrivals[0];
        assert!(gap >= Duration::from_secs(least), "{name}: {gap:?}");
    }
    let is_settled = |record: &Record| record.delivery.state != State::Pending;
    let records = rig.until(event, is_settled).await;
    let received = vendor.received();
    assert_eq!(received.len(), attempts, "{name}");
    for (index, record) in records.iter().enumerate() {
        let dropped = expect["dropped"].as_array().into_iter().flatten();
        let expected = match dropped.into_iter().any(|place| *place == index) {
            true => State::Dead,
            false => State::Delivered,
        };
        assert_eq!(record.delivery.state, expected, "{name}: {index}");
    }
    if let Some(places) = expect["second_request_event_indexes"].as_array() {
        let first = &received[0]["events"];
        let left = places
            .iter()
            .map(|place| first[place.as_u64().unwrap() as usize].clone());
        assert_eq!(received[1]["events"], left.collect::<Value>(), "{name}");
    }
    assert!(records.iter().all(|record| record.attempts == 1), "{name}");
    if expect["same_insert_id"] == true {
        let id = |request: &Value| request["events"][0]["insert_id"].clone();
        assert_eq!(id(&received[0]), id(&received[1]), "{name}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn one_bad_event_of_a_real_batch_is_dropped() {
    let vendor = stand_in("amplitude", &[]).await;
    let rig = Rig::start(&amplitude(vendor.address, "")).await;
    let mut payloads: Vec<Value> = (0..5).map(signup).collect();
    payloads[3]["user_id"] = json!("0");
    let event = rig.send("amplitude", &payloads).await;
    let is_settled = |record: &Record| record.delivery.state != State::Pending;
    let records = rig.until(event, is_settled).await;
    for (index, record) in records.iter().enumerate() {
        let is_delivered = record.delivery.state == State::Delivered;
        assert_eq!(is_delivered, index != 3, "{record:?}");
    }
    let accepted: usize = vendor
        .emulator
        .received()
        .iter()
        .map(|one| one.accepted)
        .sum();
    assert_eq!(accepted, 4);
    rig.stop().await;
}

#[tokio::test]
async fn a_batch_that_is_too_large_goes_in_halves() {
    let vendor = stand_in("amplitude", &[413, 200, 413]).await;
    let rig = Rig::start(&amplitude(vendor.address, "")).await;
    let payloads: Vec<Value> = (0..4).map(signup).collect();
    let event = rig.send("amplitude", &payloads).await;
    let delivered = rig.until_delivered(event).await;
    assert!(delivered.iter().all(|record| record.attempts == 1));
    let sizes: Vec<usize> = vendor
        .emulator
        .received()
        .iter()
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["events"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(sizes, [4, 2, 2, 1, 1]);
    rig.stop().await;
}

#[tokio::test]
async fn a_single_one_that_is_too_large_is_dead() {
    let vendor = stand_in("amplitude", &[413]).await;
    let rig = Rig::start(&amplitude(vendor.address, "")).await;
    let event = rig.send("amplitude", &[signup(1)]).await;
    let dead = rig.until(event, |record| record.delivery.state == State::Dead);
    assert_eq!(dead.await[0].attempts, 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_batch_weighs_no_more_than_the_vendor_takes() {
    let vendor = stand_in("amplitude", &[]).await;
    let rig = Rig::start(&amplitude(vendor.address, "concurrency = 1")).await;
    let large = |user| {
        let mut event = signup(user);
        event["event_properties"] = json!({ "text": vec!["x".repeat(1_000); 300] });
        event
    };
    let event = rig
        .send("amplitude", &(0..7).map(large).collect::<Vec<_>>())
        .await;
    rig.until_delivered(event).await;
    let received = vendor.emulator.received();
    assert!(received.iter().all(|request| request.status == 200));
    let accepted: Vec<usize> = received.iter().map(|request| request.accepted).collect();
    assert_eq!(accepted, [2, 2, 2, 1]);
    rig.stop().await;
}
