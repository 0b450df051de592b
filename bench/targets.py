"""What is promised about speed and size, each with the command that measures it: the table of docs/performance.md.

Where a target is a ratio, both sides take turns in one run, and what counts is the median of the ratios, pair by pair."""
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, field

import overload
import parts
import process
import side_by_side
import systems
from rig import HERE, Rig, get
from tables import PAGE, markdown, spread, write_between


@dataclass
class Effort:
    """How long and how often."""
    runs: int = 5
    seconds: float = 4
    memory_seconds: float = float(os.environ.get("MEMORY_SECONDS", 600))
    idle_seconds: float = 30
    overload_seconds: float = 120
    is_quick: bool = False


QUICK = Effort(runs=2, seconds=2, memory_seconds=30, idle_seconds=5, overload_seconds=15, is_quick=True)


@dataclass
class Row:
    """A figure and its target; `is_met` compares the median, unless the measurement said otherwise."""
    figure: str
    target: str
    values: list = field(default_factory=list)
    unit: str = ""
    most: float = None
    least: float = None
    digits: int = 1
    note: str = ""

    @property
    def is_met(self):
        if not self.values:
            return None
        value = statistics.median(self.values)
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def cells(self, command):
        verdict = {None: "not measured", True: "yes", False: "**no**"}[self.is_met]
        if self.most is None and self.least is None:
            verdict = "–"
        value = f"{spread(self.values, self.digits)}{self.unit}" if self.values else "–"
        return [self.figure, self.target, value + (f"; {self.note}" if self.note else ""), verdict, f"`{command}`"]


def load(effort):
    """Saturation and 200/s, in turns with nginx-njs."""
    names = ["tagwerk"] + (["nginx-njs"] if not systems.ALL["nginx-njs"].missing() else [])
    rows = side_by_side.perf(names, effort.runs, effort.seconds)
    ours = [row for row in rows if row["peer"] == "tagwerk"]
    theirs = [row for row in rows if row["peer"] == "nginx-njs"]
    ratio = side_by_side.ratios(rows)
    missing = "" if theirs else "nginx-njs is not installed: " + systems.ALL["nginx-njs"].install
    beside = lambda values, digits: f"nginx-njs {spread(values, digits)} in the same run" if values else missing
    lost = sum(row["lost_amp"] + row["lost_slack"] for row in ours)
    quiet = lambda side: [row["r200"]["cpu_us"] for row in side if "r200" in row]
    return [
        Row("CPU an event, accepted and delivered", "≤ 45 µs", [row["cpu_us"] for row in ours], " µs", most=45, note=beside([row["cpu_us"] for row in theirs], 1)),
        Row("the same, divided by that of nginx-njs", "≤ 0.9", ratio["cpu"], most=0.9, digits=2, note=missing),
        Row("accepted and delivered a second", "–", [row["delivered_s"] for row in ours], digits=0, note=beside([row["delivered_s"] for row in theirs], 0)),
        Row("the same, divided by that of nginx-njs", "≥ 1.1", ratio["delivered"], least=1.1, digits=2, note=missing),
        Row("CPU an event at 200 orders/s", "≤ 140 µs", quiet(ours), " µs", most=140, digits=0, note=beside(quiet(theirs), 0)),
        Row("p99 at saturation", "≤ 8 ms", [row["p99"] for row in ours], " ms", most=8, note=beside([row["p99"] for row in theirs], 1)),
        Row("acknowledged and lost in these runs", "0", [lost], most=0, digits=0),
    ]


def answers(effort):
    values = []
    for _ in range(effort.runs):
        with Rig("tagwerk") as rig:
            rig.load(64, 1, tag="w")
            rig.reset()
            values.append(rig.load(64, effort.seconds, 2000)["p99"])
    return [Row("answer p99 at 2,000/s", "≤ 5 ms", values, " ms", most=5, digits=2)]


def idle_tags(effort):
    ratios = []
    for _ in range(effort.runs):
        pair = [saturated(effort, **job) for job in (dict(), dict(idle_tags=998))]
        ratios.append(pair[1]["cpu_us"] / pair[0]["cpu_us"])
    return [Row("1,000 tags of which 2 listen, beside 2 tags: CPU an event", "≤ 1.05", ratios, most=1.05, digits=3)]


