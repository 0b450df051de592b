//! What the parts of the hot path cost, on the job of `bench/`: its order, its client and its two tags. `make bench`
//! runs this and prints the table. Figures are for comparing on one machine in one run; `docs/performance.md` says
//! what they mean.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark may fail loudly, and nobody links to it"
)]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, Method};
use tagwerk::client::{self, Router};
use tagwerk::clock::Clock;
use tagwerk::config::{self, Config, SystemEnvironment};
use tagwerk::delivery::State;
use tagwerk::destination::{self, Destinations, Item};
use tagwerk::event::Event;
use tagwerk::generation::Generation;
use tagwerk::intake;
use tagwerk::journal::{Entry, Journal, Made, Pending, Processed, Settlement};
use tagwerk::processor::{self, Watch};
use tagwerk::request::Request;
use tagwerk::script::{Compiler, Worker, parse_json, to_json};
use tagwerk::tag::{self, Index, Tag};
use tagwerk::telemetry::{ClientResult, Metrics, TagResult};
use tokio::runtime::Runtime;

const ORDER: &str = include_str!("order.json");
const CONFIG: &str = include_str!("../bench/peers/tagwerk/tagwerk.toml");
const CLIENT: &str = include_str!("../bench/peers/tagwerk/clients/orders.rhai");
const AMPLITUDE: &str = include_str!("../bench/peers/tagwerk/tags/amplitude_order.rhai");
const SLACK: &str = include_str!("../bench/peers/tagwerk/tags/slack_big_order.rhai");

const OTHER_TAG: &str = r#"
const ON = "something_else";
const TO = "amplitude";
fn tag(event) { #{ event_type: "never" } }"#;

/// As many senders as the bench has at saturation: so many appends share an fsync.
const SENDERS: usize = 64;

/// What Amplitude takes in one request.
const BATCH: usize = 100;

/// The client, the tag for Amplitude, as wanted the one for Slack, and so many that do not listen.
fn generation(has_slack: bool, others: usize) -> Generation {
    let compiler = Compiler::new(Path::new("shared"));
    let client = compiler
        .compile("orders", "clients/orders.rhai", CLIENT)
        .unwrap();
    let client = client::load(client, 1024 * 1024).unwrap();
    let load = |name: &str, source: &str| -> Tag {
        tag::load(compiler.compile(name, "tags/t.rhai", source).unwrap()).unwrap()
    };
    let mut tags = vec![load("amplitude_order", AMPLITUDE)];
    if has_slack {
        tags.push(load("slack_big_order", SLACK));
    }
    tags.extend((0..others).map(|n| load(&format!("other_{n}"), OTHER_TAG)));
    Generation {
        id: "bench".into(),
        config: Arc::new(Config::default()),
        destinations: Destinations::new(),
        router: Router::new(client.paths.iter().map(|path| (path.clone(), 0))),
        index: Index::new(&tags),
        clients: vec![client],
        tags,
    }
}

fn destinations() -> Destinations {
    let ports = [("@PORT@", "1"), ("@ADMIN@", "2"), ("@MOCK@", "3")];
    let text = ports
        .iter()
        .fold(CONFIG.to_owned(), |text, (from, to)| text.replace(from, to));
    let config = config::parse(&text, Path::new("tagwerk.toml"), &SystemEnvironment).unwrap();
    destination::load_all(&config).unwrap()
}

fn request() -> Arc<Request> {
    Arc::new(Request {
        id: "bench".to_owned(),
        method: Method::POST,
        path: "/order_created".to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        ip: [127, 0, 0, 1].into(),
        body: Bytes::from_static(ORDER.as_bytes()),
        received_at: 0,
    })
}

fn event() -> Event {
    let mut worker = Worker::new();
    let taken = intake::take(&mut worker, &generation(false, 0), &request(), None);
    let intake::Intake::Accepted { mut events, .. } = taken else {
        panic!("the order is accepted")
    };
    events.remove(0)
}

/// What the tags make of the event.
fn made(has_slack: bool) -> Made {
    let set = generation(has_slack, 0);
    let handled = processor::process(&mut Worker::new(), &set, &event(), 0, Watch::Off);
    assert_eq!(handled.made.deliveries.len(), 1 + usize::from(has_slack));
    handled.made
}

fn scripts(criterion: &mut Criterion) {
    criterion.bench_function(
        "parse: the body, 1.2 KB of JSON, to a script's value",
        |bench| {
            bench.iter(|| parse_json(black_box(ORDER.as_bytes())));
        },
    );
    let value = parse_json(ORDER.as_bytes()).unwrap();
    criterion.bench_function("write: the same value as JSON", |bench| {
        bench.iter(|| to_json(black_box(&value)));
    });
    let (mut worker, set, request) = (Worker::new(), generation(false, 0), request());
    criterion.bench_function("client: request to event, the parsing included", |bench| {
        bench.iter(|| intake::take(&mut worker, &set, black_box(&request), None));
    });
}

fn tags(criterion: &mut Criterion) {
    for others in [0, 1_000] {
        let index = generation(true, others).index;
        criterion.bench_function(
            &format!("trigger index: who listens, 2 of {} tags", 2 + others),
            |bench| bench.iter(|| index.listeners(black_box("order_created"))),
        );
    }
    let (mut worker, event) = (Worker::new(), event());
    let cases = [
        ("tag: event to one delivery", false, 0),
        ("tag: the same, 1,000 others do not listen", false, 1_000),
        ("tag: event to two deliveries", true, 0),
    ];
    for (name, has_slack, others) in cases {
        let set = generation(has_slack, others);
        criterion.bench_function(name, |bench| {
            bench.iter(|| processor::process(&mut worker, &set, black_box(&event), 0, Watch::Off));
        });
    }
}

fn encode(criterion: &mut Criterion) {
    let destinations = destinations();
    let made = made(true);
    let mut group = criterion.benchmark_group("encode");
    for (destination, count) in [("amplitude", BATCH), ("slack", 1)] {
        let vendor = &destinations[destination].vendor;
        let mut deliveries = made.deliveries.iter().map(|new| &new.delivery);
        let delivery = deliveries.find(|one| &*one.destination == destination);
        let items = vec![Item::from(delivery.unwrap()); count];
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(
            format!("{count} to one request to {destination}"),
            |bench| {
                bench.iter(|| vendor.encode(black_box(&items)).unwrap());
            },
        );
    }
}

fn counting(criterion: &mut Criterion) {
    let metrics = Metrics::new();
    let (client, tags) = (
        metrics.client("order"),
        [metrics.tag("a"), metrics.tag("b")],
    );
    let took = Duration::from_micros(30);
    criterion.bench_function(
        "counting: all that is counted for an event of two tags",
        |bench| {
            bench.iter(|| {
                let client = black_box(client.clone());
                client.parsed(ClientResult::Good, took);
                client.acknowledged(1);
                client.answers.answered(200, took);
                for tag in &tags {
                    let begun = Instant::now();
                    tag.ran(TagResult::Fired, Some(black_box(begun.elapsed())));
                }
            });
        },
    );
}

/// A journal in a folder of its own, on disk.
fn on_disk() -> (Runtime, tempfile::TempDir, Journal) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::sqlite(folder.path(), Clock::System).unwrap();
    (runtime, folder, journal)
}

