//! `docs/reliability.md`, from one run.

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
) -> String {
    let mut page = HEAD.to_owned();
    if let Some(rounds) = rounds {
        page.push_str(&format!(
            "\n**A quick try with `ROUNDS={rounds}`: not the figures to quote.**\n"
        ));
    }
    page.push_str("\n| | what is promised | how the fault is made | |\n|---|---|---|---|\n");
    for fault in faults {
        let report = reports.iter().find(|report| report.id() == fault.id);
        let verdict = report.map_or("not run", Report::verdict);
        let Fault {
            id, promise, how, ..
        } = fault;
        page.push_str(&format!("| {id} | {promise} | {how} | {verdict} |\n"));
    }
    page.push_str("\n## Figures\n\n```\n");
    for report in reports {
        page.push_str(&format!("{report}\n"));
    }
    page.push_str("```\n\n");
    page.push_str(NOTES);
    page.push_str(&about(machine));
    page
}

/// What one must know to read the figures.
const NOTES: &str = include_str!("notes.md");

fn about(machine: &Machine) -> String {
    let (p50, p99) = machine.fsync;
    format!(
        "\n## The run\n\n| | |\n|---|---|\n| machine | {}, {} GiB |\n| kernel | {} |\n| file system | {}; 4 KiB and `fdatasync`: p50 {} ms, p99 {} ms |\n| commit | {} |\n| date | {} |\n\nAgain: `make torture`; a part of it: `make torture FAULTS=\"F1 F4\"`; quickly: `ROUNDS=5 make torture`. F2 and F3 need root, F4 `strace`,\nF15 `faketime`; what is missing is said in the line of the fault. It takes about 25 minutes. What fails is a defect; it\nis listed here all the same.\n",
        machine.cpu,
        machine.memory_gib,
        machine.kernel,
        machine.file_system,
        millis(p50),
        millis(p99),
        machine.commit,
        machine.date,
    )
}
