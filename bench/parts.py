"""The table of the parts: what `cargo bench` (benches/parts.rs) measured last."""
import glob
import json
import os
import subprocess

from rig import HERE
from tables import markdown

# In the order of an event's way; within a part as they were measured.
ORDER = ["parse", "client", "trigger index", "tag", "encode", "journal", "append", "mark", "write", "counting", "preview"]


def show():
    """Prints it: the time of each, and its 95 % interval."""
    found = measured()
    newest = max(at for _, _, at in found)
    rows = [row(benchmark, median) for benchmark, median, _ in sorted((one for one in found if newest - one[2] < 3600), key=place)]
    print(markdown(["part", "what", "µs an event", "95 % of the runs' medians"], rows))


def measured():
    """What is there: the benchmark, its median, and when that was taken."""
    found = []
    for file in glob.glob(os.path.join(HERE, "../target/criterion/**/new/estimates.json"), recursive=True):
        with open(file) as estimates, open(os.path.join(os.path.dirname(file), "benchmark.json")) as benchmark:
            found.append((json.load(benchmark), json.load(estimates)["median"], os.path.getmtime(file)))
    if not found:
        raise SystemExit("nothing was measured yet: cargo bench")
    return found


def nanoseconds(part, *options):
    """Measures the one part whose name begins so, now; its median."""
    subprocess.run(["cargo", "bench", "--locked", "--bench", "parts", "--", "--quiet", *options, part], cwd=os.path.join(HERE, ".."), check=True)
    (median,) = [median for benchmark, median, _ in measured() if benchmark["full_id"].startswith(part)]
    return median["point_estimate"]


def place(found):
    name = found[0]["full_id"]
    positions = [index for index, part in enumerate(ORDER) if name.startswith(part)]
    return positions[0] if positions else len(ORDER), found[2]


def row(benchmark, median):
    events = (benchmark.get("throughput") or {}).get("Elements") or 1
    micros = lambda nanoseconds: f"{nanoseconds / 1000 / events:.2f}"
    part, _, what = benchmark["full_id"].replace("/", ": ", 1).partition(": ")
    interval = median["confidence_interval"]
    return [part, what, micros(median["point_estimate"]), f"{micros(interval['lower_bound'])}–{micros(interval['upper_bound'])}"]