fn append(criterion: &mut Criterion) {
    let (runtime, _folder, journal) = on_disk();
    let entry = Entry {
        event: event(),
        made: Some(Made::default()),
    };
    let mut group = criterion.benchmark_group("append");
    for senders in [SENDERS, 1] {
        group.throughput(Throughput::Elements(senders as u64));
        group.bench_function(format!("{senders} at once, on disk"), |bench| {
            bench.to_async(&runtime).iter(|| async {
                let appends = (0..senders).map(|_| journal.append(vec![entry.clone()], None));
                for appended in all(appends.collect()).await {
                    appended.unwrap();
                }
            });
        });
    }
}

/// What is written besides the event: its delivery, and that it was delivered.
fn mark(criterion: &mut Criterion) {
    let (runtime, _folder, journal) = on_disk();
    let (event, made) = (event(), made(false));
    let mut group = criterion.benchmark_group("mark");
    group.throughput(Throughput::Elements(SENDERS as u64));
    for is_late in [false, true] {
        let when = if is_late { "after" } else { "before" };
        let name =
            format!("{SENDERS} processed and delivered, settled {when} their rows are written");
        group.bench_function(name, |bench| {
            bench.iter_custom(|times| {
                let one = || marked(&journal, &event, &made, is_late);
                runtime.block_on(async {
                    let mut took = Duration::ZERO;
                    for _ in 0..times {
                        took += one().await;
                    }
                    took
                })
            });
        });
    }
}

/// Appends, takes, and then: the time until all marks are on disk.
async fn marked(journal: &Journal, event: &Event, made: &Made, is_late: bool) -> Duration {
    let entry = Entry {
        event: event.clone(),
        made: None,
    };
    journal.append(vec![entry; SENDERS], None).await.unwrap();
    let taken = journal.take_events(SENDERS).await;
    let processed = taken.iter().map(|taken| Processed {
        number: taken.number,
        made: made.clone(),
    });
    let (processed, destination) = (processed.collect(), "amplitude".into());
    let begin = Instant::now();
    journal.append_deliveries(processed).await.unwrap();
    if is_late {
        journal.flush().await.unwrap();
    }
    let mut open = taken.len();
    while open > 0 {
        let pending = journal.take_deliveries(&destination, SENDERS).await;
        open -= pending.len();
        let settled = pending.iter().map(delivered).collect();
        journal.settle(settled).await.unwrap();
    }
    journal.flush().await.unwrap();
    begin.elapsed()
}

fn delivered(pending: &Pending) -> Settlement {
    Settlement {
        number: pending.number,
        destination: pending.delivery.destination.clone(),
        tag: pending.delivery.tag.clone(),
        from: pending.delivery.state,
        state: State::Delivered,
        class: None,
        attempts: pending.attempts + 1,
        due: 0,
        note: None,
    }
}

/// Waits for all, having started all: `append` posts when it is first polled.
async fn all<F: Future + Send>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done = Vec::with_capacity(pending.len());
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

criterion_group!(benches, scripts, tags, encode, counting, append, mark);
criterion_main!(benches);
