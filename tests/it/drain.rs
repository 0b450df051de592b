//! SIGTERM: what was accepted is answered, what was acknowledged is delivered, now or after the
//! next start, and the process ends in time.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tagwerk::emulator::Emulator;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::raw::{Raw, request};
use crate::support::server::Server;
use crate::support::stand_in::{StandIn, kind};
use crate::support::working_set::WorkingSet;

const SENDERS: usize = 8;

/// What process supervisors commonly give.
const IN_TIME: Duration = Duration::from_secs(20);

/// Far below the ten seconds that a request under way may take.
const AT_ONCE: Duration = Duration::from_secs(3);

const LOOK: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_load_answers_what_it_accepted_and_delivers_it() {
    // The vendor is down at first: long enough that it is left alone, so that much is undelivered
    // when the process ends, and not so long that the next one leaves it alone too.
    let down = Emulator::new(kind("http")).answering(vec![503; 12]);
    let crm = StandIn::start(down).await;
    let set = WorkingSet::of_orders(crm.address);
    let mut server = Server::start(&set).await;
    let answered = Arc::new(AtomicU64::new(0));
    let mut senders: JoinSet<Sent> = (0..SENDERS)
        .map(|sender| send_until_closed(server.address, sender as u64, answered.clone()))
        .collect();
    while answered.load(Ordering::Relaxed) < 200 {
        sleep(LOOK).await;
    }

    let told = Instant::now();
    server.signal_terminate().await;
    let stopping =
        |line: &serde_json::Value| line["message"].as_str().unwrap().starts_with("stopping");
    server.logged(stopping).await;
    let ready = server.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["status"]),
        (503, &"stopping".into())
    );
    assert_eq!(server.get("/healthz").await.status, 200);
    assert!(server.ended().await.success());
    assert!(told.elapsed() < IN_TIME);

    let (mut acked, mut unanswered) = (BTreeSet::new(), BTreeSet::new());
    while let Some(sent) = senders.join_next().await {
        let sent = sent.unwrap();
        acked.extend(sent.acked);
        unanswered.extend(sent.unanswered);
    }
    let server = Server::start(&set).await;
    server.status_where(|status| pending(status) == 0).await;
    server.stop().await;
    let bodies = crm.emulator.received();
    let delivered: BTreeSet<u64> = bodies
        .iter()
        .filter(|received| received.status == 200)
        .map(|received| order_id(&received.body))
        .collect();
    let lost: Vec<_> = acked.difference(&delivered).collect();
    assert_eq!(lost, [&0; 0], "acknowledged and not delivered");
    let accepted: Vec<_> = unanswered.intersection(&delivered).collect();
    assert_eq!(accepted, [&0; 0], "accepted and not answered");
    println!(
        "RESULT drain acked={} lost=0 unanswered_and_accepted=0 turned_away={}",
        acked.len(),
        unanswered.len()
    );
    crm.stop().await;
}

fn order_id(body: &[u8]) -> u64 {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body["id"].as_u64().unwrap()
}

/// How many deliveries, and events that are none yet, are open.
fn pending(status: &serde_json::Value) -> u64 {
    let deliveries = status["deliveries"].as_array().unwrap().iter();
    let pending = deliveries.filter(|counted| counted["state"] == "pending");
    let pending: u64 = pending
        .map(|counted| counted["count"].as_u64().unwrap())
        .sum();
    pending + status["journal"]["unprocessed"].as_u64().unwrap()
}

#[derive(Default)]
struct Sent {
    acked: Vec<u64>,
    unanswered: Option<u64>,
}

/// Posts one order after the other on one connection, for as long as the server lets it.
async fn send_until_closed(server: SocketAddr, sender: u64, answered: Arc<AtomicU64>) -> Sent {
    let mut raw = Raw::connect(server).await;
    let mut sent = Sent::default();
    for order in 0.. {
        let id = order * SENDERS as u64 + sender;
        raw.send(request("POST", "/order", &[], &format!("{{\"id\":{id}}}")))
            .await;
        let Ok(Some(answer)) = raw.try_answer().await else {
            sent.unanswered = Some(id);
            break;
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
        sent.acked.push(id);
        answered.fetch_add(1, Ordering::Relaxed);
        if answer.header("connection") == Some("close") {
            break;
        }
    }
    sent
}

/// A request of which half the body has been sent, and the other half.
async fn half_a_request(server: &Server) -> (Raw, &'static str) {
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /order HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{\"id\"")
        .await;
    // Answered on another connection: the first one has been accepted before.
    assert_eq!(server.get("/healthz").await.status, 200);
    (raw, ": 1 }")
}

#[tokio::test]
async fn a_request_whose_body_is_still_coming_is_answered() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address);
    let mut server = Server::start(&set).await;
    let (mut raw, rest) = half_a_request(&server).await;
    server.signal_terminate().await;
    let closed = async {
        while Raw::try_connect(server.address).await.is_ok() {
            sleep(LOOK).await
        }
    };
    timeout(IN_TIME, closed)
        .await
        .expect("it goes on listening");
    let answer = raw.send(rest).await.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(server.ended().await.success());
    crm.stop().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let crm = StandIn::of("http").await;
    let set = WorkingSet::of_orders(crm.address);
    let mut server = Server::start(&set).await;
    let (_waiting, _) = half_a_request(&server).await;
    server.signal_terminate().await;
    let closed = async {
        while Raw::try_connect(server.address).await.is_ok() {
            sleep(LOOK).await
        }
    };
    timeout(IN_TIME, closed)
        .await
        .expect("it goes on listening");
    let told = Instant::now();
    server.signal_terminate().await;
    assert!(server.ended().await.success());
    assert!(told.elapsed() < AT_ONCE);
    assert!(server.log().contains("stopped at once"));
    crm.stop().await;
}
