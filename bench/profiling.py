"""Where the microseconds go: samples of the running server by part and by thread, and its system calls, for each event.

`perf` samples the processor clock, which every machine has; what it counts is system calls and switches. Instructions are counted
by callgrind (`instructions.py`) where the processor does not let perf count them, as in most virtual machines."""
import os
import re
import shutil
import subprocess
import time
from collections import Counter

import parts_of
import process
import systems
from rig import HERE, Rig
from tables import PAGE, markdown, write_between

RATE = 2999  # samples a second; a prime-like number, so that nothing periodic falls in step with it
CALLS = "futex epoll_wait write writev sendto sendmsg recvfrom read pwrite64 pread64 fdatasync fsync madvise munmap clock_nanosleep".split()
BINARY = os.path.join(HERE, "../target/profiling/tagwerk")


def profile(seconds=5, quiet_rate=200, binary=None, top=30, writes=False):
    """Prints the tables: at saturation, and at a low rate."""
    binary = binary or (BINARY if os.path.exists(BINARY) else None)
    if not shutil.which("perf"):
        raise SystemExit("perf is missing: apt-get install linux-perf")
    found = {}
    for title, connections, rate, span in (("saturation", 64, 0, seconds), (f"{quiet_rate}/s", 32, quiet_rate, seconds * 2)):
        with Rig("tagwerk", system=systems.tagwerk(binary)) as rig:
            found[title] = watch(rig, connections, rate, span)
    page = report(found, top)
    if writes:
        write_between(PAGE, "profile", page)


def watch(rig, connections, rate, seconds):
    """One load of three equal stretches: nothing beside it, counting, sampling."""
    rig.load(connections, 1.5, 0, tag="warm")
    time.sleep(1)
    sender = rig.load(connections, 600, rate, wait=False)  # ended below: perf may take its time to begin
    time.sleep(1)
    found = {}
    (found["cpu"], found["switches"], found["threads"]), found["events"] = during(rig, lambda: plain(rig.pid, seconds))
    found["calls"], counted = during(rig, lambda: count_calls(rig.pid, seconds))
    found["calls"] = {name: calls / counted for name, calls in found["calls"].items()}
    data = f"{rig.folder}/perf.data"
    # Of the whole machine: with `-p` and a clock for an event, perf finds nothing in some virtual machines.
    sampled = run(["perf", "record", "-q", "-g", "-a", "-e", "cpu-clock", "-F", str(RATE), "-o", data, "--", "sleep", str(seconds)])
    sender.kill()
    sender.communicate()
    found["samples"] = list(samples(data, rig.pid))
    if not found["samples"]:
        raise SystemExit(f"perf has no samples of the server: {sampled.stderr}")
    found["per_second"] = found["events"] / seconds
    return found


def during(rig, measure):
    """What was measured, and how many events were delivered meanwhile."""
    before = rig.stats()["amp_ev"]
    result = measure()
    return result, max(1, rig.stats()["amp_ev"] - before)


def plain(pid, seconds):
    cpu, switches, threads = process.cpu(pid), process.switches(pid), thread_switches(pid)
    time.sleep(seconds)
    switched = [after - before for after, before in zip(process.switches(pid), switches)]
    by_thread = thread_switches(pid)
    by_thread.subtract(threads)
    return process.cpu(pid) - cpu, switched, by_thread


def thread_switches(pid):
    """By kind of thread: how often it ran, and the seconds that it was ready and waited for a core."""
    found = Counter()
    for thread in process.listed(f"/proc/{pid}/task"):
        name = kind(process.read(f"/proc/{pid}/task/{thread}/comm").strip())
        _, waited, times = map(int, process.read(f"/proc/{pid}/task/{thread}/schedstat").split() or (0, 0, 0))
        found[name, "times"] += times
        found[name, "waited"] += waited / 1e9
    return found


def kind(thread):
    return re.sub(r"[-_]?\d+$", "", thread)


def count_calls(pid, seconds):
    """System calls by name, and instructions where the processor counts them for us."""
    events = ",".join([f"syscalls:sys_enter_{name}" for name in CALLS] + ["instructions", "cycles"])
    text = run(["perf", "stat", "-x,", "-e", events, "-p", str(pid), "--", "sleep", str(seconds)]).stderr
    counts = {}
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[0].isdigit():  # else "<not supported>": most virtual machines count no instructions
            counts[fields[2].split("sys_enter_")[-1]] = int(fields[0])
    if not counts:
        print("perf cannot count system calls here: it needs root, or kernel.perf_event_paranoid = -1\n" + text)
    return counts


