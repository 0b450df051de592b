//! `make torture`: does to a running Tagwerk what happens to servers, and counts what was lost. Each
//! fault is one file and prints one line, `RESULT F1 … pass=1`. Nothing here looks inside: the release
//! binary is driven through its configuration, HTTP, signals and the disk.
//!
//! It kills only what it has started, listens on 127.0.0.1 only, and cleans up its folders and mounts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a test: it panics where it cannot go on, and what it prints is its result"
)]

mod appender;
mod backlog;
mod clock_jump;
mod corruption;
mod fsync;
mod full_disk;
mod hostile;
mod kill;
mod machine;
mod mount;
mod nats;
mod neighbours;
mod oracle;
mod page;
mod power;
mod repeats;
mod report;
mod retry;
mod second;
mod setup;
mod slow;
mod statuses;
mod stop;
mod support;
mod tools;

use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use report::Report;
use tools::Rounds;

/// Does to a running Tagwerk what happens to servers, and counts what was lost.
#[derive(Debug, Parser)]
#[command(name = "torture", after_help = list())]
struct Options {
    /// The faults to run, by their numbers; all of them if none is named
    faults: Vec<String>,
    /// Repeat what is repeated (F1 200 times, F2 and F19 50 times, …) at most so often: a quick try
    #[arg(long)]
    rounds: Option<usize>,
    /// Write the page about it here, if all faults were run
    #[arg(long, value_name = "FILE")]
    write_docs: Option<PathBuf>,
    /// Used by F2: append what comes in to a database with synchronous=NORMAL
    #[arg(long, value_name = "FILE", hide = true)]
    append_to: Option<PathBuf>,
}

type Running = Pin<Box<dyn Future<Output = Report> + Send>>;

/// A fault: its number, and what does it.
struct Fault {
    id: &'static str,
    /// What is promised.
    promise: &'static str,
    /// How the fault is made.
    how: &'static str,
    run: fn(Rounds) -> Running,
}

macro_rules! fault {
    ($id:literal, $run:path, $promise:literal, $how:literal) => {
        Fault {
            id: $id,
            promise: $promise,
            how: $how,
            run: |rounds| Box::pin($run(rounds)),
        }
    };
}

