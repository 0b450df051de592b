"""Instructions an event, by part, counted by callgrind: the same on every machine and beside any noise, so a change of 1 % can be seen.

It counts what our process does in user space; the kernel's share is in `profiling.py`. Under it everything takes fifty times as long and
one thread runs at a time, so batches are smaller than they are at saturation."""
import re
import shutil
import subprocess
import sys
from collections import Counter

import parts_of
import systems
from profiling import BINARY
from rig import Rig
from tables import markdown


def count(orders=2000, connections=16, binary=None, top=40):
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is missing: apt-get install valgrind")
    if not binary:
        binary = BINARY
    under = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=callgrind.out", "--error-limit=no"]
    with Rig("tagwerk", system=systems.tagwerk(binary), under=under) as rig:
        rig.drain(rig.load(connections, 60, tag="w", limit=200)["acked"])
        if rig.server.poll() is not None:
            sys.exit(f"it has ended; was it built with --features valgrind? See {rig.folder}/log")
        rig.reset()
        control(rig, "-i", "on")
        sent = rig.load(connections, 600, limit=orders)
        rig.drain(sent["acked"], most=120)
        control(rig, "-d")
        rows = functions(rig)
    if sent["acked"] < orders:
        sys.exit(f"only {sent['acked']} of {orders} orders were accepted, see {rig.folder}/log")
    total = sum(cost for _, cost in rows) / sent["acked"]
    print(f"{total:,.0f} instructions an event in user space ({sent['acked']} orders over {connections} connections)\n")
    parts, own = Counter(), Counter()
    for name, cost in rows:
        parts[parts_of.of_function(name) or "std, memory copies, other"] += cost / sent["acked"]
        own[name] += cost / sent["acked"]
    print(markdown(["part", "instructions an event"], [[part, f"{cost:,.0f}"] for part, cost in parts.most_common() if cost >= 50]))
    print("\nThe dearest functions by themselves\n")
    print(markdown(["function", "instructions an event"], [[f"`{name[:100]}`", f"{cost:,.0f}"] for name, cost in own.most_common(top)]))
    return total


def control(rig, *options):
    done = subprocess.run(["callgrind_control", *options, str(rig.pid)], capture_output=True, text=True, cwd=rig.folder)
    if done.returncode:
        sys.exit(f"callgrind_control {' '.join(options)}: {done.stdout}{done.stderr}")


def functions(rig):
    """(name, instructions) of every function, by itself."""
    annotated = subprocess.run(["bash", "-c", "callgrind_annotate --auto=no --threshold=100 callgrind.out.1"], capture_output=True, text=True, cwd=rig.folder)
    rows = []
    for line in annotated.stdout.splitlines():
        found = re.match(r"\s*([\d,]+) \([\s\d.]+%\)\s+[^:]*:(.*?)(?: \[.*\])?$", line)
        if found:
            rows.append((found.group(2), int(found.group(1).replace(",", ""))))
    if not rows:
        sys.exit(f"callgrind_annotate said nothing: {annotated.stdout[-500:]}{annotated.stderr[-500:]}")
    return rows
