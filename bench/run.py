#!/usr/bin/env python3
"""Measures Tagwerk, and others beside it, on one job. See README.md; `run.py MODE --help` for the options.

This file is the command line and nothing else."""
import argparse
import os

import growth
import instructions
import parts
import profiling
import side_by_side
import targets
from systems import ALL
from tables import spread

USUAL = ["tagwerk", "nginx-njs", "nginx-lua", "express-after", "fastapi-after", "nodered-after", "L1", "L2-rhai", "L4-sync"]


def known(names, all_names, what):
    for name in names:
        if name not in all_names:
            raise SystemExit(f"there is no {what} {name}; there are {', '.join(all_names)}")


def installed(names):
    """Those that are; what is not is said."""
    known(names, ALL, "system")
    for name in names:
        missing = ALL[name].missing()
        if missing:
            print(f"{name} is not installed ({missing[0]} is missing): {ALL[name].install}")
    return [name for name in names if not ALL[name].missing()]


def peers(options):
    names = installed(options.systems or USUAL)
    if not side_by_side.check(names):
        raise SystemExit("something was delivered wrongly, so nothing is measured")
    rows = side_by_side.perf(names, options.runs, options.seconds)
    print("\n" + side_by_side.table(rows))
    tell_ratios(rows, names)


def aim(options):
    effort = targets.QUICK if options.quick else targets.Effort()
    for key in ("runs", "seconds", "memory_seconds"):
        if getattr(options, key) is not None:
            setattr(effort, key, getattr(options, key))
    known(options.figures, targets.MEASURES, "figure")
    targets.measure(options.figures, effort, options.write)


def grow(options):
    known(options.charts, growth.CHARTS, "chart")
    growth.grow(options.charts, options.quick, options.draw)


def tell_ratios(rows, names):
    for other in names:
        if other != "tagwerk" and "tagwerk" in names:
            ratio = side_by_side.ratios(rows, "tagwerk", other)
            print(f"tagwerk / {other}, run by run: CPU {spread(ratio['cpu'], 2)}, delivered {spread(ratio['delivered'], 2)}, CPU at 200/s {spread(ratio['quiet'], 2)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True, metavar="MODE")

    def mode(name, run, what, systems=False, runs=None, seconds=None):
        one = modes.add_parser(name, help=what, description=what)
        if systems:
            one.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"of {', '.join(ALL)}")
        if runs:
            one.add_argument("-n", "--runs", type=int, default=runs, help=f"how often, in turns ({runs})")
        if seconds:
            one.add_argument("--seconds", type=float, default=seconds, help=f"of each load ({seconds})")
        one.set_defaults(run=run)
        return one

    mode("check", lambda o: raise_unless(side_by_side.check(installed(o.systems or USUAL))), "one order of each kind, compared exactly", systems=True)
    mode("peers", peers, "those of them that are installed, checked, then measured in turns", systems=True, runs=5, seconds=4)
    mode("perf", lambda o: print(side_by_side.table(side_by_side.perf(installed(o.systems or USUAL), o.runs, o.seconds))), "the same without the check",
         systems=True, runs=3, seconds=4)
    mode("kill", lambda o: side_by_side.kill(installed(o.systems or ["tagwerk"]), o.runs), "kill -9 under load, then what is missing", systems=True, runs=3)
    mode("outage", lambda o: side_by_side.outage(installed(o.systems or ["tagwerk"]), o.runs), "vendors down for 20 s, then what is missing", systems=True, runs=3)
    one = mode("profile", lambda o: profiling.profile(o.seconds, o.rate, o.binary, writes=o.write), "where the microseconds go, by part and by thread (perf)", seconds=5)
    one.add_argument("--rate", type=int, default=200, help="of the low load (200)")
    one.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    one.add_argument("--binary", help="instead of target/profiling/tagwerk")
    one = mode("instructions", lambda o: instructions.count(o.orders, binary=o.binary), "instructions an event, by part (callgrind)")
    one.add_argument("--orders", type=int, default=2000)
    one.add_argument("--binary", help="instead of target/profiling/tagwerk")
    one = mode("targets", aim, "each figure beside its target", runs=0)
    one.add_argument("figures", nargs="*", metavar="FIGURE", help=f"of {', '.join(targets.MEASURES)}; all, if none is named")
    one.add_argument("-n", "--runs", type=int, help="how often, in turns (5)")
    one.add_argument("--seconds", type=float, help="of each load (4)")
    one.add_argument("--memory-seconds", type=float, help="how long the memory is watched (600)")
    one.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")), help="a short try: 2 runs, 30 s of memory (or QUICK=1)")
    one.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    one = mode("growth", grow, "what an event costs as the work grows, as charts in docs/images")
    one.add_argument("charts", nargs="*", metavar="CHART", help=f"of {', '.join(growth.CHARTS)}; all, if none is named")
    one.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")), help="once, not five times (or QUICK=1)")
    one.add_argument("--draw", action="store_true", help="draw what was measured last")
    mode("parts", lambda o: parts.show(), "the table of what `cargo bench` measured last")
    options = parser.parse_args()
    options.run(options)


def raise_unless(good):
    if not good:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
