//! How a destination stands after what its vendor said: who waits, for how long, and what ends it.

use std::time::Duration;

use serde_json::{Value, json};
use tagwerk::delivery::{ErrorClass, State};
use tagwerk::journal::Record;
use tagwerk::telemetry::DestinationState;

use super::{Rig, START, amplitude, http, pass, signup, soon};
use crate::support::vendor::Vendor;

fn refusals(status: u16, count: usize) -> Vec<Value> {
    vec![json!({ "status": status, "body": "no" }); count]
}

/// Nothing has been lost of what waits: no attempt, and it is still pending.
fn is_untouched(record: &Record) -> bool {
    record.delivery.state == State::Pending && record.attempts == 0
}

#[tokio::test]
async fn a_destination_that_fails_is_left_alone_and_probed() {
    let crm = Vendor::answering(&refusals(503, 11)).await;
    let rig = Rig::start(&http(crm.address, "concurrency = 1")).await;
    let event = rig.send("crm", &vec![json!({}); 30]).await;
    let standing = rig.until_it_is("crm", DestinationState::Open).await;
    assert_eq!(standing.why.as_deref(), Some("503 no"));
    let wait = standing.until.unwrap() - standing.since;
    assert!((29_990..=30_000).contains(&wait), "{wait}");
    rig.journal.flush().await.unwrap();
    let records = rig.journal.deliveries_of(event).await.unwrap();
    assert_eq!(crm.received().len(), 10);
    assert_eq!(records.iter().filter(|one| is_untouched(one)).count(), 20);
    // One probe, which fails, and costs nobody else an attempt.
    pass(Duration::from_secs(31)).await;
    soon(crm.wait_for(11)).await;
    soon(async {
        while rig.standing("crm").until == standing.until {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(crm.received().len(), 11);
    let wait = rig.standing("crm").until.unwrap() - standing.until.unwrap();
    assert!((60_000..66_000).contains(&wait), "{wait}");
    // The next one succeeds, and everything goes.
    pass(Duration::from_secs(70)).await;
    rig.until_it_is("crm", DestinationState::Ready).await;
    rig.until_delivered(event).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_key_that_is_refused_costs_nothing_and_is_probed() {
    let crm = Vendor::answering(&refusals(401, 2)).await;
    let config = http(crm.address, "concurrency = 1");
    let rig = Rig::start(&config).await;
    let event = rig.send("crm", &vec![json!({}); 3]).await;
    let standing = rig.until_it_is("crm", DestinationState::Paused).await;
    assert_eq!(standing.why.as_deref(), Some("401 no"));
    assert!(standing.since >= START);
    // A reload that says the same of it changes nothing.
    rig.reload(&format!("{config}# a remark"));
    let probed = crm.wait_for(2);
    pass(Duration::from_secs(31)).await;
    soon(probed).await;
    let again = rig.until_it_is("crm", DestinationState::Paused).await;
    assert_eq!(again.since, standing.since);
    rig.journal.flush().await.unwrap();
    let records = rig.journal.deliveries_of(event).await.unwrap();
    assert!(records.iter().all(is_untouched), "{records:?}");
    assert_eq!(crm.received().len(), 2);
    // Other settings do.
    rig.reload(&http(
        crm.address,
        "headers = { Authorization = \"Bearer new-key\" }",
    ));
    let delivered = rig.until_delivered(event).await;
    assert!(delivered.iter().all(|record| record.attempts == 1));
    rig.until_it_is("crm", DestinationState::Ready).await;
    rig.stop().await;
}

#[tokio::test]
async fn what_is_gone_is_not_probed_until_somebody_says_so() {
    let crm = Vendor::answering(&refusals(410, 1)).await;
    let rig = Rig::start(&http(crm.address, "concurrency = 1")).await;
    let event = rig.send("crm", &vec![json!({}); 3]).await;
    let standing = rig.until_it_is("crm", DestinationState::Disabled).await;
    assert_eq!(standing.until, None);
    rig.journal.flush().await.unwrap();
    pass(Duration::from_secs(7 * 24 * 60 * 60)).await;
    let records = rig.journal.deliveries_of(event).await.unwrap();
    assert!(records.iter().all(is_untouched), "{records:?}");
    assert_eq!(crm.received().len(), 1);
    assert!(!rig.standings.resume("srm"));
    assert!(rig.standings.resume("crm"));
    rig.until_delivered(event).await;
    rig.until_it_is("crm", DestinationState::Ready).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_vendor_that_has_had_enough_is_left_alone_as_long_as_it_says() {
    let busy = json!({ "status": 429, "headers": { "retry-after": "90" } });
    let crm = Vendor::answering(&[busy]).await;
    let rig = Rig::start(&http(crm.address, "concurrency = 1\nretry = \"off\"")).await;
    let event = rig.send("crm", &vec![json!({}); 3]).await;
    let standing = rig.until_it_is("crm", DestinationState::Throttled).await;
    let wait = standing.until.unwrap() - standing.since;
    assert!((89_990..=90_000).contains(&wait), "{wait}");
    assert_eq!(standing.why.as_deref(), Some("429"));
    rig.journal.flush().await.unwrap();
    let records = rig.journal.deliveries_of(event).await.unwrap();
    assert!(records.iter().all(is_untouched), "{records:?}");
    pass(Duration::from_secs(89)).await;
    rig.journal.flush().await.unwrap();
    assert_eq!(crm.received().len(), 1, "nothing else has left meanwhile");
    pass(Duration::from_secs(2)).await;
    let delivered = rig.until_delivered(event).await;
    assert!(delivered.iter().all(|record| record.attempts == 1));
    rig.stop().await;
}

#[tokio::test]
async fn users_that_are_throttled_hold_up_nobody_else() {
    let some = json!({ "status": 429, "body": { "code": 429, "throttled_events": [1, 2] } });
    let vendor = Vendor::answering(&[some]).await;
    let rig = Rig::start(&amplitude(vendor.address, "")).await;
    let payloads: Vec<Value> = (0..5).map(signup).collect();
    let event = rig.send("amplitude", &payloads).await;
    soon(vendor.wait_for(2)).await;
    let users = |request: &Value| -> Vec<Value> {
        let events = request["events"].as_array().unwrap().iter();
        events.map(|event| event["user_id"].clone()).collect()
    };
    let expected = json!(["user-0", "user-3", "user-4"]);
    assert_eq!(json!(users(&vendor.received()[1])), expected);
    assert_eq!(rig.standing("amplitude").state, DestinationState::Ready);
    // And others that come go at once, too.
    let later = rig.send("amplitude", &[signup(9)]).await;
    rig.until_delivered(later).await;
    pass(Duration::from_secs(31)).await;
    let delivered = rig.until_delivered(event).await;
    assert!(delivered.iter().all(|record| record.attempts == 1));
    let last = vendor.received().pop().unwrap();
    assert_eq!(json!(users(&last)), json!(["user-1", "user-2"]));
    rig.stop().await;
}

#[tokio::test]
async fn fewer_requests_are_under_way_while_it_is_too_much() {
    let busy = json!({ "status": 429, "headers": { "retry-after": "1" } });
    let crm = Vendor::answering(&[busy]).await;
    let rig = Rig::start(&http(crm.address, "concurrency = 8")).await;
    let event = rig.send("crm", &[json!({})]).await;
    rig.until_it_is("crm", DestinationState::Throttled).await;
    assert_eq!(rig.standing("crm").concurrency, 4);
    pass(Duration::from_secs(2)).await;
    rig.until_delivered(event).await;
    let events = rig.send("crm", &vec![json!({}); 50]).await;
    rig.until_delivered(events).await;
    soon(async {
        while rig.standing("crm").concurrency < 8 || rig.standing("crm").in_flight > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn what_is_not_there_to_be_sent_to_says_so() {
    let crm = Vendor::answering(&[]).await;
    let config = http(crm.address, "headers = { A = \"${TOKEN}\" }");
    let rig = Rig::start(&config).await;
    let standing = rig
        .until_it_is("crm", DestinationState::NotConfigured)
        .await;
    assert_eq!(standing.why.as_deref(), Some("$TOKEN"));
    rig.reload("");
    rig.until_it_is("crm", DestinationState::Removed).await;
    rig.reload(&http(crm.address, ""));
    rig.until_it_is("crm", DestinationState::Ready).await;
    rig.stop().await;
}

#[tokio::test]
async fn what_has_become_too_old_is_not_sent() {
    let crm = Vendor::answering(&[json!({ "status": 503 }), json!({ "status": 429 })]).await;
    let rig = Rig::start(&http(crm.address, "concurrency = 1")).await;
    // Too old at the next attempt, after it has failed and after it was throttled; and at the first.
    let failed = rig
        .send_until("crm", &[json!({})], Some(START + 2_000))
        .await;
    let is_dead = |record: &Record| record.class == Some(ErrorClass::Expired);
    let dead = &rig.until(failed, is_dead).await[0];
    assert_eq!(dead.attempts, 1);
    let note = dead.note.as_deref().unwrap();
    assert!(note.ends_with("at the next attempt: 503"), "{note}");

    let soon_old = Some(rig.clock.now() + 900);
    let throttled = rig.send_until("crm", &[json!({})], soon_old).await;
    let dead = &rig.until(throttled, is_dead).await[0];
    let note = dead.note.as_deref().unwrap();
    assert!(note.ends_with("at the next attempt: 429"), "{note}");

    let old = rig.send_until("crm", &[json!({})], Some(START - 1)).await;
    let good = rig
        .send_until("crm", &[json!({})], Some(START + 999_999))
        .await;
    pass(Duration::from_secs(2)).await;
    rig.until_delivered(good).await;
    let dead = &rig.until(old, is_dead).await[0];
    assert_eq!((dead.delivery.state, dead.attempts), (State::Dead, 0));
    assert_eq!(crm.received().len(), 3);
    rig.stop().await;
}
