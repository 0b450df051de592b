//! F13, and a part of F8: whether a bad destination is noticed by the others, or by senders.

use std::sync::Arc;
use std::time::Duration;

use std::collections::HashMap;

use crate::oracle::{Act, Ledger, Sample, Vendor, paced};
use crate::report::Report;
use crate::setup::{orders_to, start};
use crate::slow::{drip, late};
use crate::tools::{Rounds, percentile, progress};

/// Pairs of runs, with and without the bad one. Both run at the same time, so that whatever else the
/// machine does happens to both.
const PAIRS: usize = 9;

/// Orders a second; each goes to every destination. Far below what makes the machine busy, so that
/// what is measured is who waits for whom.
const RATE: u32 = 200;

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

/// How long things took: of one run, or of several.
#[derive(Clone, Debug, Default)]
struct Times {
    deliveries: Vec<Duration>,
    answers: Vec<Duration>,
}

/// All runs of one kind, and those without a bad destination that ran beside them.
#[derive(Default)]
struct Pairs {
    with: Times,
    without: Times,
    /// Of the deliveries of each pair.
    ratios: Vec<f64>,
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
    let mut runs: HashMap<&str, Pairs> = HashMap::new();
    for pair in 0..pairs {
        progress(&format!("neighbours, {pair} of {pairs}"));
        for (name, act) in acts {
            let (without, with) = tokio::join!(measure(shape, &well), measure(shape, act));
            runs.entry(name).or_default().add(with, without);
        }
    }
    let control = &runs["control"].without;
    report = report
        .with("pairs", pairs)
        .with("well_p99_ms", format!("{:.2}", p99(&control.deliveries)))
        .with(
            "well_answer_p99_ms",
            format!("{:.2}", p99(&control.answers)),
        );
    for (name, _) in acts {
        let Pairs {
            with,
            without,
            ratios,
        } = &runs[name];
        for (what, ratio) in [
            ("ratio", p99(&with.deliveries) / p99(&without.deliveries)),
            ("answer_ratio", p99(&with.answers) / p99(&without.answers)),
        ] {
            let key = format!("{name}_{what}");
            // As precise as it is printed: the machine's noise is far more than that.
            let ratio = (ratio * 100.0).round() / 100.0;
            let is_good = *name == "control" || ratio <= shape.allowed;
            report = report
                .with(&key, format!("{ratio:.2}"))
                .require(is_good, &format!("{key} is above {}", shape.allowed));
        }
        report = report.with(&format!("{name}_spread"), spread(ratios));
    }
    report
}

impl Pairs {
    fn add(&mut self, with: Times, without: Times) {
        let ratio = p99(&with.deliveries) / p99(&without.deliveries);
        self.ratios.push(ratio);
        self.with.add(with);
        self.without.add(without);
    }
}

impl Times {
    fn add(&mut self, other: Self) {
        self.deliveries.extend(other.deliveries);
        self.answers.extend(other.answers);
    }
}

/// In milliseconds.
fn p99(times: &[Duration]) -> f64 {
    percentile(&mut times.to_vec(), 0.99).as_secs_f64() * 1_000.0
}

/// The least and the most of these.
fn spread(figures: &[f64]) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    format!("{least:.2}-{most:.2}")
}

/// One run, of which the first destination acts like this.
async fn measure(shape: Shape, act: &Act) -> Times {
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
    let times = times(&samples, &vendor);
    server.kill().await;
    times
}

fn times(samples: &[Sample], vendor: &Vendor) -> Times {
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
    Times {
        deliveries: took.collect(),
        answers: samples.iter().map(|sample| sample.answered).collect(),
    }
}
