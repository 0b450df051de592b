//! F13, and a part of F8: whether a bad destination is noticed by the others, or by senders.

use std::sync::Arc;
use std::time::Duration;

use std::collections::HashMap;

use crate::oracle::{Act, Ledger, Sample, Vendor, paced};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::slow::{drip, late};
use crate::tools::{Rounds, median, percentile, progress};

/// Pairs of runs, with and without the bad one.
const PAIRS: usize = 7;

/// Orders a second; each goes to every destination. Far below what makes the machine busy, so that
/// what is measured is who waits for whom.
const RATE: u32 = 250;

const TIME: Duration = Duration::from_secs(5);

/// The first of each run are not counted: connections are made.
const WARM_UP: usize = 125;

/// How many destinations there are, of which the first may be bad, and by how much the slowest 1 % of
/// the others may be slower.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) destinations: usize,
    pub(crate) allowed: f64,
}

/// The p99 of one run, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Slowest {
    delivery: f64,
    answer: f64,
}

pub(crate) async fn run(rounds: Rounds) -> Report {
    let shape = Shape {
        destinations: 10,
        allowed: 1.1,
    };
    let acts = [("dead", Act::Reset), ("slow", late(5)), ("drip", drip())];
    let report = Report::new().with("destinations", shape.destinations);
    compare(report, rounds, shape, &acts).await
}

/// Adds the ratios to a report.
pub(crate) async fn compare(
    mut report: Report,
    rounds: Rounds,
    shape: Shape,
    acts: &[(&str, Act)],
) -> Report {
    let pairs = rounds.at_most(PAIRS);
    // What two runs differ by of themselves.
    let acts = &[&[("control", Act::status(200))], acts].concat();
    let mut without = Vec::new();
    let mut with: HashMap<&str, Vec<Slowest>> = HashMap::new();
    for pair in 0..pairs {
        progress(&format!("neighbours, {pair} of {pairs}"));
        without.push(measure(shape, &Act::status(200)).await);
        for (name, act) in acts {
            let slowest = measure(shape, act).await;
            with.entry(name).or_default().push(slowest);
        }
    }
    let delivery = |all: &[Slowest]| median_of(all, |slowest| slowest.delivery);
    let answer = |all: &[Slowest]| median_of(all, |slowest| slowest.answer);
    let (well, well_answer) = (delivery(&without), answer(&without));
    report = report
        .with("pairs", pairs)
        .with("well_p99_ms", format!("{well:.2}"))
        .with("well_answer_p99_ms", format!("{well_answer:.2}"))
        .with("spread", format!("{:.2}", spread(&without)));
    for (name, _) in acts {
        let all = &with[name];
        for (what, ratio) in [
            ("ratio", delivery(all) / well),
            ("answer_ratio", answer(all) / well_answer),
        ] {
            let key = format!("{name}_{what}");
            report = report.with(&key, format!("{ratio:.2}")).require(
                ratio <= shape.allowed,
                &format!("{key} is above {}", shape.allowed),
            );
        }
    }
    report
}

fn median_of(all: &[Slowest], figure: impl Fn(&Slowest) -> f64) -> f64 {
    let mut figures: Vec<f64> = all.iter().map(figure).collect();
    median(&mut figures)
}

fn spread(all: &[Slowest]) -> f64 {
    let most = all
        .iter()
        .map(|slowest| slowest.delivery)
        .fold(0.0, f64::max);
    let least = all.iter().map(|slowest| slowest.delivery);
    most / least.fold(f64::INFINITY, f64::min)
}

/// One run, of which the first destination acts like this.
async fn measure(shape: Shape, act: &Act) -> Slowest {
    let ledger = Arc::new(Ledger::default());
    let vendor = Vendor::start(&ledger).await;
    vendor.keep_log();
    vendor.always("d0", act.clone());
    let names: Vec<String> = (0..shape.destinations).map(|n| format!("d{n}")).collect();
    let destinations: Vec<&str> = names.iter().map(String::as_str).collect();
    let set = orders_to(vendor.address, &destinations, "timeout = \"10s\"");
    let (server, _) = start(&set).await;
    let samples = paced(server.address, &ledger, RATE, TIME).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let slowest = slowest(&samples, &vendor);
    server.kill().await;
    slowest
}

fn slowest(samples: &[Sample], vendor: &Vendor) -> Slowest {
    let mut samples = samples.to_vec();
    samples.sort_unstable_by_key(|sample| sample.sent);
    let samples = samples.get(WARM_UP..).unwrap_or_default();
    let sent: HashMap<u64, &Sample> = samples
        .iter()
        .map(|sample| (sample.order, sample))
        .collect();
    let log = vendor.log();
    let others = log.iter().filter(|arrival| &*arrival.destination != "d0");
    let took = others.filter_map(|arrival| Some(arrival.at - sent.get(&arrival.order)?.sent));
    let mut took: Vec<Duration> = took.collect();
    let mut answered: Vec<Duration> = samples.iter().map(|sample| sample.answered).collect();
    let p99 = |times: &mut Vec<Duration>| percentile(times, 0.99).as_secs_f64() * 1_000.0;
    Slowest {
        delivery: p99(&mut took),
        answer: p99(&mut answered),
    }
}
