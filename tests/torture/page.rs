//! `docs/reliability.md`, from one run; of faults that were not run, the page keeps what it says.

use crate::Fault;
use crate::machine::Machine;
use crate::report::Report;
use crate::tools::millis;

const HEAD: &str = "\
# Reliability

What Tagwerk promises when things go wrong, and what was seen when they were made to. This page is written by `make torture`; nobody edits it.
What the promises mean is in [delivery.md](delivery.md).

One process, the oracle, makes up orders, sends each of them once (F14: three times), is itself the vendor that they are delivered to, and counts: an order that
was answered 200 and never arrived is *lost*, whatever happened in between. Server, oracle and disk share the machine.
";

pub(crate) fn write(
    faults: &[Fault],
    reports: &[Report],
    machine: &Machine,
    rounds: Option<usize>,
    before: &str,
) -> String {
    let is_whole = reports.len() == faults.len();
    let line_of = |fault: &Fault| {
        let now = reports.iter().find(|report| report.id() == fault.id);
        now.map(ToString::to_string)
            .or_else(|| line_in(before, fault.id))
    };
    let mut page = HEAD.to_owned();
    if let Some(rounds) = rounds {
        page.push_str(&format!(
            "\n**A quick try with `ROUNDS={rounds}`: not the figures to quote.**\n"
        ));
    }
    page.push_str("\n| | what is promised | how the fault is made | |\n|---|---|---|---|\n");
    for fault in faults {
        let verdict = verdict(line_of(fault).as_deref());
        let Fault {
            id, promise, how, ..
        } = fault;
        page.push_str(&format!("| {id} | {promise} | {how} | {verdict} |\n"));
    }
    page.push_str("\n## Figures\n\n```\n");
    for line in faults.iter().filter_map(line_of) {
        page.push_str(&format!("{line}\n"));
    }
    page.push_str("```\n\n");
    page.push_str(NOTES);
    let commit = match commit_in(before) {
        Some(whole) if !is_whole => {
            let again: Vec<&str> = reports.iter().map(Report::id).collect();
            format!("{whole}; {} again at {}", again.join(" "), machine.commit)
        }
        _ => machine.commit.clone(),
    };
    page.push_str(&about(machine, &commit));
    page
}

/// What a page says of a fault.
fn line_in(page: &str, id: &str) -> Option<String> {
    let start = format!("RESULT {id} ");
    let mut lines = page.lines();
    lines
        .find(|line| line.starts_with(&start))
        .map(str::to_owned)
}

fn commit_in(page: &str) -> Option<&str> {
    let row = page
        .lines()
        .find_map(|line| line.strip_prefix("| commit | "));
    row?.strip_suffix(" |")
}

fn verdict(line: Option<&str>) -> &'static str {
    match line {
        Some(line) if line.contains(" skipped=") => "not run",
        Some(line) if line.ends_with(" pass=1") => "passed",
        Some(_) => "FAILED",
        None => "not run",
    }
}

/// What one must know to read the figures.
const NOTES: &str = include_str!("notes.md");

fn about(machine: &Machine, commit: &str) -> String {
    let (p50, p99) = machine.fsync;
    format!(
        "\n## The run\n\n| | |\n|---|---|\n| machine | {}, {} GiB |\n| kernel | {} |\n| file system | {}; 4 KiB and `fdatasync`: p50 {} ms, p99 {} ms |\n| commit | {} |\n| date | {} |\n\nAgain: `make torture`; a part of it: `make torture FAULTS=\"F1 F4\"`; quickly: `ROUNDS=5 make torture`. F2 and F3 need root, F4 `strace`,\nF15 `faketime`; what is missing is said in the line of the fault. It takes about 25 minutes. What fails is a defect; it\nis listed here all the same.\n",
        machine.cpu,
        machine.memory_gib,
        machine.kernel,
        machine.file_system,
        millis(p50),
        millis(p99),
        commit,
        machine.date,
    )
}
