//! `delivery = "at-most-once"`: what may have arrived is never sent a second time.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tagwerk::delivery::{ErrorClass, State};
use tagwerk::journal::Record;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Rig, amplitude, http, signup, soon, stand_in};
use crate::support::vendor::Vendor;

const ONCE: &str = "delivery = \"at-most-once\"\nconcurrency = 1";

fn has_settled(record: &Record) -> bool {
    record.note.as_deref() != Some(UNDER_WAY) && record.delivery.state != State::Pending
}

/// What is found after a crash.
const UNDER_WAY: &str = "was being sent when the process ended; it may have arrived";

#[tokio::test]
async fn what_is_under_way_is_a_dead_letter_until_it_is_answered() {
    let crm = Vendor::answering(&[]).await;
    let gate = crm.hold().await;
    let rig = Rig::start_on_disk(&http(crm.address, ONCE)).await;
    let event = rig.send("crm", &[json!({})]).await;
    soon(crm.wait_for(1)).await;
    let marked = &rig.journal.deliveries_of(event).await.unwrap()[0];
    assert_eq!(marked.delivery.state, State::Dead);
    assert_eq!(marked.class, Some(ErrorClass::Unconfirmed));
    assert_eq!(marked.note.as_deref(), Some(UNDER_WAY));
    drop(gate);
    let delivered = &rig.until_delivered(event).await[0];
    assert_eq!((delivered.attempts, delivered.class), (1, None));
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_decides_whether_it_may_be_sent_again() {
    for (status, sent_again) in [
        (500, false),
        (503, false),
        (408, false),
        (422, false),
        (429, true),
        (401, true),
        (410, true),
    ] {
        let crm = Vendor::answering(&[json!({ "status": status })]).await;
        let rig = Rig::start_on_disk(&http(crm.address, ONCE)).await;
        let event = rig.send("crm", &[json!({})]).await;
        soon(crm.wait_for(1)).await;
        if sent_again {
            let is_back = |record: &Record| record.delivery.state == State::Pending;
            assert_eq!(rig.until(event, is_back).await[0].attempts, 0, "{status}");
            rig.pass_to_next_attempt(event, 0).await;
            rig.standings.resume("crm");
            rig.until_delivered(event).await;
            assert_eq!(crm.received().len(), 2, "{status}");
        } else {
            let dead = &rig.until(event, has_settled).await[0];
            let class = match status {
                422 => ErrorClass::Rejected,
                _ => ErrorClass::Unconfirmed,
            };
            assert_eq!(
                (dead.delivery.state, dead.class),
                (State::Dead, Some(class))
            );
            assert_eq!((dead.attempts, crm.received().len()), (1, 1), "{status}");
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn without_an_answer_it_matters_whether_it_was_sent() {
    let refusing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = refusing.local_addr().unwrap();
    drop(refusing);
    let no_connection = [
        (http(address, ONCE), "cannot connect"),
        // A server that speaks no TLS.
        (
            http(talk("nonsense").await, ONCE).replace("http://", "https://"),
            "cannot connect",
        ),
    ];
    for (config, why) in no_connection {
        let rig = Rig::start_on_disk(&config).await;
        let event = rig.send("crm", &[json!({})]).await;
        rig.until(event, |record| record.attempts == 1).await;
        let back = &rig
            .until(event, |one| one.delivery.state == State::Pending)
            .await[0];
        let note = back.note.as_deref().unwrap();
        assert!(note.starts_with(why), "{note}");
        rig.stop().await;
    }
    let broken = [
        (talk("").await, "no answer"),
        (
            talk("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx").await,
            "the answer broke off",
        ),
    ];
    for (address, why) in broken {
        let rig = Rig::start_on_disk(&http(address, ONCE)).await;
        let event = rig.send("crm", &[json!({})]).await;
        let dead = &rig.until(event, has_settled).await[0];
        assert_eq!(dead.class, Some(ErrorClass::Unconfirmed));
        let note = dead.note.as_deref().unwrap();
        assert!(note.contains(why), "{note}");
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_may_have_arrived() {
    let crm = Vendor::answering(&[]).await;
    let gate = crm.hold().await;
    let rig = Rig::start_on_disk(&http(crm.address, &format!("{ONCE}\ntimeout = \"100ms\""))).await;
    let event = rig.send("crm", &[json!({})]).await;
    let dead = &rig.until(event, has_settled).await[0];
    assert_eq!(dead.class, Some(ErrorClass::Unconfirmed));
    let note = dead.note.as_deref().unwrap();
    assert!(note.contains("no complete answer within 100ms"), "{note}");
    drop(gate);
    rig.stop().await;
}

#[tokio::test]
async fn what_a_bad_neighbour_held_up_is_sent_all_the_same() {
    let vendor = stand_in("amplitude", &[413]).await;
    let rig = Rig::start_on_disk(&amplitude(vendor.address, ONCE)).await;
    let mut payloads: Vec<Value> = (0..6).map(signup).collect();
    payloads[1]["user_id"] = json!("0");
    let event = rig.send("amplitude", &payloads).await;
    let records = rig.until(event, has_settled).await;
    for (index, record) in records.iter().enumerate() {
        let expected = match index {
            1 => (State::Dead, Some(ErrorClass::Rejected)),
            _ => (State::Delivered, None),
        };
        assert_eq!((record.delivery.state, record.class), expected, "{index}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn what_is_left_in_our_hands_at_the_end_is_brought_back() {
    let too_large = json!({ "status": 413 });
    let vendor = Vendor::answering(&[too_large]).await;
    let gate = vendor.hold().await;
    let rig = Rig::start_on_disk(&amplitude(vendor.address, ONCE)).await;
    let event = rig.send("amplitude", &[signup(1), signup(2)]).await;
    soon(vendor.wait_for(1)).await;
    rig.stop.cancel();
    drop(gate);
    soon(rig.running).await.unwrap();
    // It was answered that both must be sent again, and nobody does any more.
    for record in rig.journal.deliveries_of(event).await.unwrap() {
        let stands = (record.delivery.state, record.class, record.attempts);
        assert_eq!(stands, (State::Pending, None, 0));
    }
}

/// A server that reads something, says this to each, and closes the connection.
async fn talk(words: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut some = [0; 1_000];
            // Whoever went away first does not matter.
            drop(socket.read(&mut some).await);
            drop(socket.write_all(words.as_bytes()).await);
        }
    });
    address
}
