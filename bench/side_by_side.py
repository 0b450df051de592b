"""The systems side by side on the one job: the same load, the same mock, the same machine, taking turns."""
import json
import os
import time
import urllib.request

import process
from rig import HERE, TEMPLATE, Rig, get
from tables import markdown, spread

AMPLITUDE = {
    "user_id": "4711", "device_id": "d3b07384-d9a0-4c9b-8f3e-2f1c6a5b7e90", "event_type": "Order Created", "time": 1773480413000,
    "insert_id": "order-1000000004", "ip": "203.0.113.42", "revenue": 129.9,
    "event_properties": {
        "order_id": 1000000004, "currency": "EUR", "payment_method": "stripe", "coupon": "SPRING10", "item_count": 6,
        "items": [
            {"sku": "TS-M-ORG", "name": "Organic Cotton T-Shirt - M", "quantity": 2, "price": 24.95},
            {"sku": "TB-NAT", "name": "Linen Tote Bag, \u201cNatur\u201d", "quantity": 1, "price": 29.5},
            {"sku": "MUG-350", "name": "Enamel Mug 350 ml", "quantity": 3, "price": 12.9}]},
    "user_properties": {"email": "erika@example.com", "country": "DE"}}
SLACK = {"text": "New order #1000000004: 129.90 EUR from Erika (3 items)"}


def check(names):
    """One order of each kind, and what arrived compared with what should; True if all is well."""
    results = [check_one(name, 7200 + index * 20) for index, name in enumerate(names)]
    return all(results)


def check_one(name, port):
    with Rig(name, port) as rig:
        status = post(rig, 5, "89.90")
        time.sleep(0.5)
        small = rig.stats()
        post(rig, 4, "129.90")
        time.sleep(0.5)
        large = rig.stats()
        amplitude, slack = (get(f"http://127.0.0.1:{rig.mock_port + 1}/last?{kind}") for kind in ("amp", "slack"))
        is_mapped = rig.system.delivers and rig.system.has_slack
        good_amplitude = not is_mapped or (json.loads(amplitude).get("events") == [AMPLITUDE] and json.loads(amplitude).get("api_key") == "test-key")
        good_slack = not is_mapped or (json.loads(slack) == SLACK and (small["slack_req"], large["slack_req"]) == (0, 1))
        is_good = good_amplitude and good_slack
        print(name, "status", status, "amplitude", good_amplitude, "slack", good_slack, "rss", process.memory(rig.pid),
              "" if is_good else (amplitude, slack, small, large), flush=True)
        return is_good


def post(rig, number, total):
    with open(TEMPLATE) as file:
        body = file.read().strip().replace("{{ID}}", str(1000000000 + number)).replace("{{TOTAL}}", total).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{rig.port}{rig.launch.path}", data=body, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


def perf(names, runs, seconds=4, connections=64, rates=(200,)):
    """All in turn, so often; the rows."""
    rows = []
    for run in range(runs):
        for name in names:
            with Rig(name) as rig:
                row = dict(peer=name, rep=run, **saturate(rig, seconds, connections))
                for rate in rates:
                    if rate < row["rps"] * 0.6:
                        row[f"r{rate}"] = pace(rig, rate, seconds * 2)
                rows.append(row)
                keep("perf", row)
    return rows


def saturate(rig, seconds=4, connections=64, tags=1, **load):
    """As fast as it answers, until all of it is delivered."""
    idle = process.memory(rig.pid)
    rig.drain(rig.load(connections, 1.5, tag="w", **load)["acked"], tags)
    rig.reset()
    cpu, mock_cpu, begin = process.cpu(rig.pid), process.cpu(rig.mock.pid), time.time()
    sent = rig.load(connections, seconds, **load)
    at_end, span = rig.stats(), time.time() - begin
    stats = rig.drain(sent["acked"], tags)
    cpu, mock_cpu = process.cpu(rig.pid) - cpu, process.cpu(rig.mock.pid) - mock_cpu
    found = rig.compare()
    return dict(rps=sent["rps"], p50=sent["p50"], p99=sent["p99"], acked=sent["acked"], codes=sent["codes"], delivered=stats["amp_unique"],
                delivered_s=round(at_end["amp_ev"] / tags / span, 1), backlog=found["acked"] - at_end["amp_unique"],
                cpu=round(cpu, 3), cpu_us=round(cpu * 1e6 / max(1, sent["acked"]), 2), rss_idle=idle, rss_peak=process.memory(rig.pid, "VmHWM"),
                lost_amp=found["lost_amp"], dup_amp=found["dup_amp"], lost_slack=found["lost_slack"], dup_slack=found["dup_slack"],
                amp_req=stats["amp_req"], mock_cpu=round(mock_cpu, 2))


