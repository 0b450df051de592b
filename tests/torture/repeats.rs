//! F14: senders that send again what they think was lost, some of it while the first is under way.
//!
//! A client with `DEDUPE` gives an event its sender's id, so two events of one order would have
//! deliveries of the same id. Each copy therefore says which it is, and its delivery does too.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::kill::STALL;
use crate::oracle::{Arrival, Ledger, Vendor, Wire, sum_of};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::statuses::open;
use crate::support::server::Server;
use crate::support::working_set::WorkingSet;
use crate::tools::{Rounds, progress};

const ORDERS: u64 = 10_000;

/// How often each order is sent.
const COPIES: u64 = 3;

const CONNECTIONS: usize = 16;

/// Spread over the run, so that each lies between copies of some orders, and cuts off some.
const KILLS: usize = 20;

/// How many orders later a copy that comes later comes.
const LATER: [u64; 2] = [500, ORDERS / 2];

/// After a lost connection.
const BREATH: Duration = Duration::from_millis(5);

const CLIENT: &str = r#"
const PATH = "/order";
const DEDUPE = "header:x-delivery";
fn parse(request) {
    let order = request.json;
    #{ event_name: "order", order_id: order.id, sum: order.sum, copy: order.copy }
}
"#;

const TAG: &str = r#"
const ON = "order";
const TO = "crm";
fn tag(event) { #{ body: #{ id: event.order_id, sum: event.sum, copy: event.copy } } }
"#;

pub(crate) async fn run(rounds: Rounds) -> Report {
    let kills = rounds.at_most(KILLS);
    let ledger = Arc::new(Ledger::of_drawn(ORDERS));
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    let set = orders_to(vendor.address, &["crm"], "")
        .with("clients/order.rhai", CLIENT)
        .with("tags/crm.rhai", TAG);
    let book = Arc::new(Book::new(ledger.clone()));
    let server = send_across_kills(&set, &book, kills).await;
    let account = ledger.settled(STALL).await;
    let status = server.status_where(|status| open(status) == 0).await;
    server.stop().await;
    let events = status["journal"]["events"].as_u64().unwrap_or(0);
    let twice = more_than_once(&vendor.log());
    let tally = book.lock().tally;
    Report::new()
        .with("orders", ORDERS)
        .with("kills", kills)
        .with("sent", tally.sent)
        .with("at_once", tally.at_once)
        .with("unanswered", tally.unanswered)
        .with("answered_first", tally.first)
        .with("answered_duplicate", tally.duplicate)
        .with("taken_again", tally.taken_again)
        .with("odd", account.refused + account.odd)
        .with("events", events)
        .with("events_more_than_once", twice)
        .with("lost", account.open)
        .with("wrong", account.wrong)
        .with("dup", account.duplicates)
        .require(tally.at_once > ORDERS / 2, "few were sent at the same time")
        .require(tally.unanswered > 0, "no kill cut anything off")
        .require(account.acked == ORDERS, "not every order was acknowledged")
        .require(
            tally.first + tally.duplicate == COPIES * ORDERS,
            "not every copy was answered",
        )
        .require(
            account.refused + account.odd == 0,
            "something else than 200 was answered",
        )
        .require(
            tally.taken_again == 0,
            "what was acknowledged was taken as new again",
        )
        .require(
            events == ORDERS,
            "there is not exactly one event of each order",
        )
        .require(twice == 0, "an order made more than one event")
        .require(account.open == 0, "acknowledged events were lost")
        .require(account.wrong == 0, "something wrong was delivered")
}

/// Orders of which more than one copy, or more than one delivery, arrived.
fn more_than_once(log: &[Arrival]) -> usize {
    let mut made: HashMap<u64, HashSet<(&str, u64)>> = HashMap::new();
    for arrival in log {
        let ids = made.entry(arrival.order).or_default();
        ids.insert((&arrival.delivery, arrival.copy));
    }
    made.values().filter(|ids| ids.len() > 1).count()
}

/// Sends everything; the server is killed and started again so often meanwhile. The last one.
async fn send_across_kills(set: &WorkingSet, book: &Arc<Book>, kills: usize) -> Server {
    let (aim, target) = watch::channel(None);
    let mut senders: JoinSet<()> = (0..CONNECTIONS)
        .map(|_| send_all(target.clone(), book.clone()))
        .collect();
    for kill in 0..kills {
        let (server, _) = start(set).await;
        aim.send_replace(Some(server.address));
        let until = ORDERS * COPIES * (kill as u64 + 1) / (kills as u64 + 1);
        while book.answered() < until && !senders.is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        server.kill().await;
        aim.send_replace(None);
        progress(&format!("F14 kill {kill} of {kills}"));
    }
    let (server, _) = start(set).await;
    aim.send_replace(Some(server.address));
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
    server
}

/// One copy of an order.
#[derive(Clone, Copy, Debug)]
struct Parcel {
    order: u64,
    copy: u64,
}

/// All copies in the order in which they are sent. Of three orders one has all its copies sent at
/// once, one has two at once and the third much later, and one has them after each other.
fn parcels() -> Vec<Parcel> {
    let mut timed: Vec<(u64, Parcel)> = Vec::new();
    for order in 0..ORDERS {
        let times = match order % 3 {
            0 => [0, 0, 0],
            1 => [0, 0, LATER[1]],
            _ => [0, LATER[0], LATER[1]],
        };
        for (copy, time) in (1..).zip(times) {
            timed.push((order + time, Parcel { order, copy }));
        }
    }
    timed.sort_by_key(|(time, _)| *time);
    timed.into_iter().map(|(_, parcel)| parcel).collect()
}

/// What was sent and what was answered.
struct Book {
    ledger: Arc<Ledger>,
    inner: Mutex<Inner>,
}

struct Inner {
    /// Those that are still to be sent, the next one first.
    parcels: std::vec::IntoIter<Parcel>,
    orders: Vec<Standing>,
    tally: Tally,
}

/// How an order stands.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    under_way: u32,
    is_acked: bool,
    /// It was acknowledged as new.
    is_first: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Requests, also those without an answer.
    sent: u64,
    /// Of these, those that left while another copy of the order was under way.
    at_once: u64,
    unanswered: u64,
    first: u64,
    duplicate: u64,
    /// Answered as new although the order was so before, or was acknowledged before they left.
    taken_again: u64,
}

