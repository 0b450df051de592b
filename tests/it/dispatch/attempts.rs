//! One delivery after the other: attempts, dead letters, and who waits for whom.

use serde_json::json;
use tagwerk::delivery::{ErrorClass, State};
use tagwerk::telemetry::DestinationState;
use tokio::net::TcpListener;

use super::{Rig, http, soon, stand_in};
use crate::support::vendor::Vendor;

#[tokio::test]
async fn what_fails_is_tried_again_under_the_same_name() {
    let crm = stand_in("http", &[500, 408, 503]).await;
    let rig = Rig::start(&http(crm.address, "")).await;
    let event = rig.send("crm", &[json!({ "body": { "order": 1 } })]).await;
    for (attempt, seconds) in [(1, 4.0..=6.0), (2, 24.0..=36.0), (3, 96.0..=144.0)] {
        let waited = rig.pass_to_next_attempt(event, attempt).await;
        // What is left of the wait when we see it.
        assert!(
            waited.as_secs_f64() <= *seconds.end(),
            "{attempt}: {waited:?}"
        );
        assert!(
            waited.as_secs_f64() >= seconds.start() - 1.0,
            "{attempt}: {waited:?}"
        );
    }
    let delivered = rig.until_delivered(event).await;
    assert_eq!(delivered[0].attempts, 4);
    let received = crm.emulator.received();
    assert_eq!(received.len(), 4);
    let id = delivered[0].delivery.id.to_string();
    for request in received {
        assert_eq!(request.headers["idempotency-key"], id);
        assert_eq!(request.headers["webhook-id"], id);
        assert_eq!(request.body, r#"{"order":1}"#);
    }
    rig.stop().await;
}

#[tokio::test]
async fn after_the_last_attempt_it_is_a_dead_letter() {
    let crm = stand_in("http", &[500, 502]).await;
    let rig = Rig::start(&http(crm.address, "retry = [\"1m\"]")).await;
    let event = rig.send("crm", &[json!({})]).await;
    rig.pass_to_next_attempt(event, 1).await;
    let dead = rig.until(event, |record| record.delivery.state == State::Dead);
    let dead = dead.await;
    assert_eq!(dead[0].attempts, 2);
    assert_eq!(dead[0].class, Some(ErrorClass::Exhausted));
    let note = dead[0].note.as_deref().unwrap();
    assert!(note.starts_with("given up after 2 attempts: 502"), "{note}");
    assert_eq!(crm.emulator.received().len(), 2);
    rig.stop().await;
}

#[tokio::test]
async fn what_the_vendor_refuses_is_dead_at_once_and_says_why() {
    let answers = [
        json!({ "status": 422, "body": "no such order\nfor t0ken-123" }),
        json!({ "status": 307, "headers": { "location": "http://169.254.169.254/" } }),
    ];
    let crm = Vendor::answering(&answers).await;
    let headers = "headers = { Authorization = \"Bearer t0ken-123\" }\nconcurrency = 1";
    let rig = Rig::start(&http(crm.address, headers)).await;
    let event = rig
        .send("crm", &[json!({}), json!({}), json!({ "bdoy": 1 })])
        .await;
    let dead = rig.until(event, |record| record.delivery.state == State::Dead);
    let dead = dead.await;
    let notes: Vec<&str> = dead
        .iter()
        .map(|one| one.note.as_deref().unwrap())
        .collect();
    assert_eq!(
        notes[0], "422 no such order for ***",
        "and the token stays hidden"
    );
    assert!(
        notes[1].contains("redirects are not followed"),
        "{}",
        notes[1]
    );
    assert!(notes[2].contains("unknown key `bdoy`"), "{}", notes[2]);
    let classes: Vec<_> = dead.iter().filter_map(|record| record.class).collect();
    assert_eq!(
        classes,
        [
            ErrorClass::Rejected,
            ErrorClass::Redirected,
            ErrorClass::Invalid
        ]
    );
    assert_eq!(crm.received().len(), 2, "the third was never sent");
    rig.stop().await;
}

#[tokio::test]
async fn a_dead_vendor_delays_no_other() {
    // A port that refuses, one that never answers, and one that works.
    let refusing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let crm = stand_in("http", &[]).await;
    let table = |name, address| http(address, "").replace("crm", name);
    let config = [
        table("refusing", refusing.local_addr().unwrap()),
        table("silent", silent.local_addr().unwrap()),
        table("crm", crm.address),
    ];
    drop(refusing);
    let rig = Rig::start(&config.concat()).await;
    let payloads = vec![json!({}); 100];
    let refused = rig.send("refusing", &payloads).await;
    rig.send("silent", &payloads).await;
    let event = rig.send("crm", &payloads).await;
    rig.until_delivered(event).await;
    assert_eq!(crm.emulator.received().len(), 100);
    // Ten were enough to see that it is dead; the others keep their attempts.
    let standing = rig.until_it_is("refusing", DestinationState::Open).await;
    let why = standing.why.unwrap();
    assert!(why.starts_with("cannot connect"), "{why}");
    rig.journal.flush().await.unwrap();
    let records = rig.journal.deliveries_of(refused).await.unwrap();
    let tried = records.iter().filter(|record| record.attempts == 1).count();
    assert!((10..=26).contains(&tried), "{tried}");
    for record in records {
        assert_eq!(record.delivery.state, State::Pending);
        assert!(record.attempts <= 1);
    }
    rig.stop.cancel();
    drop(silent); // its connections break, so that nothing is left to wait for
    soon(rig.running).await.unwrap();
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_allowed() {
    let crm = Vendor::answering(&[]).await;
    let gate = crm.hold().await;
    let rig = Rig::start(&http(crm.address, "concurrency = 3")).await;
    let event = rig.send("crm", &vec![json!({}); 10]).await;
    soon(crm.wait_for(3)).await;
    for _ in 0..50 {
        rig.journal.flush().await.unwrap();
    }
    assert_eq!(crm.received().len(), 3);
    drop(gate);
    rig.until_delivered(event).await;
    rig.stop().await;
}

#[tokio::test]
async fn what_is_being_sent_is_finished_before_the_end() {
    let crm = Vendor::answering(&[]).await;
    let gate = crm.hold().await;
    let rig = Rig::start(&http(crm.address, "concurrency = 1")).await;
    let event = rig.send("crm", &[json!({}), json!({})]).await;
    soon(crm.wait_for(1)).await;
    rig.stop.cancel();
    for _ in 0..50 {
        rig.journal.flush().await.unwrap();
    }
    assert!(!rig.running.is_finished(), "a request is under way");
    drop(gate);
    soon(rig.running).await.unwrap();
    let records = rig.journal.deliveries_of(event).await.unwrap();
    let states: Vec<State> = records.iter().map(|record| record.delivery.state).collect();
    assert_eq!(states, [State::Delivered, State::Pending]);
    assert_eq!(crm.received().len(), 1);
}
