#!/usr/bin/env python3
"""peerbench runner.  See README.md.
  run.py check  [peer..]           one request per peer, compares what the mock got with the expected bodies
  run.py perf   [peer..] [-n 3]    saturation (closed loop) + fixed rate, interleaved
  run.py kill   [peer..] [-n 3]    kill -9 under load, restart, count acked events never delivered
  run.py outage [peer..] [-n 3]    destination down 20 s (refuse / 503), count acked events lost
Results are appended to results/<mode>.jsonl.  Every timed section holds a file lock, so that two runs do not disturb each other.
"""
import fcntl, json, os, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.request
H = os.path.dirname(os.path.abspath(__file__))
WORK = os.environ.get("PB_WORK", os.path.join(tempfile.gettempdir(), "peerbench"))        # scratch: pids, acked files, nginx dirs
PEERS = os.environ.get("PB_PEERS", os.path.join(H, "../peers"))  # where peer installs live
B = os.path.join(H, "target/release")
NODE20 = os.environ.get("NODE20", "node")
NODE22 = os.environ.get("NODE22", f"{PEERS}/node22/node_modules/node/bin/node")
LOCK = os.environ.get("PB_LOCK", os.path.join(tempfile.gettempdir(), "bench.lock"))
CHUNK = 20  # peers measured per holding of the lock
TPL = os.path.join(H, "payload.template.json")

def get(url, method="GET", timeout=20):
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=timeout) as r:
        return r.read()

# ---- peers: each returns (argv, env, cwd, path) for a port pair ----
B2 = os.environ.get("PB_MIMALLOC", "")  # a target dir built with --features mimalloc
def lev(level, *opt, bin=B):
    def f(name, port, mock, d):
        o = [x.replace("@D", d) for x in opt]
        return [f"{bin}/levels", level, str(port), str(mock), *o], {}, d, "/order_created"
    return f
def express(ack, node=None):
    return lambda name, port, mock, d: ([node or NODE20, f"{H}/peers/express.mjs"], {"PORT": str(port), "MOCK": f"http://127.0.0.1:{mock}", "ACK": ack, "MODULES": f"{PEERS}/express"}, d, "/order_created")
