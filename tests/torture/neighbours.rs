//! F13, and a part of F8: whether a bad destination is noticed by the others, or by senders.

use std::sync::Arc;
use std::time::Duration;

use std::collections::HashMap;

use crate::oracle::{Act, Ledger, Sample, Vendor, paced};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::slow::{drip, late};
use crate::tools::{Rounds, median, percentile, progress};

/// Pairs of runs, with and without the bad one. Both run at the same time, so that whatever else the
/// machine does happens to both.
const PAIRS: usize = 9;

/// Orders a second; each goes to every destination. Far below what makes the machine busy, so that
/// what is measured is who waits for whom.
const RATE: u32 = 100;

const TIME: Duration = Duration::from_secs(6);

/// The first of each run are not counted: connections are made.
const WARM_UP: usize = 100;

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
    let well = Act::status(200);
    // What two runs differ by of themselves.
    let acts = &[&[("control", well.clone())], acts].concat();
    let mut without = Vec::new();
    let mut ratios: HashMap<&str, Vec<Slowest>> = HashMap::new();
    for pair in 0..pairs {
        progress(&format!("neighbours, {pair} of {pairs}"));
        for (name, act) in acts {
            let (one, other) = tokio::join!(measure(shape, &well), measure(shape, act));
            without.push(one);
            ratios.entry(name).or_default().push(other.over(one));
        }
    }
    report = report
        .with("pairs", pairs)
        .with("well_p99_ms", format!("{:.2}", delivery(&without)))
        .with("well_answer_p99_ms", format!("{:.2}", answer(&without)));
    for (name, _) in acts {
        let all = &ratios[name];
        for (what, ratio) in [("ratio", delivery(all)), ("answer_ratio", answer(all))] {
            let key = format!("{name}_{what}");
            let is_good = *name == "control" || ratio <= shape.allowed;
            report = report
                .with(&key, format!("{ratio:.2}"))
                .require(is_good, &format!("{key} is above {}", shape.allowed));
        }
        let figures: Vec<f64> = all.iter().map(|slowest| slowest.delivery).collect();
        report = report.with(&format!("{name}_spread"), spread(&figures));
    }
    report
}

impl Slowest {
    fn over(self, other: Self) -> Self {
        Self {
            delivery: self.delivery / other.delivery,
            answer: self.answer / other.answer,
        }
    }
}

fn delivery(all: &[Slowest]) -> f64 {
    median(
        &mut all
            .iter()
            .map(|slowest| slowest.delivery)
            .collect::<Vec<_>>(),
    )
}

fn answer(all: &[Slowest]) -> f64 {
    median(&mut all.iter().map(|slowest| slowest.answer).collect::<Vec<_>>())
}

/// The least and the most of these.
fn spread(figures: &[f64]) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    format!("{least:.2}-{most:.2}")
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
