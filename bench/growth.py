"""What an event costs as the work grows: body size, tags, destinations, backlog. Each is a chart in docs/images.

Everywhere: orders as fast as they are taken over 16 connections, and the CPU of the server until all their deliveries have arrived,
for each order; the median of the runs."""
import json
import os
import statistics
import time

import chart
import process
import systems
from rig import HERE, TEMPLATE, WORK, Rig, get

IMAGES = os.path.join(HERE, "../docs/images")
KEPT = os.path.join(HERE, "results/growth.json")
KIB = 1024
Y_NAME = "µs of CPU an event"

BODIES = [0.4, 1, 4, 16, 64, 256]
TAGS = [1, 3, 10, 30, 100, 300, 1000]
DESTINATIONS = [1, 2, 5, 10, 20, 50]
BACKLOGS = [0, 1_000, 10_000, 100_000, 1_000_000]


def body(runs):
    costs = {}
    for size in BODIES:
        template = f"{WORK}/order-{size}.json"
        with open(template, "w") as file:
            file.write(order_of(int(size * KIB)))
        costs[size] = cost(int(200_000 / (10 + size * 3)), runs, template=template)
    return {"one client, two tags": costs}


def order_of(size):
    """The order, grown by plugins' data that no script reads; for the smallest, only what the scripts need."""
    with open(TEMPLATE) as file:
        order = json.loads(file.read().replace("{{ID}}", "1").replace("{{TOTAL}}", "0"))
    order["id"], order["total"] = "ID", "TOTAL"
    if size < len(json.dumps(order)):
        keys = ("id", "total", "currency", "date_created_gmt", "customer_id")
        order = {**{key: order[key] for key in keys}, "line_items": [], "billing": {"email": "a@example.com"},
                 "coupon_lines": [{"code": "A"}], "meta_data": [{"key": "_amp_device_id", "value": "d"}]}
    notes = []
    while len(json.dumps({**order, "notes": notes})) < size:
        notes.append({"id": len(notes), "by": "a_plugin", "text": "what it has to say about this order, which is not much"})
    if notes:
        order["notes"] = notes
    return json.dumps(order).replace('"ID"', "{{ID}}").replace('"TOTAL"', '"{{TOTAL}}"')


def tags(runs):
    listening, idle = {}, {}
    for count in TAGS:
        listening[count] = cost(min(10_000, 60_000 // count), runs, tags=count, firing_tags=count)
        idle[count] = cost(10_000, runs, idle_tags=count - 1)
    return {"all fire": listening, "one fires": idle}


def destinations(runs):
    own, shared = {}, {}
    for count in DESTINATIONS:
        own[count] = cost(60_000 // (count + 5), runs, tags=count, firing_tags=count, destinations=count)
        shared[count] = cost(60_000 // (count + 5), runs, tags=count, firing_tags=count)
    return {"each its own": own, "one for all tags": shared}


def backlog(runs):
    """The vendor is down while so many wait: what one more costs to take, and later what each costs to deliver."""
    taking, delivering = {}, {}
    for waiting in BACKLOGS[:-1] if runs == 1 else BACKLOGS:
        with Rig("tagwerk") as rig:
            rig.load(16, 60, tag="w", limit=100)
            rig.down("503", 10 * 60_000)
            if waiting:
                rig.load(32, 600, tag="fill", limit=waiting, start=1_000)
                wait_until_processed(rig)
            cpu = process.cpu(rig.pid)
            more = rig.load(16, 60, tag="more", limit=5_000, start=1_000 + waiting)["acked"]
            wait_until_processed(rig)
            taking[waiting] = (process.cpu(rig.pid) - cpu) * 1e6 / more
            delivering[waiting] = deliver(rig)
    return {"taking one more": taking, "delivering it later": delivering}


def deliver(rig, rest=2):
    """The vendor is well again: CPU from its first answer until nothing more arrives, for each event. What was tried while it was down
    waits for its next attempt, and is not waited for."""
    rig.down("503", 0)
    already = rig.stats()["amp_ev"]
    get(f"http://127.0.0.1:{rig.port + 5}/api/destinations/amplitude/resume", "POST", headers={"Authorization": "Bearer bench"})
    while (first := rig.stats()["amp_ev"]) <= already:
        time.sleep(0.01)
    begin, arrived, used, at = process.cpu(rig.pid), first, 0.0, time.time()
    while time.time() - at < rest:
        time.sleep(0.02)
        now = rig.stats()["amp_ev"]
        if now > arrived:
            arrived, used, at = now, process.cpu(rig.pid) - begin, time.time()
    return used * 1e6 / max(1, arrived - first)


def wait_until_processed(rig):
    """What was taken has become deliveries once the server has little to do."""
    used = process.cpu(rig.pid)
    while True:
        time.sleep(0.25)
        now = process.cpu(rig.pid)
        if now - used < 0.02:
            return
        used = now


def cost(orders, runs, tags=1, template=None, **job):
    values = []
    for _ in range(runs):
        with Rig("tagwerk", system=systems.tagwerk(**job)) as rig:
            rig.template = template or rig.template
            rig.system.has_slack = template is None
            rig.drain(rig.load(16, 60, tag="w", limit=100)["acked"], tags)
            rig.reset()
            cpu = process.cpu(rig.pid)
            sent = rig.load(16, 120, limit=max(50, orders // 4))
            if list(sent["codes"]) != ["200"]:
                raise SystemExit(f"answered {sent['codes']}, see {rig.folder}/log")
            rig.drain(sent["acked"], tags)
            values.append((process.cpu(rig.pid) - cpu) * 1e6 / sent["acked"])
    return round(statistics.median(values), 1)


CHARTS = dict(
    body=(body, "A larger body costs what it takes to read it", "fields that no script reads, added to an order of 1.2 KB", "KiB of JSON"),
    tags=(tags, "Tags that do not listen are free; those that do cost alike", "tags that map 12 fields to Amplitude", "tags"),
    destinations=(destinations, "A further destination costs what its tag does", "one tag for each of so many Amplitude projects, or all to one", "destinations (tags)"),
    backlog=(backlog, "A backlog hardly slows it down", "so many events wait because the vendor is down", "events waiting"),
)


def grow(names, runs=5, only_draws=False):
    kept = json.load(open(KEPT)) if os.path.exists(KEPT) else {}
    for name in names or CHARTS:
        measure, title, subtitle, x_name = CHARTS[name]
        if not only_draws:
            found = measure(runs)
            kept[name] = {line: sorted(costs.items()) for line, costs in found.items()}
            os.makedirs(os.path.dirname(KEPT), exist_ok=True)
            with open(KEPT, "w") as file:
                json.dump(kept, file, indent=1)
        if name not in kept:
            raise SystemExit(f"{name} was not measured yet")
        os.makedirs(IMAGES, exist_ok=True)
        file = f"{IMAGES}/cost-{name}.svg"
        chart.draw(file, title, subtitle, x_name, Y_NAME, {line: [tuple(point) for point in points] for line, points in kept[name].items()})
        print(f"{os.path.relpath(file)}: {kept[name]}", flush=True)
