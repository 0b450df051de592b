#!/usr/bin/env python3
"""Measures Tagwerk, and others beside it, on one job: see README.md, and `run.py MODE --help` for the options of each."""
import argparse
import os
import signal
import sys

import growth
import instructions
import parts
import profiling
import side_by_side
import targets
from systems import ALL
from tables import spread

# This file is the command line and nothing else.

USUAL = ["tagwerk", "nginx-njs", "nginx-lua", "express-after", "fastapi-after", "nodered-after", "L1", "L2-rhai", "L4-sync"]
IS_QUICK = bool(os.environ.get("QUICK"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True, metavar="MODE")
    for add in (add_check, add_peers, add_perf, add_kill, add_outage, add_targets, add_growth, add_profile, add_instructions, add_parts):
        add(modes)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    options.run(options)


def mode(modes, name, run, what, systems=None, runs=None, seconds=None):
    """A mode with the options that several have. `systems`: those that are measured if none is named."""
    one = modes.add_parser(name, help=what, description=what)
    one.set_defaults(run=run, usual=systems)
    if systems:
        one.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"of {', '.join(ALL)}")
    if runs:
        one.add_argument("-n", "--runs", type=int, default=runs, help=f"how often, in turns ({runs})")
    if seconds:
        one.add_argument("--seconds", type=float, default=seconds, help=f"of each load ({seconds})")
    return one


def installed(options):
    """Those that were asked for and are; what is not is said."""
    names = options.systems or options.usual
    known(names, ALL, "system")
    for name in names:
        for missing in ALL[name].missing()[:1]:
            print(f"{name} is not installed, as there is no {missing}: {ALL[name].install}", flush=True)
    return [name for name in names if not ALL[name].missing()]


def known(names, all_names, what):
    for name in names:
        if name not in all_names:
            raise SystemExit(f"there is no {what} {name}; there are {', '.join(all_names)}")


def add_check(modes):
    mode(modes, "check", check, "one order of each kind, compared exactly", USUAL)


def check(options):
    if not side_by_side.check(installed(options)):
        raise SystemExit("something was delivered wrongly")


def add_peers(modes):
    mode(modes, "peers", peers, "those of them that are installed, checked, then measured in turns", USUAL, runs=5, seconds=4)


def peers(options):
    check(options)
    perf(options)


def add_perf(modes):
    mode(modes, "perf", perf, "the same without the check", USUAL, runs=3, seconds=4)


def perf(options):
    names = installed(options)
    rows = side_by_side.perf(names, options.runs, options.seconds)
    print("\n" + side_by_side.table(rows) + "\n")
    for other in names[1:]:
        ratio = side_by_side.ratios(rows, names[0], other)
        print(f"{names[0]} / {other}, run by run: CPU an event {spread(ratio['cpu'], 2)}, delivered a second {spread(ratio['delivered'], 2)}, "
              f"CPU at 200/s {spread(ratio['quiet'], 2)}")


def add_kill(modes):
    mode(modes, "kill", lambda options: side_by_side.kill(installed(options), options.runs), "kill -9 under load, then what is missing", ["tagwerk"], runs=3)


def add_outage(modes):
    mode(modes, "outage", lambda options: side_by_side.outage(installed(options), options.runs), "vendors down for 20 s, then what is missing",
         ["tagwerk"], runs=3)


def add_targets(modes):
    one = mode(modes, "targets", aim, "each figure beside its target")
    one.add_argument("figures", nargs="*", metavar="FIGURE", help=f"of {', '.join(targets.MEASURES)}; all, if none is named")
    one.add_argument("-n", "--runs", type=int, help="how often, in turns (5)")
    one.add_argument("--seconds", type=float, help="of each load (4)")
    one.add_argument("--memory-seconds", type=float, help="how long the memory is watched (600)")
    one.add_argument("--overload-seconds", type=float, help="how long the overload lasts (120)")
    one.add_argument("--quick", action="store_true", default=IS_QUICK, help="a short try: two runs of all (or QUICK=1)")
    one.add_argument("--write", action="store_true", help="write the table into docs/performance.md")


def aim(options):
    options.figures = [name.replace("-", "_") for name in options.figures]
    known(options.figures, targets.MEASURES, "figure")
    effort = targets.QUICK if options.quick else targets.Effort()
    for key in ("runs", "seconds", "memory_seconds", "overload_seconds"):
        if getattr(options, key) is not None:
            setattr(effort, key, getattr(options, key))
    targets.measure(options.figures, effort, options.write)


def add_growth(modes):
    one = mode(modes, "growth", grow, "what an event costs as the work grows, as charts in docs/images")
    one.add_argument("charts", nargs="*", metavar="CHART", help=f"of {', '.join(growth.CHARTS)}; all, if none is named")
    one.add_argument("-n", "--runs", type=int, default=1 if IS_QUICK else 5, help="how often (5; with QUICK=1 once)")
    one.add_argument("--draw", action="store_true", help="only draw what was measured last")


def grow(options):
    known(options.charts, growth.CHARTS, "chart")
    growth.grow(options.charts, options.runs, options.draw)


def add_profile(modes):
    one = mode(modes, "profile", lambda o: profiling.profile(o.seconds, o.rate, o.binary, writes=o.write),
               "where the microseconds go, by part and by thread (perf)", seconds=5)
    one.add_argument("--rate", type=int, default=200, help="of the low load (200)")
    one.add_argument("--binary", help="instead of target/profiling/tagwerk")
    one.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")


def add_instructions(modes):
    one = mode(modes, "instructions", lambda o: instructions.count(o.orders, binary=o.binary), "instructions an event, by part (callgrind)")
    one.add_argument("--orders", type=int, default=2000, help="how many are counted (2000)")
    one.add_argument("--binary", help="instead of target/profiling/tagwerk")


def add_parts(modes):
    mode(modes, "parts", lambda options: parts.show(), "the table of what `cargo bench` measured last")


if __name__ == "__main__":
    main()