/// In the order of the page.
const FAULTS: &[Fault] = &[
    fault!(
        "F1",
        kill::run,
        "What was acknowledged survives `kill -9`; few things are sent twice; it is ready again within 1 s",
        "`kill -9` at random moments, 50 to 1,500 ms after it was ready, while 32 connections send as fast as they are answered; every third time the vendor is slow, so that there is a backlog"
    ),
    fault!(
        "F2",
        power::run,
        "What was acknowledged survives a power cut",
        "the data folder on an ext4 of its own; `EXT4_IOC_SHUTDOWN` without a flush of the log under load, then `kill -9`, unmount, mount, check, start. The same is done to others"
    ),
    fault!(
        "F3",
        full_disk::run,
        "A full disk refuses new events and loses none; deliveries go on and are marked, also after `kill -9`; it takes events again within 5 s",
        "the data folder on a tmpfs of 64 MiB; load until new events are refused; `kill -9` and a start; later a file of 24 MiB is removed from it"
    ),
    fault!(
        "F4",
        fsync::run,
        "A failed fsync acknowledges nothing that is lost, is seen in `/readyz`, and mends itself",
        "`strace` gives EIO to the n-th fsync or fdatasync, n = 1 to 20, once each; then `kill -9` and a start"
    ),
    fault!(
        "F5",
        retry::outage,
        "A vendor's failures are tried again by the schedule, ±20 %",
        "the vendor answers 500 four times for each delivery, then 200"
    ),
    fault!(
        "F6",
        retry::retry_after,
        "`Retry-After` is kept within 1 s and 1 h",
        "the vendor answers 429 once, with 1, 30, 86400, a date in the past, and nonsense"
    ),
    fault!(
        "F7",
        statuses::run,
        "Each status has the outcome of the table in delivery.md",
        "500 destinations, of which each always answers one status of 100 to 599"
    ),
    fault!(
        "F8",
        slow::run,
        "A slow vendor is cut off at `timeout`, and slows down no other",
        "vendors that answer after 5 s, after 15 s, in drips, and never; `timeout = \"1s\"`"
    ),
    fault!(
        "F9",
        hostile::run,
        "A hostile answer is classified and costs little memory",
        "answers of 1 GiB, a gzip bomb, 10,000 header fields, random bytes, a reset, a body cut short, no answer"
    ),
    fault!(
        "F12",
        statuses::redirects,
        "Redirects are never followed",
        "301, 302, 303, 307 and 308 to an address that listens"
    ),
    fault!(
        "F13",
        neighbours::run,
        "One bad destination of ten is not noticed by the other nine, nor by senders",
        "one of ten destinations resets its connections, answers after 5 s, or drips; beside it, at the same time, a server whose ten are well"
    ),
    fault!(
        "F14",
        repeats::run,
        "What a sender sends again makes no second event, also after a crash",
        "10,000 orders with a `DEDUPE` id, each sent three times over 16 connections, at once or later, across 20 `kill -9`; what gets no answer is sent again"
    ),
    fault!(
        "F15",
        clock_jump::run,
        "A jump of the clock makes neither a burst nor a stall",
        "libfaketime moves the time of day by +1 h and by -1 h while deliveries wait for their next attempt"
    ),
    fault!(
        "F19",
        stop::run,
        "SIGTERM answers what was accepted, loses nothing, and ends with 0 within 20 s",
        "SIGTERM at random moments while 32 connections send"
    ),
    fault!(
        "F21",
        corruption::run,
        "A damaged journal is read or refused with a reason; nothing wrong is delivered",
        "single bits flipped, digits of orders changed, and files cut short, at positions spread over the database and its log, of a journal of 100 events"
    ),
    fault!(
        "F24",
        second::run,
        "A second process on the same folder ends with 73 and does no harm",
        "it is started"
    ),
    fault!(
        "L8",
        backlog::drain,
        "A backlog is drained at least twice as fast as 1,000 events a second come in, in 256 MiB",
        "500,000 events while the vendor answers 503; then it is well again, and from its first answer on 1,000 a second come in"
    ),
    fault!(
        "S1",
        backlog::start_with,
        "With 1,000,000 deliveries waiting it is ready within 2 s",
        "1,000,000 events while the vendor does not answer, then `kill -9` and a start"
    ),
];

fn list() -> String {
    let lines = FAULTS
        .iter()
        .map(|fault| format!("  {:<4} {}", fault.id, fault.promise));
    let lines: Vec<String> = lines.collect();
    format!(
        "Faults:\n{}\n\nmake torture FAULTS=\"F1 F4\" ROUNDS=5",
        lines.join("\n")
    )
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(file) = &options.append_to {
        return appender::append(file);
    }
    let unknown = |name: &&String| !FAULTS.iter().any(|fault| fault.id == **name);
    if let Some(name) = options.faults.iter().find(unknown) {
        eprintln!("error: there is no fault {name}; --help lists them");
        return ExitCode::from(2);
    }
    tokio::select! {
        code = run_all(&options) => code,
        // Leaving the future drops what it has: processes end, mounts go.
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
        _ = terminated() => ExitCode::from(143),
    }
}

async fn terminated() {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    terminate.recv().await;
}

async fn run_all(options: &Options) -> ExitCode {
    let is_wanted = |fault: &&Fault| {
        options.faults.is_empty() || options.faults.iter().any(|id| id == fault.id)
    };
    let machine = machine::look();
    eprintln!("{machine}");
    let mut reports = Vec::new();
    for fault in FAULTS.iter().filter(is_wanted) {
        let report = run_one(fault, Rounds(options.rounds)).await;
        println!("{report}");
        reports.push(report);
    }
    if let Some(file) = &options.write_docs {
        let before = std::fs::read_to_string(file).unwrap_or_default();
        let page = page::write(FAULTS, &reports, &machine, options.rounds, &before);
        std::fs::write(file, page).unwrap();
    }
    match reports.iter().all(Report::is_good) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Runs a fault. One that panics has failed.
async fn run_one(fault: &Fault, rounds: Rounds) -> Report {
    let start = std::time::Instant::now();
    // In the same task, so that it is dropped with it.
    let running = std::panic::AssertUnwindSafe((fault.run)(rounds));
    let report = match tools::catch(running).await {
        Ok(report) => report,
        Err(why) => Report::failed(why),
    };
    report
        .named(fault.id)
        .with("seconds", start.elapsed().as_secs())
}
