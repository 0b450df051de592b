"""The folder of Tagwerk that is measured: `peers/tagwerk`, and larger jobs made of it."""
import os
import shutil

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers/tagwerk")

LISTENS_TO_NOTHING = 'const ON = "something_else";\nconst TO = "amplitude";\nfn tag(event) { #{ event_type: "never" } }\n'
CLIENT = '// Never asked.\nconst PATH = "/other_%d";\nfn parse(request) { #{ event_name: "other" } }\n'


def write(folder, port, mock, idle_tags=0, firing_tags=1, destinations=1, other_clients=0, options="", journal=""):
    """Writes the set into `folder`.

    `firing_tags`: copies of the Amplitude tag, which all fire, spread over `destinations`. `idle_tags` listen to another event.
    `other_clients`: clients of other paths. `options`, `journal`: lines for [server] and [journal]."""
    shutil.copytree(PEER, folder, dirs_exist_ok=True)
    with open(f"{folder}/tagwerk.toml") as file:
        config = file.read()
    config = config.replace("@PORT@", str(port)).replace("@ADMIN@", str(port + 5)).replace("@MOCK@", str(mock))
    config = config.replace("[server]\n", "[server]\n" + options)
    if journal:
        config += f"\n[journal]\n{journal}"
    names = ["amplitude"] + [f"amplitude_{number}" for number in range(2, destinations + 1)]
    for name in names[1:]:
        config += f'\n[destinations.{name}]\ntype = "amplitude"\napi_key = "test-key"\nendpoint = "http://127.0.0.1:{mock}"\n'
    put(f"{folder}/tagwerk.toml", config)
    with open(f"{folder}/tags/amplitude_order.rhai") as file:
        tag = file.read()
    for number in range(1, firing_tags):
        put(f"{folder}/tags/firing_{number}.rhai", tag.replace('TO = "amplitude"', f'TO = "{names[number % len(names)]}"'))
    for number in range(idle_tags):
        put(f"{folder}/tags/idle_{number}.rhai", LISTENS_TO_NOTHING)
    for number in range(other_clients):
        put(f"{folder}/clients/other_{number}.rhai", CLIENT % number)


def put(file, text):
    with open(file, "w") as opened:
        opened.write(text)
