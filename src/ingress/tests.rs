//! Tests of the guard and of whole connections, over pipes in memory and tokio's paused time.
//! The same over real sockets, and the listener: `tests/it/ingress.rs`.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::body::Budget;
use super::exchange::Shared;
use super::framing::BodyGuard;
use super::guard::{StreamGuard, Then};
use super::head::{BodyFraming, HeadGuard, Verdict};
use super::idle::Idle;
use super::request_id::RequestIds;
use super::{Admission, Limits, Service, Settings, connection};
use crate::request::{Head, Request, Response};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST: &str = "POST /p?q HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
const CHUNKED: &str = "POST /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;x\r\nhello\r\n1\r\n!\r\n0\r\nt: u\r\n\r\n";

/// Pieces of good and bad requests; any row of them is a stream worth following.
const PIECES: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /order_created?x=1 HTTP/1.1\r\n",
    "POST /old HTTP/1.0\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "GET /a/../b HTTP/1.1\r\n",
    "host: shop.example\r\n",
    "Host: a b\r\n",
    "content-length: 5\r\n",
    "content-length: +5\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: gzip, chunked\r\n",
    "connection: close\r\n",
    "expect: 100-continue\r\n",
    "x-a: b\r\n",
    " folded\r\n",
    "x-a: b\n",
    "x a: b\r\n",
    "\r\n",
    "\n",
    "\r",
    "hello",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "\0",
];

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(GET.to_owned()),
        6 => Just(POST.to_owned()),
        6 => Just(CHUNKED.to_owned()),
        20 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => (7_000usize..17_000).prop_map(|length| "y".repeat(length)),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

/// `stream` in up to nine reads.
fn split(stream: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| stream[pair[0]..pair[1]].to_vec())
        .collect()
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    proptest::collection::vec(any::<prop::sample::Index>(), 0..8)
}

/// What the guard lets through, and why nothing more.
fn follow<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Then) {
    let mut guard = StreamGuard::new(Limits::default());
    let (mut passed, mut held) = (Vec::new(), Vec::new());
    for read in reads {
        held.extend_from_slice(read);
        let step = guard.follow(&held);
        passed.extend(held.drain(..step.pass));
        if step.then != Then::ReadOn {
            return (passed, step.then);
        }
    }
    (passed, Then::ReadOn)
}

/// The request line and the length of the framed body of each whole request in `bytes`.
fn requests_in(mut bytes: &[u8]) -> Vec<(String, usize)> {
    let mut requests = Vec::new();
    while let Verdict::Whole {
        bytes: length,
        body,
        ..
    } = HeadGuard::new().judge(bytes, &Limits::default())
    {
        let (head, rest) = bytes.split_at(length);
        let mut guard = BodyGuard::new(body);
        let body_length = guard.advance(rest).unwrap_or(0);
        if !guard.is_done() {
            break;
        }
        let data_length = match body {
            BodyFraming::Length(_) => body_length,
            BodyFraming::Chunked => data_bytes(&rest[..body_length]),
        };
        let head = String::from_utf8_lossy(head);
        let line = head.trim_start().lines().next().unwrap_or_default();
        requests.push((line.to_owned(), data_length));
        bytes = &rest[body_length..];
    }
    requests
}

/// How much data a chunked body holds that is known to be framed well.
fn data_bytes(mut body: &[u8]) -> usize {
    let mut total = 0;
    loop {
        let end = body.iter().position(|&byte| byte == b'\r').unwrap();
        let line = std::str::from_utf8(&body[..end]).unwrap();
        let size = line.split(';').next().unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return total;
        }
        total += size;
        body = &body[end + 2 + size + 2..];
    }
}

/// Notes what it was handed, and answers 200.
#[derive(Default)]
struct Recorder {
    requests: Mutex<Vec<(String, usize)>>,
}

impl Service for Recorder {
    fn admit(&self, _head: &Head<'_>, _request_id: &str) -> Admission {
        Admission::Read { max_body: 1_000 }
    }

    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        let query = if request.query.is_empty() { "" } else { "?" };
        let line = format!(
            "{} {}{query}{}",
            request.method, request.path, request.query
        );
        self.requests
            .lock()
            .unwrap()
            .push((line, request.body.len()));
        std::future::ready(Response::json(200, &serde_json::json!({})))
    }
}

/// A connection that is served.
struct Served {
    near: DuplexStream,
    service: Arc<Recorder>,
    get_up: CancellationToken,
    stop: CancellationToken,
    /// What comes back of it.
    back: JoinHandle<Option<DuplexStream>>,
}

