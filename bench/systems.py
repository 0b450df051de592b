"""The systems that do the job: how each is started, and what must be installed for it."""
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Callable

import shop

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.join(HERE, "target/release")
PEERS = os.path.normpath(os.environ.get("PB_PEERS", os.path.join(HERE, "../../peers")))
NODE22 = os.environ.get("NODE22", f"{PEERS}/node22/node_modules/node/bin/node")
NGINX_MODULES = "/usr/lib/nginx/modules"
ORDERS = "/order_created"


@dataclass
class Launch:
    """A command line, and where it answers."""
    argv: list
    env: dict
    path: str = ORDERS


@dataclass
class System:
    launch: Callable  # (port, mock's port, folder) -> Launch
    needs: tuple = ()  # files without which it is not installed
    install: str = ""
    delivers: bool = True
    has_slack: bool = True  # False: forwards the raw order and nothing else

    def missing(self):
        return [need for need in self.needs if not (os.path.exists(need) or shutil.which(need))]


def tagwerk(binary=None, **job):
    """Tagwerk as a user would set it up: scripts in Rhai, the default journal (durable), default batching. `job`: see shop.py."""
    def launch(port, mock, folder):
        shop.write(folder, port, mock, **job)
        executable = binary or os.environ.get("TAGWERK") or os.path.join(HERE, "../target/release/tagwerk")
        return Launch([os.path.abspath(executable), "serve", "--config", "tagwerk.toml"], {"TAGWERK_ADMIN_TOKEN": "bench"})
    return System(launch)


def before():
    """Another binary to compare with, as `tagwerk-before`."""
    return tagwerk(os.environ.get("TAGWERK_BEFORE", "TAGWERK_BEFORE names no binary"))


def level(*options, delivers=True):
    def launch(port, mock, folder):
        options_here = [option.replace("@D", folder) for option in options]
        return Launch([f"{BIN}/levels", options_here[0], str(port), str(mock), *options_here[1:]], {})
    return System(launch, delivers=delivers)


def nginx(kind, module):
    def launch(port, mock, folder):
        for script in ("w1.lua", "w1njs.js"):
            shutil.copy(f"{HERE}/peers/nginx/{script}", folder)
        with open(f"{HERE}/peers/nginx/nginx-{kind}.conf") as file:
            text = file.read().replace("@PORT@", str(port)).replace("@MOCK@", str(mock)).replace("@DIR@", folder)
        with open(f"{folder}/nginx.conf", "w") as file:
            file.write(text)
        return Launch(["/usr/sbin/nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-p", folder], {"TZ": "UTC"})
    packages = {"njs": "nginx-light libnginx-mod-http-js", "lua": "nginx-light libnginx-mod-http-lua lua-cjson lua-resty-core"}
    return System(launch, ("/usr/sbin/nginx", f"{NGINX_MODULES}/{module}"), f"apt-get install {packages[kind]}")


def express(ack):
    def launch(port, mock, folder):
        env = {"PORT": str(port), "MOCK": f"http://127.0.0.1:{mock}", "ACK": ack, "MODULES": f"{PEERS}/express"}
        return Launch(["node", f"{HERE}/peers/express.mjs"], env)
    return System(launch, ("node", f"{PEERS}/express/node_modules/express"), "npm i express in $PB_PEERS/express")


def fastapi(ack):
    uvicorn = f"{PEERS}/fastapi/venv/bin/uvicorn"

    def launch(port, mock, folder):
        argv = [uvicorn, "fastapi_app:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "error"]
        return Launch([*argv, "--app-dir", f"{HERE}/peers"], {"MOCK": f"http://127.0.0.1:{mock}", "ACK": ack})
    return System(launch, (uvicorn,), "pip install fastapi httpx uvicorn uvloop httptools in the venv $PB_PEERS/fastapi/venv")


def nodered(ack):
    program = f"{PEERS}/nodered/node_modules/node-red/red.js"

    def launch(port, mock, folder):
        subprocess.run(["python3", f"{HERE}/peers/nodered/make_flow.py", f"http://127.0.0.1:{mock}", ack, f"{folder}/flows.json"], check=True)
        env = {"PORT": str(port), "UDIR": folder, "FLOW": f"{folder}/flows.json"}
        return Launch([NODE22, program, "-s", f"{HERE}/peers/nodered/settings.js"], env)
    return System(launch, (NODE22, program), "npm i node-red@5 in $PB_PEERS/nodered, npm i node@22 in $PB_PEERS/node22")


ALL = {
    "tagwerk": tagwerk(),
    "tagwerk-before": before(),
    "nginx-njs": nginx("njs", "ngx_http_js_module.so"),
    "nginx-lua": nginx("lua", "ngx_http_lua_module.so"),
    "express-after": express("after"),
    "express-first": express("first"),
    "fastapi-after": fastapi("after"),
    "fastapi-first": fastapi("first"),
    "nodered-after": nodered("after"),
    "nodered-first": nodered("first"),
    "L0": level("L0", delivers=False),
    "L1": level("L1", delivers=False),
    "L2-hyper": level("L2", "client=hyper"),
    "L2-reqwest": level("L2", "client=reqwest"),
    "L2-rhai": level("L2", "client=reqwest", "map=rhai"),
    "L3": level("L3", "client=reqwest"),
    "L3-rhai": level("L3", "client=reqwest", "map=rhai"),
    "L4": level("L4", "client=reqwest", "wal=@D/wal"),
    "L4-sync": level("L4", "client=reqwest", "wal=@D/wal", "sync=1"),
}