def firing_tags(effort, steps=(2, 34, 67, 100)):
    """The cost of a further tag that fires: the least-squares slope, and how far the last stretch is from the first."""
    slopes, bends = [], []
    for _ in range(max(1, effort.runs // 2 + 1)):
        costs = [until_delivered(tags, effort) for tags in steps]
        slopes.append(statistics.linear_regression(steps, costs).slope)
        stretches = [(costs[i + 1] - costs[i]) / (steps[i + 1] - steps[i]) for i in range(len(steps) - 1)]
        bends.append(stretches[-1] / stretches[0])
    return [
        Row("100 tags that all fire: CPU of each further one", "≤ 12 µs", slopes, " µs", most=12),
        Row("the same from 67 to 100 tags, divided by that from 2 to 34 (1 = linear)", "≤ 1.25", bends, most=1.25, digits=2),
    ]


def until_delivered(tags, effort):
    """So many orders as fast as they are taken; the CPU until each of their deliveries has arrived, by order."""
    orders = int(min(20_000, 100_000 / tags) * (0.3 if effort.is_quick else 1))
    with Rig("tagwerk", system=systems.tagwerk(firing_tags=tags)) as rig:
        rig.drain(rig.load(16, 60, tag="w", limit=100)["acked"], tags)
        rig.reset()
        cpu = process.cpu(rig.pid)
        acked = rig.load(16, 60, limit=orders)["acked"]
        rig.drain(acked, tags)
        return (process.cpu(rig.pid) - cpu) * 1e6 / acked


def saturated(effort, **job):
    with Rig("tagwerk", system=systems.tagwerk(**job)) as rig:
        return side_by_side.saturate(rig, effort.seconds)


def memory(effort):
    """At saturation for long: the most, and the slope after a first fifth in which caches fill."""
    samples = []
    # Ten minutes are 12 million events: kept for a day they would not fit into `max_size`.
    with Rig("tagwerk", system=systems.tagwerk(journal='retention = "1m"\n')) as rig:
        begin = time.time()
        sender = rig.load(64, effort.memory_seconds, wait=False)
        while sender.poll() is None:
            samples.append((time.time() - begin, process.memory(rig.pid)))
            time.sleep(1)
        sender.communicate()
        most = process.memory(rig.pid, "VmHWM")
    settled = [sample for sample in samples if sample[0] > effort.memory_seconds / 5]
    slope = statistics.linear_regression([at for at, _ in settled], [mib for _, mib in settled]).slope * 60
    minutes = f"{effort.memory_seconds / 60:.2g} min"
    return [
        Row(f"memory at saturation for {minutes}, the most", "≤ 64 MiB", [most], " MiB", most=64, digits=0),
        Row("the same, its slope", "flat: ≤ 0.5 MiB a minute", [slope], " MiB a minute", most=0.5, digits=2),
    ]


def idle(effort):
    with Rig("tagwerk", system=systems.tagwerk()) as rig:
        time.sleep(2)
        cpu = process.cpu(rig.pid)
        time.sleep(effort.idle_seconds)
        used = (process.cpu(rig.pid) - cpu) / effort.idle_seconds * 100
        mib = process.memory(rig.pid)
    return [Row("idle memory", "≤ 15 MiB", [mib], " MiB", most=15), Row("idle CPU", "≤ 0.1 %", [used], " %", most=0.1, digits=3)]


def cold_start(effort):
    """From the start of the process to the first 200 of /readyz, with 100 scripts and an empty data folder."""
    values = []
    for _ in range(effort.runs):
        rig = Rig("tagwerk", system=systems.tagwerk(idle_tags=88, other_clients=9))
        try:
            begin = time.perf_counter()
            rig.start(rest=0)
            while not is_ready(rig):
                time.sleep(0.001)
            values.append((time.perf_counter() - begin) * 1000)
        finally:
            rig.close()
    return [Row("cold start to ready, 100 scripts", "≤ 100 ms", values, " ms", most=100, digits=0)]


def is_ready(rig):
    try:
        get(f"http://127.0.0.1:{rig.port}/readyz")
        return True
    except OSError:
        return False


def size(_effort):
    binary = os.environ.get("TAGWERK") or os.path.join(HERE, "../target/release/tagwerk")
    return [Row("binary, stripped", "≤ 20 MiB", [os.path.getsize(binary) / 2 ** 20], " MiB", most=20)]


def preview_off(effort):
    """No session is open: all that preview asks for an event, measured by itself, as part of what an event costs at 2,000/s. Two
    loads differ by more than 1 % of themselves, so the difference of two says nothing here."""
    asked = parts.nanoseconds("preview: ", *(["--warm-up-time", "0.5", "--measurement-time", "1"] if effort.is_quick else []))
    shares = [asked / 1000 / paced(effort)[0] * 100 for _ in range(effort.runs)]
    return [Row("preview with no session open, of an event's CPU at 2,000/s", "≤ 1 %", shares, " %", most=1, digits=3, note=f"{asked:.0f} ns")]


def preview_idle(effort):
    """What a watcher costs those who are not watched: a header session that is open, and not used, at 2,000/s."""
    ratios = []
    for _ in range(effort.runs):
        plain, _ = paced(effort)
        ratios.append(paced(effort, ["preview", "open", "--ttl", "10m"])[0] / plain)
    return [Row("a preview session open beside 2,000/s: CPU an event, divided by that without", "≤ 1.02", ratios, most=1.02, digits=3)]


def preview_capture(effort):
    """A capture session that watches all of 2,000/s, and somebody who follows the stream as the page does."""
    capture = ["preview", "open", "--capture", "--ttl", "1h", "--limit", "1000000"]
    ratios, seen = [], 0
    for _ in range(effort.runs):
        plain, _ = paced(effort)
        watched, seen = paced(effort, capture, follows=True)
        ratios.append(watched / plain)
    note = f"{seen} changes of traces were told in the last run"
    return [Row("a capture session at 2,000/s, followed: CPU an event, divided by that without", "≤ 1.10", ratios, most=1.10, digits=3, note=note)]


def paced(effort, command=(), follows=False):
    """The CPU of an event at 2,000/s, with what a command opened before; and what the stream of traces told meanwhile."""
    with Rig("tagwerk") as rig:
        if command:
            done = subprocess.run([rig.launch.argv[0], *command], cwd=rig.folder, env={**os.environ, **rig.launch.env}, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"tagwerk {' '.join(command)}: {done.stderr}")
        stream = follow(rig) if follows else None
        rig.load(32, 1, 2000, tag="w")
        time.sleep(0.3)
        cost = side_by_side.pace(rig, 2000, effort.seconds)["cpu_us"]
        if not stream:
            return cost, 0
        stream.kill()
        stream.wait()
        told = process.read(f"{rig.folder}/stream").count("event: trace\n")
        if not told:
            raise SystemExit("nothing was captured, so nothing was measured")
        return cost, told


def follow(rig):
    """A process of its own, so that its CPU is not the server's, nor in the way of the senders' clock."""
    url = f"http://127.0.0.1:{rig.port + 5}/api/traces/stream"
    token = rig.launch.env["TAGWERK_ADMIN_TOKEN"]
    with open(f"{rig.folder}/stream", "wb") as told:
        return subprocess.Popen(["curl", "-sN", url, "-H", f"Authorization: Bearer {token}"], stdout=told)


def overloaded(effort):
    """Three times as many requests as it can take, server and senders on a core each."""
    found = overload.measure(effort.overload_seconds)
    print("   " + str(found))
    beside = f"{found['accepted']:,}/s of {found['capacity']:,}/s, {found['offered']:,}/s offered, {found['unsent']:,}/s found no free connection"
    crowd = overload.measure(effort.overload_seconds, connections=overload.CROWD)
    print("   " + str(crowd))
    alone = overload.measure(effort.overload_seconds, connections=overload.ONE_ADDRESS, is_proxy=False)
    print("   " + str(alone))
    every = (found, crowd, alone)
    return [
        Row("overload, 3 times what it can take: accepted, of capacity", "≥ 80 %", [found["kept"] * 100], " %", least=80, digits=0, note=beside),
        Row("the same: back to normal", "≤ 5 s", [found["recovered"]], " s", most=5, digits=0, note=slow_seconds(found)),
        Row(f"overload over {overload.CROWD:,} connections, of which 2,048 are taken: accepted, of capacity", "≥ 80 %", [crowd["kept"] * 100], " %", least=80, digits=0, note=told(crowd)),
        Row("the same: 503 and `Retry-After`, p99 of the worst second", "≤ 50 ms", [crowd["refused_p99"]], " ms", most=50, digits=0),
        Row("the same: back to normal", "≤ 5 s", [crowd["recovered"]], " s", most=5, digits=0, note=slow_seconds(crowd)),
        Row(f"overload from one address over {overload.ONE_ADDRESS:,} connections, of which 128 are taken: accepted, of capacity", "≥ 80 %", [alone["kept"] * 100], " %", least=80, digits=0, note=told(alone)),
        Row("the same: 429 and `Retry-After`, p99 of the worst second", "≤ 50 ms", [alone["refused_p99"]], " ms", most=50, digits=0),
        Row("all three: answered neither with 200 nor with 429 or 503, or these without `Retry-After`", "0", [sum(one["other"] + one["without_hint"] for one in every)], most=0, digits=0),
        Row("all three: acknowledged and lost", "0", [sum(one["lost"] for one in every)], most=0, digits=0, note=f"of {sum(one['acked'] for one in every):,}"),
    ]


def told(found):
    return f"{found['accepted']:,}/s of {found['capacity']:,}/s, {found['refused']:,}/s were told to come back"


def slow_seconds(found):
    return f"then {found['slow_later']} of {found['seconds_later']} seconds were slower than normal, before {found['slow_before']} of {found['seconds_before']}"


# In the order of the table.
MEASURES = dict(load=load, answers=answers, idle_tags=idle_tags, firing_tags=firing_tags, memory=memory, idle=idle, cold_start=cold_start,
                size=size, preview_off=preview_off, preview_idle=preview_idle, preview_capture=preview_capture, overload=overloaded)


def measure(names, effort, writes=False):
    """Measures those named, or all; prints the table, and writes it into the page."""
    lines = []
    for name in names or MEASURES:
        print(f"-- {name}: {(MEASURES[name].__doc__ or '').strip().splitlines()[0] if MEASURES[name].__doc__ else ''}", flush=True)
        for row in MEASURES[name](effort):
            cells = row.cells(f"run.py targets {name}")
            print("   " + " | ".join(cells[:4]), flush=True)
            lines.append(cells)
    table = markdown(["figure", "target", "measured", "met", "again by"], lines)
    print("\n" + table)
    if writes:
        write_between(PAGE, "targets", table)