def pace(rig, rate, seconds=8, **load):
    """So many a second."""
    rig.reset()
    cpu = process.cpu(rig.pid)
    sent = rig.load(32, seconds, rate, tag="r", **load)
    rig.drain(sent["acked"])
    cpu = process.cpu(rig.pid) - cpu
    return dict(rps=sent["rps"], p50=sent["p50"], p99=sent["p99"], max=sent["max"], cpu_us=round(cpu * 1e6 / max(1, sent["acked"]), 2))


def kill(names, runs):
    """`kill -9` under load, a start, and what was acknowledged beside what arrived."""
    for run in range(runs):
        for name in names:
            with Rig(name) as rig:
                sender = rig.load(32, 2.5, wait=False)
                time.sleep(1.5)
                rig.kill()
                begin = time.time()
                rig.start()
                ready = time.time() - begin
                sent = json.loads(sender.communicate()[0])
                rig.drain(sent["acked"], quiet_ms=4000)
                keep("kill", dict(peer=name, rep=run, restart_s=round(ready, 2), codes=sent["codes"], **rig.compare()))


def outage(names, runs, rate=50, before=3, down=20, after=5):
    """The vendors are down for a while. All at once, each with its own mock: this counts events and times nothing."""
    for run in range(runs):
        for mode in ("refuse", "503"):
            rigs = []
            try:
                for index, name in enumerate(names):
                    rigs.append(Rig(name, 7200 + index * 20))
                    rigs[-1].start()
                senders = [rig.load(64, before + down + after, rate, wait=False) for rig in rigs]
                time.sleep(before)
                for rig in rigs:
                    rig.down(mode, down * 1000)
                sent = [json.loads(sender.communicate()[0]) for sender in senders]
                time.sleep(15)
                for rig, account in zip(rigs, sent):
                    keep("outage", dict(peer=rig.name, rep=run, mode=mode, codes=account["codes"], alive=rig.server.poll() is None,
                                        p99=account["p99"], rss=process.memory(rig.pid), **rig.compare()))
            finally:
                for rig in rigs:
                    rig.close()


def keep(mode, row):
    """Appends it to results/<mode>.jsonl."""
    os.makedirs(f"{HERE}/results", exist_ok=True)
    with open(f"{HERE}/results/{mode}.jsonl", "a") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def table(rows):
    """The rows of one run of `perf`, a line for each system."""
    lines = []
    for name in dict.fromkeys(row["peer"] for row in rows):
        mine = [row for row in rows if row["peer"] == name]
        quiet = [row["r200"] for row in mine if "r200" in row]
        of = lambda key: [row[key] for row in mine]
        is_first = "delivered_s" in mine[0] and name not in ("L0", "L1")
        lines.append([
            name, spread(of("delivered_s" if is_first else "rps"), 0), spread(of("cpu_us")), spread(of("p99")),
            spread([row["cpu_us"] for row in quiet], 0), spread([row["p99"] for row in quiet], 2),
            f"{spread(of('rss_idle'), 0)}, {spread(of('rss_peak'), 0)}", spread(of("lost_amp"), 0) if is_first else "–"])
    return markdown(["system", "accepted and delivered /s", "CPU µs an event", "p99 ms at saturation", "CPU µs an event at 200/s",
                     "p99 ms at 200/s", "RSS MiB idle, peak", "lost"], lines)


def ratios(rows, ours="tagwerk", theirs="nginx-njs"):
    """Run by run, ours divided by theirs: CPU at saturation, delivered a second, CPU at 200/s."""
    pairs = []
    for run in sorted({row["rep"] for row in rows}):
        pair = [next((row for row in rows if row["rep"] == run and row["peer"] == name), None) for name in (ours, theirs)]
        if all(pair):
            pairs.append(pair)
    quiet = [(mine["r200"], other["r200"]) for mine, other in pairs if "r200" in mine and "r200" in other]
    delivering = [(mine, other) for mine, other in pairs if other["delivered_s"]]  # L0 and L1 deliver nothing
    return dict(cpu=[mine["cpu_us"] / other["cpu_us"] for mine, other in pairs],
                delivered=[mine["delivered_s"] / other["delivered_s"] for mine, other in delivering],
                quiet=[mine["cpu_us"] / other["cpu_us"] for mine, other in quiet])
