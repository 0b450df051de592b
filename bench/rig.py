"""One system under load, and the stand-in for its vendors (the mock)."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import process
from systems import ALL, BIN, HERE

WORK = os.environ.get("PB_WORK", os.path.join(tempfile.gettempdir(), "peerbench"))
TEMPLATE = os.path.join(HERE, "payload.template.json")
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def get(url, method="GET", timeout=20, headers=None):
    request = urllib.request.Request(url, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.read()


class Rig:
    """`with Rig("tagwerk") as rig:` starts the mock and the system on ports of their own, and ends both."""

    def __init__(self, name, port=7200, system=None, pin=None, under=()):
        self.name, self.port, self.mock_port = name, port, port + 10
        self.system = system or ALL[name]
        # `pin`: the processors of the system and of all else. `under`: a command that runs it (strace, valgrind).
        self.pin, self.under = pin, list(under)
        self.folder = f"{WORK}/{name}"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.template = TEMPLATE
        self.server = None
        self.mock = subprocess.Popen([*self.pinned(1), f"{BIN}/mock", str(self.mock_port), "0"])
        self.launch = self.system.launch(port, self.mock_port, self.folder)
        wait_for(self.mock_port, self.name)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.server.pid

    def pinned(self, side):
        return ["taskset", "-c", self.pin[side]] if self.pin else []

    def start(self, rest=0.5):
        env = {key: value for key, value in os.environ.items() if key not in PROXIES}
        with open(f"{self.folder}/log", "ab") as log:
            self.server = subprocess.Popen([*self.pinned(0), *self.under, *self.launch.argv], env={**env, **self.launch.env},
                                           cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        wait_for(self.port, f"{self.name} (see {self.folder}/log)", self.server)
        time.sleep(1.5 if "nodered" in self.name else rest)
        if self.server.poll() is not None:
            raise SystemExit(f"{self.name}: ended with {self.server.returncode}, yet port {self.port} answers: something else runs there")

    def kill(self, how=signal.SIGKILL):
        for pid in process.tree(self.server.pid):  # parents first: a master killed last would start new workers
            try:
                os.kill(pid, how)
            except OSError:
                pass
        self.server.wait()

    def close(self):
        if self.server:
            self.kill()
        self.mock.kill()
        self.mock.wait()

    # The mock's side.

    def stats(self):
        return json.loads(get(f"http://127.0.0.1:{self.mock_port + 1}/stats"))

    def bitmap(self, kind):
        return get(f"http://127.0.0.1:{self.mock_port + 1}/bitmap?{kind}")

    def reset(self):
        get(f"http://127.0.0.1:{self.mock_port + 1}/reset", "POST")

    def down(self, mode, milliseconds):
        get(f"http://127.0.0.1:{self.mock_port + 1}/down?{mode}&{milliseconds}", "POST")

    # The senders' side.

    def load(self, connections, seconds, rate=0, tag="a", wait=True, **options):
        """Sends; what came of it. `rate` 0: as fast as it is answered. Options: see loadgen.rs."""
        argv = [*self.pinned(1), f"{BIN}/loadgen", f"127.0.0.1:{self.port}", self.launch.path, str(connections), str(seconds), str(rate),
                self.template, f"{self.folder}/acked.{tag}", *[f"{key}={value}" for key, value in options.items()]]
        sender = subprocess.Popen(argv, stdout=subprocess.PIPE)
        return json.loads(sender.communicate()[0]) if wait else sender

    def drain(self, acked, tags=1, quiet_ms=12000, most=60):
        """Waits until all that was acknowledged has arrived, or nothing more does."""
        end = time.time() + most
        while time.time() < end:
            stats = self.stats()
            if not self.system.delivers:
                break
            is_whole = stats["amp_unique"] >= acked and stats["amp_ev"] >= acked * tags
            if is_whole and (not self.system.has_slack or stats["slack_unique"] >= acked // 4):
                time.sleep(0.2)  # the marks
                break
            if stats["idle_ms"] > quiet_ms:
                break
            time.sleep(0.1)
        return self.stats()

    def compare(self, tag="a"):
        """What was acknowledged beside what arrived."""
        with open(f"{self.folder}/acked.{tag}", "rb") as file:
            acked = file.read()
        events, messages = self.bitmap("amp"), self.bitmap("slack")
        found = dict(sent=0, acked=0, lost_amp=0, dup_amp=0, unacked_delivered=0, slack_want=0, lost_slack=0, dup_slack=0)
        for number, state in enumerate(acked):
            if state == 0:
                continue
            arrived = events[number] if number < len(events) else 0
            found["sent"] += 1
            found["dup_amp"] += max(0, arrived - 1)
            if state != 2:
                found["unacked_delivered"] += arrived > 0
                continue
            found["acked"] += 1
            found["lost_amp"] += arrived == 0
            if number % 4 == 0 and self.system.has_slack:
                message = messages[number] if number < len(messages) else 0
                found["slack_want"] += 1
                found["lost_slack"] += message == 0
                found["dup_slack"] += max(0, message - 1)
        return found


def wait_for(port, what, server=None, seconds=30):
    """Waits until somebody listens; if that is not `server`, it is somebody else."""
    end = time.time() + seconds
    while time.time() < end:
        if server and server.poll() is not None:
            raise SystemExit(f"{what}: ended with {server.returncode}; is port {port} taken by an earlier run?")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.002)
    raise SystemExit(f"{what}: port {port} never opened")
