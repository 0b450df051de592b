//! The stand-ins over HTTP: what each vendor's rules are is tested beside them, in `src/emulator`.

use std::time::Duration;

use serde_json::{Value, json};
use tagwerk::emulator::Emulator;
use tokio::time::timeout;

use crate::support::http::{Answer, post};
use crate::support::stand_in::{StandIn, kind};

const JSON: &str = "Content-Type: application/json";

/// Far more than any of this takes, so that a hanging test fails.
const PATIENCE: Duration = Duration::from_secs(20);

async fn post_json(stand_in: &StandIn, path: &str, body: &Value) -> Answer {
    post(stand_in.address, path, &[JSON], &body.to_string()).await
}

fn signup(user: &str, insert_id: &str) -> Value {
    let event = json!({ "event_type": "signup", "user_id": user, "insert_id": insert_id });
    json!({ "api_key": "key", "events": [event] })
}

#[tokio::test]
async fn an_upload_is_judged_answered_and_remembered() {
    let amplitude = StandIn::start(Emulator::new(kind("amplitude"))).await;
    let good = signup("u-00001", "a");
    let answer = post_json(&amplitude, "/2/httpapi?x=1", &good).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said["events_ingested"], 1);

    assert_eq!(
        post_json(&amplitude, "/2/httpapi", &signup("0", "b"))
            .await
            .status,
        400
    );

    let received = amplitude.emulator.received();
    assert_eq!(received.len(), 2);
    assert_eq!(
        (received[0].path.as_str(), received[0].query.as_str()),
        ("/2/httpapi", "x=1")
    );
    assert_eq!(received[0].body, good.to_string());
    assert_eq!(received[0].answer, answer.body);
    assert_eq!(said["server_upload_time"], received[0].at);
    assert_eq!((received[0].status, received[0].accepted), (200, 1));
    assert_eq!((received[1].status, received[1].accepted), (400, 0));
    let why = "events[0].user_id: an id that Amplitude refuses";
    assert_eq!(received[1].refused, [why]);
    amplitude.stop().await;
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_and_counted_as_a_duplicate() {
    let amplitude = StandIn::start(Emulator::new(kind("amplitude"))).await;
    for body in [
        signup("u-00001", "a"),
        signup("u-00001", "a"),
        signup("u-00002", "a"),
    ] {
        assert_eq!(post_json(&amplitude, "/batch", &body).await.status, 200);
    }
    let received = amplitude.emulator.received();
    let counts: Vec<_> = received
        .iter()
        .map(|one| (one.accepted, one.duplicates))
        .collect();
    assert_eq!(counts, [(1, 0), (0, 1), (1, 0)]);
    amplitude.stop().await;
}

#[tokio::test]
async fn a_script_of_statuses_comes_first_and_200_in_it_is_a_normal_answer() {
    let script = vec![429, 200, 500];
    let slack = StandIn::start(Emulator::new(kind("slack")).answering(script)).await;
    let hello = json!({ "text": "hello" });
    let mut said = Vec::new();
    for _ in 0..4 {
        let answer = post_json(&slack, "/services/T/B/X", &hello).await;
        said.push((answer.status, answer.body.clone()));
        let asks_to_wait = answer.header("retry-after").is_some();
        assert_eq!(asks_to_wait, answer.status == 429);
    }
    let expected = [
        (429, "rate_limited"),
        (200, "ok"),
        (500, "rollup_error"),
        (200, "ok"),
    ];
    assert_eq!(
        said,
        expected.map(|(status, body)| (status, body.to_owned()))
    );
    assert_eq!(slack.emulator.received()[0].refused, ["told to answer 429"]);
    slack.stop().await;
}

#[tokio::test]
async fn waiting_ends_when_enough_was_accepted_even_if_that_was_before() {
    let http = StandIn::start(Emulator::new(kind("http")).answering(vec![503])).await;
    let emulator = http.emulator.clone();
    let waiter = tokio::spawn(async move { emulator.wait_for(2).await });
    for body in ["first", "second", "third"] {
        post(http.address, "/any/path", &[], body).await;
    }
    timeout(PATIENCE, waiter).await.unwrap().unwrap();
    timeout(PATIENCE, http.emulator.wait_for(2)).await.unwrap();
    let three = tokio::time::timeout(Duration::ZERO, http.emulator.wait_for(3));
    assert!(three.await.is_err(), "the 503 must not count");
    http.stop().await;
}

#[tokio::test]
async fn a_body_that_no_vendor_reads_is_refused_in_the_vendors_shape() {
    let tracify = StandIn::start(Emulator::new(kind("tracify"))).await;
    let body = "x".repeat(20_000_001);
    let answer = post(tracify.address, "/api/v1/events", &[JSON], &body).await;
    assert_eq!(answer.status, 413);
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        said,
        json!({ "status": false, "error": "Payload Too Large" })
    );
    let received = tracify.emulator.received();
    assert_eq!(received[0].refused, ["body is larger than 20000000 bytes"]);
    tracify.stop().await;
}
