//! What the parts of the hot path cost: `make bench`. Figures are for comparing on one machine in
//! one run; `docs/performance.md` says what they mean.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark may fail loudly, and nobody links to it"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method};
use tagwerk::client::{self, Router};
use tagwerk::clock::Clock;
use tagwerk::config::Config;
use tagwerk::destination::Destinations;
use tagwerk::dispatch::Onlooker;
use tagwerk::event::Event;
use tagwerk::generation::Generation;
use tagwerk::intake;
use tagwerk::journal::{Entry, Journal, Made};
use tagwerk::preview::{Preview, has_token};
use tagwerk::processor::{self, Watch};
use tagwerk::request::Request;
use tagwerk::script::{Compiler, Worker, parse_json, to_json};
use tagwerk::tag::{self, Index, Tag};
use tagwerk::telemetry::{ClientResult, Metrics, TagResult};

const ORDER: &str = include_str!("order.json");

const CLIENT: &str = r#"
const PATH = "/order_created";
fn parse(request) {
    let o = request.json;
    #{
        event_name: "order_created",
        transaction_id: o.id,
        value: num(o.total),
        currency: o.currency,
        items: o.line_items.map(|i| #{ sku: i.sku, name: i.name, quantity: i.quantity, price: i.price }),
        user_data: #{ email_address: text::lower(o.billing.email), first_name: o.billing.first_name },
    }
}"#;

const TAG: &str = r#"
const ON = "order_created";
const TO = "amplitude";
const WHEN = #{ value: #{ gt: 0 } };
fn tag(event) {
    #{
        event_type: "Order Created",
        insert_id: `order-${event.transaction_id}`,
        revenue: event.value,
        event_properties: #{ currency: event.currency, items: event.items },
        user_properties: #{ email: event.user_data.email_address },
    }
}"#;

const OTHER_TAG: &str = r#"
const ON = "something_else";
const TO = "amplitude";
fn tag(event) { #{ event_type: "never" } }"#;

/// One client, one tag that listens, and so many that do not.
fn generation(others: usize) -> Generation {
    let compiler = Compiler::new(Path::new("shared"));
    let client = compiler
        .compile("orders", "clients/orders.rhai", CLIENT)
        .unwrap();
    let environment = BTreeMap::new();
    let surroundings = client::Surroundings {
        max_body: 1024 * 1024,
        base: Path::new("."),
        environment: &environment,
    };
    let client = client::load(client, &surroundings).unwrap();
    let load = |name: &str, source: &str| -> Tag {
        tag::load(compiler.compile(name, "tags/t.rhai", source).unwrap()).unwrap()
    };
    let mut tags = vec![load("orders", TAG)];
    tags.extend((0..others).map(|n| load(&format!("other_{n}"), OTHER_TAG)));
    Generation {
        id: "bench".into(),
        warnings: Default::default(),
        tables: Arc::default(),
        config: Arc::new(Config::default()),
        destinations: Destinations::new(),
        router: Router::new(client.paths.iter().map(|path| (path.clone(), 0))),
        index: Index::new(&tags),
        clients: vec![client],
        tags,
        tag_pace: Arc::default(),
        secret_names: tagwerk::request::SecretNames::default(),
    }
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
    let taken = intake::take(&mut worker, &generation(0), &request(), None);
    let intake::Intake::Accepted { mut events, .. } = taken else {
        panic!("the order is accepted")
    };
    events.remove(0)
}

fn scripts(criterion: &mut Criterion) {
    criterion.bench_function("parse: 1.2 KB of JSON into a script's value", |bench| {
        bench.iter(|| parse_json(black_box(ORDER.as_bytes())));
    });
    let value = parse_json(ORDER.as_bytes()).unwrap();
    criterion.bench_function("write: the same value as JSON", |bench| {
        bench.iter(|| to_json(black_box(&value)));
    });
    let (mut worker, set, request) = (Worker::new(), generation(0), request());
    criterion.bench_function("client: request to event", |bench| {
        bench.iter(|| intake::take(&mut worker, &set, black_box(&request), None));
    });
}

fn tags(criterion: &mut Criterion) {
    let (mut worker, event) = (Worker::new(), event());
    for others in [0, 1_000] {
        let set = generation(others);
        criterion.bench_function(
            &format!("tags: event to delivery, {others} others do not listen"),
            |bench| {
                bench.iter(|| {
                    processor::process(&mut worker, &set, black_box(&event), 0, Watch::Off)
                });
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

fn preview(criterion: &mut Criterion) {
    let preview = Preview::new(Clock::System);
    let (event, mut headers) = (event(), HeaderMap::new());
    for name in [
        "host",
        "user-agent",
        "accept",
        "content-type",
        "content-length",
    ] {
        headers.insert(name, HeaderValue::from_static("as senders have it"));
    }
    criterion.bench_function(
        "preview: all that is asked for an event with two deliveries, while nobody watches",
        |bench| {
            bench.iter(|| {
                let has_token = has_token(black_box(&headers));
                let captured = preview.may_capture(black_box("/order_created"));
                let awaited = preview.awaits(black_box(&event));
                let watched = [&preview, &preview].map(|one| black_box(one).is_watching());
                (has_token, captured, awaited, watched)
            });
        },
    );
}

fn journal(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::sqlite(folder.path(), Clock::System).unwrap();
    let entry = Entry {
        event: event(),
        made: Some(Made::default()),
    };
    criterion.bench_function("journal: 64 durable appends at once", |bench| {
        bench.to_async(&runtime).iter(|| async {
            let appends = (0..64)
                .map(|_| journal.append(vec![entry.clone()], None))
                .collect();
            for appended in all(appends).await {
                appended.unwrap();
            }
        });
    });
    criterion.bench_function("journal: one durable append at a time", |bench| {
        bench
            .to_async(&runtime)
            .iter(|| async { journal.append(vec![entry.clone()], None).await.unwrap() });
    });
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

criterion_group!(benches, scripts, tags, counting, preview, journal);
criterion_main!(benches);