def samples(data, pid):
    """(thread, [(function, file), …] from the innermost outwards) of each sample."""
    script = subprocess.Popen(["perf", "script", "-i", data, "--pid", str(pid), "-F", "comm,ip,sym,dso"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    demangle = subprocess.Popen(["c++filt"], stdin=script.stdout, stdout=subprocess.PIPE, text=True) if shutil.which("c++filt") else script
    thread, chain = None, []
    for line in demangle.stdout:
        if not line.strip():
            if thread:
                yield thread, chain
            thread, chain = None, []
        elif line[0].isspace():
            found = re.match(r"\s+[0-9a-f]+ (.*) \((.*)\)$", line)
            if found:
                chain.append((found.group(1), found.group(2)))
        else:
            thread = kind(line.strip())


def report(found, top):
    """Prints it; `found` is by the name of the load. Returns what belongs on the page."""
    titles = list(found)
    for load in found.values():
        load["us"] = load["cpu"] * 1e6 / load["events"]
    lines = [f"At {title}: {load['per_second']:,.0f} events delivered a second, {load['us']:.1f} µs of CPU an event, shared out by {len(load['samples']):,} samples."
             for title, load in found.items()]
    by_part = side_by_side(found, "µs of CPU an event, by part", lambda thread, chain: parts_of.of_chain(chain))
    by_thread = side_by_side(found, "µs of CPU an event, by thread", lambda thread, chain: thread + (" (kernel)" if chain and "kernel" in chain[0][1] else ""))
    page = "\n\n".join(["\n".join(lines), by_part, by_thread, counts(found)])
    print(page)
    for title, load in found.items():
        own = costs(load, lambda thread, chain: short(chain))
        print(f"\nThe dearest functions at {title}, by themselves\n")
        print(markdown(["function", "µs an event"], [[name, f"{us:.2f}"] for name, us in own.most_common(top)]))
    return page


def counts(found):
    """System calls and switches an event."""
    rows = []
    for name in [*CALLS, "instructions", "cycles"]:
        values = [load["calls"].get(name, 0) for load in found.values()]
        if max(values) >= 0.005:
            rows.append([name, *[f"{value:,.2f}" for value in values]])
    for index, what in enumerate(("switches, given up", "switches, taken away")):
        rows.append([what, *[f"{load['switches'][index] / load['events']:.2f}" for load in found.values()]])
    for thread in sorted({thread for load in found.values() for thread, _ in load["threads"]}):
        values = [load["threads"][thread, "times"] / load["events"] for load in found.values()]
        waits = [load["threads"][thread, "waited"] * 1e6 / max(1, load["threads"][thread, "times"]) for load in found.values()]
        if max(values) >= 0.005:
            rows.append([f"{thread} is given a core", *[f"{value:.2f}, after {wait:,.0f} µs" for value, wait in zip(values, waits)]])
    return markdown(["times an event", *found], rows)


def side_by_side(found, what, group):
    columns = [costs(load, group) for load in found.values()]
    names = sorted(set().union(*columns), key=lambda name: -columns[0].get(name, 0))
    rows = [[name, *[f"{column.get(name, 0):.1f}" for column in columns]] for name in names if max(column.get(name, 0) for column in columns) >= 0.05]
    return markdown([what, *found], [*rows, ["**all**", *[f"**{load['us']:.1f}**" for load in found.values()]]])


def costs(load, group):
    """The CPU of an event, shared out by the samples."""
    counts = Counter(group(thread, chain) for thread, chain in load["samples"])
    return Counter({name: count / len(load["samples"]) * load["us"] for name, count in counts.items()})


def short(chain):
    """The innermost function that has a name, and for one that says nothing about its purpose the part that called it."""
    if not chain:
        return "?"
    name, file = chain[0]
    name = re.sub(r"::h[0-9a-f]{16}$|\[[0-9a-f]{16}\]", "", name)
    part = "" if "kernel" in file or parts_of.of_function(name, "tagwerk" in file) else f" ← {parts_of.of_chain(chain)}"
    return f"`{name[:90]}`{part}"


def run(argv):
    return subprocess.run(argv, capture_output=True, text=True)
