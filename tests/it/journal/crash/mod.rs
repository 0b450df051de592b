//! Random lives of a journal that end in a crash, against a model of what it promised.
//!
//! A crash is a copy of the files as they are at that moment, opened as the next life: nothing of
//! what the process still had in memory is in it. The end of the log that nobody was told is on
//! disk is cut at a random byte, as a power cut may leave it.
//!
//! `PROPTEST_CASES=2500 cargo test --test it journal::crash` lives 10,000 lives.

mod life;
mod model;

use proptest::prelude::*;
use tagwerk::delivery::State;
use tagwerk::journal::Resend;

use life::Life;

/// What happens in a life. Where a number says how many, it is at most so many.
#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    /// With one of a few keys.
    AppendKeyed(usize),
    TakeEvents(usize),
    /// Processes some of the events that were taken.
    Process(usize),
    TakeDeliveries(usize),
    /// Settles some of the deliveries that were taken.
    Settle(usize, State),
    /// Marks some of them dead before they are sent.
    Mark(usize),
    /// Settles some of those that are marked.
    Confirm(usize, State),
    SendAgain(usize),
    Discard(usize),
    /// Runs the tag again on one of the events that are processed.
    Rerun(usize, Resend),
    Flush,
    /// Where the part of the log that was not promised is cut: 0 loses all of it, 1 nothing.
    Crash(f64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let count = || 1..20_usize;
    let state = || {
        prop_oneof![
            Just(State::Delivered),
            Just(State::Dead),
            Just(State::Pending)
        ]
    };
    let resend = prop_oneof![Just(Resend::Dead), Just(Resend::All)];
    let step = prop_oneof![
        4 => count().prop_map(Step::Append),
        1 => (0..6_usize).prop_map(Step::AppendKeyed),
        3 => count().prop_map(Step::TakeEvents),
        3 => count().prop_map(Step::Process),
        3 => count().prop_map(Step::TakeDeliveries),
        3 => (count(), state()).prop_map(|(count, state)| Step::Settle(count, state)),
        1 => count().prop_map(Step::Mark),
        1 => (count(), state()).prop_map(|(count, state)| Step::Confirm(count, state)),
        1 => count().prop_map(Step::SendAgain),
        1 => count().prop_map(Step::Discard),
        1 => (0..1_000_usize, resend).prop_map(|(which, resend)| Step::Rerun(which, resend)),
        1 => Just(Step::Flush),
        1 => (0.0..=1.0).prop_map(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

fn cases() -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(), // it reads the variable
        None => ProptestConfig::with_cases(24),
    }
}

fn live(steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut life = Life::begin();
        for step in steps {
            life.step(step).await;
        }
        life.end().await;
    });
}

/// The same test several times, so that the cases are spread over the machine's cores.
macro_rules! in_parts {
    ($($part:ident)*) => { $(
        mod $part {
            use super::{cases, live, steps};

            proptest::proptest! {
                #![proptest_config(cases())]

                #[test]
                fn no_acknowledged_event_is_lost(steps in steps()) {
                    live(steps);
                }
            }
        }
    )* };
}

in_parts! { first second third fourth }
