//! Ten destinations, of which one is dead, one slow and one dripping: the others, and whoever
//! sends us requests, do not notice. The whole program.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::soon;
use crate::support::server::Server;
use crate::support::stand_in::StandIn;
use crate::support::vendor::Vendor;
use crate::support::working_set::{ORDER_CLIENT, ORDER_TAG, WorkingSet, http_destination};

/// More than the places that a destination has for requests under way.
const ORDERS: usize = 20;

#[tokio::test]
async fn three_bad_destinations_of_ten_delay_no_other() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = Vendor::answering(&[]).await;
    let never = slow.hold().await;
    let (dripping, drip) = dripping().await;
    let mut good = Vec::new();
    for _ in 0..7 {
        good.push(StandIn::of("http").await);
    }
    let bad = [dead.local_addr().unwrap(), slow.address, dripping];
    drop(dead);
    let all = bad.into_iter().chain(good.iter().map(|one| one.address));
    let set = with_destinations(&all.collect::<Vec<_>>());
    let server = Server::start(&set).await;
    for order in 1..=ORDERS {
        // Each order is answered, and has reached all that work, before the next one comes.
        let answer = server
            .post("/order", &json!({ "id": order }).to_string())
            .await;
        assert_eq!(answer.status, 200);
        for vendor in &good {
            vendor.wait_for(order).await;
        }
    }
    assert!(slow.received().len() <= 16, "and none is answered");
    let standings = server.call("GET", "/api/destinations", "").await.json();
    let state_of = |name: &str| {
        let all = standings.as_array().unwrap();
        let of = |one: &&Value| one["name"] == name;
        all.iter().find(of).unwrap()["state"].clone()
    };
    assert_eq!(state_of("to-0"), "open");
    for name in ["to-3", "to-9"] {
        assert_eq!(state_of(name), "ready");
    }
    let resumed = server
        .call("POST", "/api/destinations/to-0/resume", "")
        .await;
    assert_eq!(
        (resumed.status, resumed.json()),
        (200, json!({ "resumed": "to-0" }))
    );
    let unknown = server
        .call("POST", "/api/destinations/to-x/resume", "")
        .await;
    assert_eq!(unknown.status, 404);
    drop(never);
    drip.abort(); // and the rest of its answers never comes
    soon(server.stop()).await;
}

/// Every order goes to all of these.
fn with_destinations(addresses: &[SocketAddr]) -> WorkingSet {
    let name = |index: usize| format!("to-{index}");
    let tables = addresses.iter().enumerate();
    let tables = tables.map(|(index, address)| http_destination(&name(index), *address));
    let set = WorkingSet::new(&tables.collect::<String>()).with("clients/order.rhai", ORDER_CLIENT);
    for index in 0..addresses.len() {
        let tag = ORDER_TAG.replace("\"crm\"", &format!("\"{}\"", name(index)));
        set.write(&format!("tags/{}.rhai", name(index)), tag);
    }
    set
}

/// A server that begins each answer, and does not get to its end while it is not aborted.
async fn dripping() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut some = [0; 1_000];
            drop(socket.read(&mut some).await);
            let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n.";
            drop(socket.write_all(begun).await);
            open.push(socket);
        }
    };
    (address, tokio::spawn(serve))
}
