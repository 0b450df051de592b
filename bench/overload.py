"""Overload: three times as many requests as can be taken, and what becomes of them.

The server has one core, senders and vendor on the other, so that the senders do not take from the server what is being measured. Capacity is
what it accepts and delivers when 64 connections wait for their answers; the overload does not wait. It comes over as many connections as the server
takes, whose requests are all answered in their turn; over more (a CROWD), and then somebody has to be refused; or from ONE_ADDRESS, which may
have 128 of them."""
import json
import statistics
import subprocess
import time

import systems
from rig import BIN, Rig

CONNECTIONS = 2000  # the server takes 2,048
CROWD = 6000
ONE_ADDRESS = 1000
FACTOR = 3
CORES = ("0", "1")
IN_A_ROW = 5


def measure(seconds=120, rest=10, connections=CONNECTIONS, is_proxy=True):
    """The figures, by name. The senders are one address, which may not have so many connections unless it is a proxy that is trusted."""
    system = systems.tagwerk(options='trusted_proxies = ["127.0.0.1/32"]\n' if is_proxy else "")
    with Rig("tagwerk", system=system, pin=CORES) as rig:
        rig.drain(rig.load(64, 1.5, tag="w")["acked"])
        capacity = sustained(rig)
        rig.reset()
        normal = capacity * 0.5
        phases = f"{normal:.0f}:{rest},{capacity * FACTOR:.0f}:{seconds},{normal:.0f}:{rest * 2}"
        argv = [*rig.pinned(1), f"{BIN}/openload", f"127.0.0.1:{rig.port}", rig.launch.path, str(connections), phases, rig.template, f"{rig.folder}/acked.a"]
        sent = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
        rig.drain(sent["acked"], most=120)
        found = rig.compare()
    return figures(sent, found, capacity, rest, seconds)


def sustained(rig, seconds=10):
    """A second, accepted and delivered: what is accepted in that time may leave a backlog."""
    rig.reset()
    begun = time.monotonic()
    acked = rig.load(64, seconds, tag="c", start=1_000_000)["acked"]
    since_the_last = rig.drain(acked)["idle_ms"] / 1000
    return acked / (time.monotonic() - begun - since_the_last)


def figures(sent, found, capacity, rest, seconds):
    rows = [Second(*row) for row in sent["seconds"]]
    # Without the second in which a phase begins, in part.
    before, during, after = rows[1:rest - 1], rows[rest + 1:rest + int(seconds) - 1], rows[rest + int(seconds):rest * 3 + int(seconds) - 1]
    usual = statistics.median(row.accepted_p99 for row in before)
    since, slow_later = recovered(after, usual)
    slow_before = sum(is_slow(row, usual) for row in before)
    refused = [row.refused_p99 for row in during if row.refused]
    return dict(
        capacity=round(capacity), offered=round(mean(row.offered for row in during)), accepted=round(mean(row.accepted for row in during)),
        kept=mean(row.accepted for row in during) / capacity, refused=round(mean(row.refused for row in during)),
        unsent=round(mean(row.unsent for row in during)), other=sum(row.other for row in rows), without_hint=sum(row.no_hint for row in rows),
        refused_p99=max(refused, default=0.0), accepted_p99=max(row.accepted_p99 for row in during),
        recovered=since, slow_later=slow_later, slow_before=slow_before, seconds_before=len(before), seconds_later=len(after) - since, usual_p99=usual, acked=found["acked"], lost=found["lost_amp"] + found["lost_slack"])


def recovered(rows, usual):
    """Seconds until things are as before for five in a row, and how many after that are slower: single ones that a busy machine makes."""
    windows = [is_normal(rows[index:index + IN_A_ROW], usual) for index in range(len(rows) - IN_A_ROW + 1)]
    since = windows.index(True) if True in windows else len(rows)
    return since, sum(is_slow(row, usual) for row in rows[since:])


def is_normal(rows, usual):
    """Nothing is refused, and most of these seconds are not slow."""
    return not any(row.refused or row.other or row.unsent for row in rows) and sum(is_slow(row, usual) for row in rows) * 2 < len(rows)


def is_slow(row, usual):
    """Answers are not as quick as before: twice as slow, and over 5 ms."""
    return row.accepted_p99 > max(2 * usual, 5)


class Second:
    """A row of openload."""

    def __init__(self, offered, unsent, accepted, refused, other, accepted_p99, refused_p99, no_hint):
        self.offered, self.unsent, self.accepted, self.refused, self.other = offered, unsent, accepted, refused, other
        self.accepted_p99, self.refused_p99, self.no_hint = accepted_p99, refused_p99, no_hint


def mean(values):
    return statistics.fmean(list(values))