impl Book {
    fn new(ledger: Arc<Ledger>) -> Self {
        let inner = Mutex::new(Inner {
            parcels: parcels().into_iter(),
            orders: vec![Standing::default(); ORDERS as usize],
            tally: Tally::default(),
        });
        Self { ledger, inner }
    }

    fn next(&self) -> Option<Parcel> {
        self.lock().parcels.next()
    }

    fn answered(&self) -> u64 {
        let tally = self.lock().tally;
        tally.first + tally.duplicate
    }

    /// It leaves; true if its order was acknowledged before.
    fn leaves(&self, parcel: Parcel) -> bool {
        let mut inner = self.lock();
        let order = &mut inner.orders[parcel.order as usize];
        let (is_acked, is_at_once) = (order.is_acked, order.under_way > 0);
        order.under_way += 1;
        inner.tally.sent += 1;
        inner.tally.at_once += u64::from(is_at_once);
        is_acked
    }

    /// Its connection broke.
    fn unanswered(&self, parcel: Parcel) {
        let mut inner = self.lock();
        inner.orders[parcel.order as usize].under_way -= 1;
        inner.tally.unanswered += 1;
    }

    /// It was answered; `was_acked` as it left.
    fn answered_with(&self, parcel: Parcel, answer: Answer, was_acked: bool) {
        let mut inner = self.lock();
        let order = &mut inner.orders[parcel.order as usize];
        order.under_way -= 1;
        let is_new = match answer {
            Answer::First => true,
            Answer::Duplicate => false,
            Answer::Odd(status) => return self.ledger.answer(parcel.order, status),
        };
        if !order.is_acked {
            self.ledger.answer(parcel.order, 200);
        }
        let is_again = is_new && (was_acked || order.is_first);
        order.is_acked = true;
        order.is_first |= is_new;
        inner.tally.first += u64::from(is_new);
        inner.tally.duplicate += u64::from(!is_new);
        inner.tally.taken_again += u64::from(is_again);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    First,
    Duplicate,
    /// This status; or 0, if it is a 200 that contradicts itself.
    Odd(u16),
}

/// Sends one parcel after the other, each until it is answered.
async fn send_all(mut target: watch::Receiver<Option<SocketAddr>>, book: Arc<Book>) {
    let mut wire = None;
    while let Some(parcel) = book.next() {
        loop {
            let Ok(aim) = target.wait_for(Option::is_some).await.map(|aim| *aim) else {
                return;
            };
            match deliver(&mut wire, aim.unwrap(), &book, parcel).await {
                Ok(()) => break,
                Err(_) => wire = None, // the kill's doing
            }
            sleep(BREATH).await;
        }
    }
}

async fn deliver(
    wire: &mut Option<Wire>,
    server: SocketAddr,
    book: &Book,
    parcel: Parcel,
) -> io::Result<()> {
    let wire = match wire {
        Some(wire) => wire,
        None => wire.insert(Wire::connect(server).await?),
    };
    let was_acked = book.leaves(parcel);
    match exchange(wire, parcel).await {
        Ok(answer) => book.answered_with(parcel, answer, was_acked),
        Err(error) => {
            book.unanswered(parcel);
            return Err(error);
        }
    }
    Ok(())
}

async fn exchange(wire: &mut Wire, parcel: Parcel) -> io::Result<Answer> {
    let Parcel { order, copy } = parcel;
    let body = format!(
        "{{\"id\":{order},\"sum\":{},\"copy\":{copy}}}",
        sum_of(order)
    );
    let length = body.len();
    let request = format!(
        "POST /order HTTP/1.1\r\nHost: localhost\r\nX-Delivery: d-{order}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    wire.write(request.as_bytes()).await?;
    let answer = wire.read().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let says: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let events = says["events"].as_array().map(Vec::len);
    let is_marked = answer.header("x-duplicate") == Some("true");
    Ok(
        match (answer.status(), &says["duplicate"], is_marked, events) {
            (200, Value::Null, false, Some(1)) => Answer::First,
            (200, duplicate, true, Some(0)) if *duplicate == json!(true) => Answer::Duplicate,
            (200, ..) => Answer::Odd(0),
            (status, ..) => Answer::Odd(status),
        },
    )
}