def fastapi(ack):
    return lambda name, port, mock, d: ([f"{PEERS}/fastapi/venv/bin/uvicorn", "fastapi_app:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "error", "--app-dir", f"{H}/peers"], {"MOCK": f"http://127.0.0.1:{mock}", "ACK": ack}, d, "/order_created")
def nginx(kind):
    def f(name, port, mock, d):
        shutil.copy(f"{H}/peers/nginx/w1.lua", d); shutil.copy(f"{H}/peers/nginx/w1njs.js", d)
        c = open(f"{H}/peers/nginx/nginx-{kind}.conf").read().replace("@PORT@", str(port)).replace("@MOCK@", str(mock)).replace("@DIR@", d)
        open(f"{d}/nginx.conf", "w").write(c)
        return ["/usr/sbin/nginx", "-e", f"{d}/error.log", "-c", f"{d}/nginx.conf", "-p", d], {"TZ": "UTC"}, d, "/order_created"
    return f
def nodered(ack):
    def f(name, port, mock, d):
        subprocess.run(["python3", f"{H}/peers/nodered/make_flow.py", f"http://127.0.0.1:{mock}", ack, f"{d}/flows.json"], check=True)
        return [NODE22, f"{PEERS}/nodered/node_modules/node-red/red.js", "-s", f"{H}/peers/nodered/settings.js"], {"PORT": str(port), "UDIR": d, "FLOW": f"{d}/flows.json"}, d, "/order_created"
    return f
def walkeros(ack, **kw):
    return lambda name, port, mock, d: ([NODE20, f"{PEERS}/walkeros/flow.bundle.mjs"], {"PORT": str(port), "MOCK": f"http://127.0.0.1:{mock}", "ACK": ack, **kw}, d, "/order_created")
def svix(name, port, mock, d):
    # build without V8: no transformation, so it forwards the raw order to the Amplitude url only
    open(f"{d}/svix.yaml", "w").write(f"""log_level: info
http_listen_address: "127.0.0.1:{port}"
receivers:
  - name: w1
    input: {{ type: webhook, path_id: order_created, verification: {{ type: none }} }}
    output: {{ type: http, url: "http://127.0.0.1:{mock}/2/httpapi" }}
""")
    return [f"{PEERS}/svix-bridge-nojs/target/release/svix-bridge"], {"SVIX_BRIDGE_CFG_FILE": f"{d}/svix.yaml"}, d, "/webhook/order_created"

def tagwerk(name, port, mock, d):
    """Tagwerk as a user would set it up: one client and two tags in Rhai, the default journal (durable), default batching.
    TAGWERK = path of the release binary (default: the one of this checkout); TAGWERK_BEFORE = another, to compare with, as tagwerk-before."""
    shutil.copytree(f"{H}/peers/tagwerk", d, dirs_exist_ok=True)
    t = open(f"{d}/tagwerk.toml").read().replace("@PORT@", str(port)).replace("@ADMIN@", str(port + 5)).replace("@MOCK@", str(mock))
    open(f"{d}/tagwerk.toml", "w").write(t)
    exe = os.environ["TAGWERK_BEFORE"] if name == "tagwerk-before" else os.environ.get("TAGWERK") or os.path.join(H, "../target/release/tagwerk")
    return [os.path.abspath(exe), "serve", "--config", "tagwerk.toml"], {"TAGWERK_ADMIN_TOKEN": "bench"}, d, "/order_created"

ALL = {
    "tagwerk": tagwerk, "tagwerk-before": tagwerk,
    "L0": lev("L0"), "L1": lev("L1"),
    "L2-hyper": lev("L2", "client=hyper"), "L2-reqwest": lev("L2", "client=reqwest"), "L2-rhai": lev("L2", "client=reqwest", "map=rhai"),
    "L3": lev("L3", "client=reqwest"), "L3-rhai": lev("L3", "client=reqwest", "map=rhai"),
    "L4": lev("L4", "client=reqwest", "wal=@D/wal"), "L4-sync": lev("L4", "client=reqwest", "wal=@D/wal", "sync=1"),
    "svix-nojs": svix,
    "nginx-lua": nginx("lua"), "nginx-njs": nginx("njs"),
    "express-after": express("after"), "express-first": express("first"),
    "walkeros-after": walkeros("after"), "walkeros-first": walkeros("first"),
    "nodered-after": nodered("after"), "nodered-first": nodered("first"),
    "fastapi-after": fastapi("after"), "fastapi-first": fastapi("first"),
}
if B2:
    ALL.update({"L2-reqwest-nt": lev("L2", "client=reqwest-nt", bin=B), "mi-L2-hyper": lev("L2", "client=hyper", bin=B2), "mi-L2-reqwest": lev("L2", "client=reqwest", bin=B2),
        "mi-L2-rhai": lev("L2", "client=reqwest", "map=rhai", bin=B2), "mi-L2-rhai-hyper": lev("L2", "client=hyper", "map=rhai", bin=B2), "mi-L3-rhai": lev("L3", "client=hyper", "map=rhai", bin=B2),
        "mi-L4-rhai": lev("L4", "client=hyper", "map=rhai", "wal=@D/wal", bin=B2), "mi-L4-sync-rhai": lev("L4", "client=hyper", "map=rhai", "wal=@D/wal", "sync=1", bin=B2)})
NODELIVER = {"L0", "L1"}
PASS = {"svix-nojs"}  # forwards the raw order, no mapping, no Slack

def tree(pid):
    out, todo = [], [pid]
    while todo:
        p = todo.pop(); out.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                todo += [int(x) for x in open(f"/proc/{p}/task/{t}/children").read().split()]
        except OSError: pass
    return out
def cpu(pid):
    s = 0
    for p in tree(pid):
        try:
            f = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
            s += int(f[11]) + int(f[12])
        except OSError: pass
    return s / os.sysconf("SC_CLK_TCK")
def rss(pid, key="VmHWM"):
    s = 0
    for p in tree(pid):
        try:
            for l in open(f"/proc/{p}/status"):
                if l.startswith(key): s += int(l.split()[1])
        except OSError: pass
    return round(s / 1024, 1)

class Rig:
    def __init__(self, name, port, delay=0):
        self.name, self.port, self.mock = name, port, port + 10
        self.d = f"{WORK}/{name}"; shutil.rmtree(self.d, ignore_errors=True); os.makedirs(self.d)
        self.mp = subprocess.Popen([f"{B}/mock", str(self.mock), str(delay)])
        self.p = None
        self.argv, self.env, self.cwd, self.path = ALL[name](name, port, self.mock, self.d)
        self.wait(self.mock)
    def wait(self, port, t=30):
        e = time.time() + t
        while time.time() < e:
            try: socket.create_connection(("127.0.0.1", port), 1).close(); return
            except OSError: time.sleep(0.05)
        raise SystemExit(f"{self.name}: port {port} never opened")
    def start(self):
        self.log = open(f"{self.d}/log", "ab")
        env = {k: v for k, v in os.environ.items() if k not in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
        self.p = subprocess.Popen(self.argv, env={**env, **self.env}, cwd=self.cwd, stdout=self.log, stderr=self.log, start_new_session=True)
        self.wait(self.port)
        if self.p.poll() is not None: raise SystemExit(f"{self.name}: exited, yet port {self.port} answers (left over from an earlier run?)")
        time.sleep(0.5 if "nodered" not in self.name else 1.5)
    def kill(self, sig=signal.SIGKILL):
        for p in tree(self.p.pid):  # parent first: a master killed last would start new workers
            try: os.kill(p, sig)
            except OSError: pass
        self.p.wait()
    def close(self):
        if self.p: self.kill()
        self.mp.kill(); self.mp.wait()
    def stats(self): return json.loads(get(f"http://127.0.0.1:{self.mock+1}/stats"))
    def bitmap(self, k): return get(f"http://127.0.0.1:{self.mock+1}/bitmap?{k}")
    def reset(self): get(f"http://127.0.0.1:{self.mock+1}/reset", "POST")
    def load(self, conns, secs, rate, start=0, tag="a", bg=False):
        a = [f"{B}/loadgen", f"127.0.0.1:{self.port}", self.path, str(conns), str(secs), str(rate), TPL, f"{self.d}/acked.{tag}", str(start)]
        p = subprocess.Popen(a, stdout=subprocess.PIPE)
        return p if bg else json.loads(p.communicate()[0])
    def drain(self, acked=0, quiet=12000, cap=60):
        """until everything acked has arrived (every 4th also at Slack), else until the mock has been quiet"""
        e = time.time() + cap
        if self.name in NODELIVER: return self.stats()
        while time.time() < e:
            s = self.stats()
            if s["amp_unique"] >= acked and (self.name in PASS or s["slack_unique"] >= acked // 4): time.sleep(0.2); return self.stats()
            if s["idle_ms"] > quiet: return s
            time.sleep(0.1)
        return self.stats()
    def compare(self, tag="a"):
        """acked-not-delivered and duplicates, for Amplitude and Slack"""
        a = open(f"{self.d}/acked.{tag}", "rb").read()
        A, S = self.bitmap("amp"), self.bitmap("slack")
        want_s = self.name not in PASS
        r = dict(sent=0, acked=0, lost_amp=0, dup_amp=0, unacked_delivered=0, slack_want=0, lost_slack=0, dup_slack=0)
        for i, c in enumerate(a):
            if not c: continue
            r["sent"] += 1
            n = A[i] if i < len(A) else 0
            r["dup_amp"] += max(0, n - 1)
            if c == 2:
                r["acked"] += 1
                r["lost_amp"] += n == 0
                if i % 4 == 0 and want_s:
                    r["slack_want"] += 1
                    m = S[i] if i < len(S) else 0
                    r["lost_slack"] += m == 0; r["dup_slack"] += max(0, m - 1)
            else: r["unacked_delivered"] += n > 0
        return r

class Lock:
    def __enter__(self):
        self.f = open(LOCK, "a"); fcntl.flock(self.f, fcntl.LOCK_EX)
    def __exit__(self, *a): self.f.close()

def out(mode, row):
    os.makedirs(f"{H}/results", exist_ok=True)
    with open(f"{H}/results/{mode}{os.environ.get('PB_TAG', '')}.jsonl", "a") as f: f.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)

EXPECT_AMP = {"user_id": "4711", "device_id": "d3b07384-d9a0-4c9b-8f3e-2f1c6a5b7e90", "event_type": "Order Created", "time": 1773480413000, "insert_id": "order-1000000004", "ip": "203.0.113.42", "revenue": 129.9,
  "event_properties": {"order_id": 1000000004, "currency": "EUR", "payment_method": "stripe", "coupon": "SPRING10", "item_count": 6, "items": [
   {"sku": "TS-M-ORG", "name": "Organic Cotton T-Shirt - M", "quantity": 2, "price": 24.95}, {"sku": "TB-NAT", "name": "Linen Tote Bag, \u201cNatur\u201d", "quantity": 1, "price": 29.5}, {"sku": "MUG-350", "name": "Enamel Mug 350 ml", "quantity": 3, "price": 12.9}]},
  "user_properties": {"email": "erika@example.com", "country": "DE"}}
EXPECT_SLACK = {"text": "New order #1000000004: 129.90 EUR from Erika (3 items)"}

def post(port, path, seq, total):
    b = open(TPL).read().strip().replace("{{ID}}", str(1000000000 + seq)).replace("{{TOTAL}}", total).encode()
    r = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=b, headers={"content-type": "application/json"})
    with urllib.request.urlopen(r, timeout=10) as x: return x.status
def check(peers):
    for i, n in enumerate(peers):
        r = Rig(n, 7200 + i * 20)
        try:
            r.start(); res = []
            st = post(r.port, r.path, 5, "89.90"); time.sleep(0.5); s1 = r.stats()
            post(r.port, r.path, 4, "129.90"); time.sleep(0.5); s2 = r.stats()
            a, s = get(f"http://127.0.0.1:{r.mock+1}/last?amp"), get(f"http://127.0.0.1:{r.mock+1}/last?slack")
            ok_a = n in NODELIVER or n in PASS or (json.loads(a).get("events") == [EXPECT_AMP] and json.loads(a).get("api_key") == "test-key")
            ok_s = n in NODELIVER or n in PASS or (json.loads(s) == EXPECT_SLACK and s1["slack_req"] == 0 and s2["slack_req"] == 1)
            print(n, "status", st, "amplitude", ok_a, "slack", ok_s, "rss", rss(r.p.pid), "" if ok_a and ok_s else (a, s, s1, s2))
        finally: r.close()

def perf(peers, n, secs=4, conns=64, rates=(200,)):
    for rep, chunk in [(rep, peers[i:i + CHUNK]) for rep in range(n) for i in range(0, len(peers), CHUNK)]:
        with Lock():
            for name in chunk:
                r = Rig(name, 7200)
                try:
                    r.start(); idle = rss(r.p.pid, "VmRSS")
                    r.drain(r.load(conns, 1.5, 0, tag="w")["acked"]); r.reset()
                    c0 = cpu(r.p.pid); t0 = time.time(); mc0 = cpu(r.mp.pid)
                    l = r.load(conns, secs, 0); s_end = r.stats(); t_end = time.time() - t0
                    s = r.drain(l["acked"]); tot = time.time() - t0; c1 = cpu(r.p.pid)
                    k = r.compare()
                    row = dict(peer=name, rep=rep, rps=l["rps"], p50=l["p50"], p99=l["p99"], acked=l["acked"], codes=l["codes"], delivered=s["amp_unique"], delivered_s=round(s_end["amp_ev"] / t_end, 1),
                        backlog=k["acked"] - s_end["amp_unique"], cpu=round(c1 - c0, 3), cpu_ms_per_1000=round((c1 - c0) * 1e6 / max(1, l["acked"]), 1), rss_idle=idle, rss_peak=rss(r.p.pid),
                        lost_amp=k["lost_amp"], dup_amp=k["dup_amp"], lost_slack=k["lost_slack"], dup_slack=k["dup_slack"], amp_req=s["amp_req"], mock_cpu=round(cpu(r.mp.pid) - mc0, 2))
                    for rate in rates:
                        if rate > l["rps"] * 0.6: continue
                        r.reset(); c0 = cpu(r.p.pid)
                        f = r.load(32, 4, rate, tag="r"); r.drain(f["acked"]); c1 = cpu(r.p.pid)
                        row[f"r{rate}"] = dict(rps=f["rps"], p50=f["p50"], p99=f["p99"], max=f["max"], cpu_ms_per_1000=round((c1 - c0) * 1e6 / max(1, f["acked"]), 1))
                    out("perf", row)
                finally: r.close()

def killtest(peers, n):
    for rep, chunk in [(rep, peers[i:i + CHUNK]) for rep in range(n) for i in range(0, len(peers), CHUNK)]:
        with Lock():
            for name in chunk:
                r = Rig(name, 7200)
                try:
                    r.start()
                    p = r.load(32, 2.5, 0, bg=True); time.sleep(1.5)
                    s0 = r.stats(); r.kill(); t = time.time(); r.start(); up = time.time() - t
                    l = json.loads(p.communicate()[0]); r.drain(l["codes"].get("200", 0) + l["codes"].get("204", 0), quiet=4000)
                    k = r.compare()
                    out("kill", dict(peer=name, rep=rep, restart_s=round(up, 2), codes=l["codes"], **k))
                finally: r.close()

def outage(peers, n, rate=50, up1=3, down=20, up2=5):
    """all peers at once, each with its own mock: this counts events, it does not time anything"""
    for rep in range(n):
        with Lock():
            for mode in ("refuse", "503"):
                rigs = [Rig(nm, 7200 + i * 20) for i, nm in enumerate(peers)]
                try:
                    for r in rigs: r.start()
                    ps = [r.load(64, up1 + down + up2, rate, bg=True) for r in rigs]
                    time.sleep(up1)
                    for r in rigs: get(f"http://127.0.0.1:{r.mock+1}/down?{mode}&{down*1000}", "POST")
                    ls = [json.loads(p.communicate()[0]) for p in ps]
                    time.sleep(15)
                    for r, l in zip(rigs, ls):
                        out("outage", dict(peer=r.name, rep=rep, mode=mode, codes=l["codes"], alive=r.p.poll() is None, p99=l["p99"], rss=rss(r.p.pid), **r.compare()))
                finally:
                    for r in rigs: r.close()

if __name__ == "__main__":
    a = sys.argv[1:]; mode = a.pop(0); n = 3
    if "-n" in a: i = a.index("-n"); n = int(a[i + 1]); del a[i:i + 2]
    peers = a or list(ALL)
    {"check": lambda: check(peers), "perf": lambda: perf(peers, n), "kill": lambda: killtest(peers, n), "outage": lambda: outage(peers, n)}[mode]()