/// A served connection; the near end of it is returned.
fn connect(pipe: usize) -> (DuplexStream, Arc<Recorder>) {
    let served = serve(pipe);
    (served.near, served.service)
}

fn serve(pipe: usize) -> Served {
    let (near, far) = duplex(pipe);
    let service = Arc::new(Recorder::default());
    let settings = Settings::default();
    let stop = CancellationToken::new();
    let get_up = stop.child_token();
    let shared = Shared {
        service: Arc::clone(&service),
        request_ids: RequestIds::new(1),
        bodies: Budget::new(settings.limits.bodies_bytes),
        stop: stop.clone(),
        cut: AtomicUsize::new(0),
        settings,
    };
    let told = get_up.clone();
    let back = tokio::spawn(async move {
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        connection::run(far, peer, &shared, &Idle::new(), &told).await
    });
    Served {
        near,
        service,
        get_up,
        stop,
        back,
    }
}

/// Sends `reads` one after another, and returns the statuses of all answers.
async fn talk(reads: &[Vec<u8>]) -> (Vec<u16>, Arc<Recorder>) {
    let (mut near, service) = connect(1 << 20);
    for read in reads {
        // The other side may have closed after a refusal.
        if near.write_all(read).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let _closed_already = near.shutdown().await;
    (statuses(&read_to_end(&mut near).await), service)
}

async fn read_to_end(near: &mut DuplexStream) -> String {
    let mut answers = Vec::new();
    near.read_to_end(&mut answers).await.unwrap();
    String::from_utf8(answers).unwrap()
}

fn statuses(answers: &str) -> Vec<u16> {
    let lines = answers.split("HTTP/1.").skip(1);
    let statuses = lines.filter_map(|line| line.get(2..5)?.parse().ok());
    statuses.filter(|&status| status != 100).collect()
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_how_the_bytes_are_split(stream in streams(), cuts in cuts()) {
        let whole = follow([stream.as_slice()]);
        let reads = split(&stream, &cuts);
        prop_assert_eq!(&whole, &follow(reads.iter().map(Vec::as_slice)));
        if stream.len() < 2_000 {
            prop_assert_eq!(&whole, &follow(stream.chunks(1)));
        }
    }

    /// No request is smuggled: hyper finds the same requests as the guard, and none besides.
    #[test]
    fn hyper_sees_what_the_guard_saw(stream in streams(), cuts in cuts()) {
        let (passed, then) = follow([stream.as_slice()]);
        let expected = requests_in(&passed);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (statuses, service) = runtime.block_on(talk(&split(&stream, &cuts)));
        let seen = service.requests.lock().unwrap().clone();

        prop_assert!(seen.len() <= expected.len(), "{seen:?} {expected:?}");
        for ((seen, seen_length), (line, length)) in seen.iter().zip(&expected) {
            let target = line.rsplit_once(' ').unwrap().0;
            prop_assert_eq!((seen.as_str(), seen_length), (target, length));
        }
        // hyper closes after these, and reads no further.
        let text = String::from_utf8_lossy(&passed);
        if !text.contains("HTTP/1.0") && !text.contains("connection: close") {
            prop_assert_eq!(seen.len(), expected.len());
            if let Then::Refuse(why) = then {
                prop_assert_eq!(statuses.len(), expected.len() + 1);
                prop_assert_eq!(statuses.last(), Some(&why.status()));
            }
        }
    }
}

/// What was answered and when the connection was closed, in tokio's paused time.
async fn answers_and_time(sent: &str) -> (Vec<u16>, Duration) {
    let start = Instant::now();
    let (mut near, service) = connect(1 << 20);
    near.write_all(sent.as_bytes()).await.unwrap();
    let answers = read_to_end(&mut near).await;
    drop(service);
    (statuses(&answers), start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn every_wait_has_its_deadline() {
    let table: &[(&str, &str, &[u16], u64)] = &[
        ("nothing is sent", "", &[], 5),
        ("only an empty line", "\r\n", &[], 5),
        ("a head stalls", "GET / HTTP/1.1\r\nho", &[408], 5),
        (
            "a body stalls",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nh",
            &[408],
            10,
        ),
        (
            "a body does not begin",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n",
            &[408],
            10,
        ),
        (
            "a chunk stalls",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nh",
            &[408],
            10,
        ),
        ("no second request", GET, &[200], 60),
        ("no second request after a body", POST, &[200], 60),
        ("no second request after chunks", CHUNKED, &[200], 60),
        (
            "the second head stalls",
            &format!("{GET}GET"),
            &[200, 408],
            5,
        ),
    ];
    for (name, sent, expected, seconds) in table {
        let (statuses, time) = answers_and_time(sent).await;
        assert_eq!(statuses, *expected, "{name}");
        // A sender that was cut short may take another second to read why.
        let seconds = *seconds..=seconds + 1;
        assert!(
            seconds.contains(&time.as_secs()),
            "{name}: closed after {time:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_dripping_sender_gains_no_time() {
    let (mut near, service) = connect(1 << 20);
    let start = Instant::now();
    let (mut reader, mut writer) = tokio::io::split(&mut near);
    let drip = async {
        for byte in POST.as_bytes() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let mut answer = [0; 16];
    tokio::select! {
        () = drip => panic!("the whole request was taken"),
        read = reader.read(&mut answer) => assert!(read.unwrap() > 0),
    }
    assert!(answer.starts_with(b"HTTP/1.1 408"));
    assert_eq!(start.elapsed().as_secs(), 5);
    assert!(service.requests.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn idle_time_begins_anew_after_each_request() {
    let (mut near, service) = connect(1 << 20);
    let start = Instant::now();
    for request in [GET, POST, CHUNKED, GET] {
        tokio::time::sleep(Duration::from_secs(4)).await;
        near.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 1_024];
        assert!(near.read(&mut answer).await.unwrap() > 0);
    }
    assert_eq!(read_to_end(&mut near).await, "");
    assert_eq!(start.elapsed().as_secs(), 4 * 4 + 60);
    assert_eq!(service.requests.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_answer_is_cut() {
    let (mut near, service) = connect(64);
    let start = Instant::now();
    let write = async { while near.write_all(GET.as_bytes()).await.is_ok() {} };
    write.await;
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(!service.requests.lock().unwrap().is_empty());
}

/// Whether all that can be done now has been done, and it has not come back.
async fn stays(back: &JoinHandle<Option<DuplexStream>>) -> bool {
    tokio::time::sleep(Duration::from_millis(1)).await;
    !back.is_finished()
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_get_up_does_so_between_two_requests() {
    for (before, after, answers) in [
        (GET.to_owned(), "", 1),
        (format!("{GET}{POST}{CHUNKED}"), "", 3),
        // The beginning of a head, of a body, and nothing at all.
        (format!("{GET}GE"), GET.strip_prefix("GE").unwrap(), 2),
        (POST.strip_suffix("llo").unwrap().to_owned(), "llo", 1),
        (String::new(), GET, 1),
    ] {
        let mut served = serve(1 << 20);
        served.near.write_all(before.as_bytes()).await.unwrap();
        assert!(stays(&served.back).await, "nobody has told it");
        served.get_up.cancel();
        if !after.is_empty() {
            assert!(stays(&served.back).await, "{before:?}");
            served.near.write_all(after.as_bytes()).await.unwrap();
        }
        let mut back = served.back.await.unwrap().expect(&before);
        assert_eq!(served.service.requests.lock().unwrap().len(), answers);
        back.write_all(b"It is open still.").await.unwrap();
        drop(back);
        let answered = read_to_end(&mut served.near).await;
        assert_eq!(statuses(&answered), vec![200; answers]);
        assert!(answered.ends_with("It is open still."));
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_not_taken_his_answer_does_not_get_up() {
    let mut served = serve(64);
    served.near.write_all(GET.as_bytes()).await.unwrap();
    served.get_up.cancel();
    assert!(stays(&served.back).await);
    let mut answer = Vec::new();
    while !answer.ends_with(b"{}") {
        served.near.read_buf(&mut answer).await.unwrap();
    }
    assert!(served.back.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_get_up_in_a_request_is_drained_like_any_other() {
    let start = Instant::now();
    let mut served = serve(1 << 20);
    let (begin, rest) = POST.split_at(POST.len() - 1);
    served.near.write_all(begin.as_bytes()).await.unwrap();
    served.get_up.cancel();
    assert!(stays(&served.back).await);
    served.stop.cancel();
    assert!(stays(&served.back).await);
    served.near.write_all(rest.as_bytes()).await.unwrap();
    assert_eq!(statuses(&read_to_end(&mut served.near).await), [200]);
    assert!(served.back.await.unwrap().is_none(), "it was closed");
    assert!(start.elapsed().as_secs() < 1);
}
