// A shop's whole installation for one test: a folder by `tagwerk init`, strict stand-ins by `tagwerk
// emulate`, and the server, all real processes on 127.0.0.1.

import fs from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { Running, run } from "./process.mjs";
import { parse } from "./http-file.mjs";
import { until } from "./patience.mjs";

/** What opens the admin API of every shop here. */
export const ADMIN_TOKEN = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

export class Shop {
    /** The folder with tagwerk.toml, clients/ and tags/. */
    folder;
    /** Where senders send to, such as `http://127.0.0.1:40001`. */
    url;
    /** Where the operator looks. */
    admin;
    server;
    #emulators = new Map();

    /**
     * Opens one and closes it after the test. `emulators`: kind → statuses for its first answers.
     * `config`: TOML that is added at the end; `files`: path → content, written over those of `init`.
     */
    static async open(test, { emulators = { slack: [] }, config = "", files = {}, server = "", env = {} } = {}) {
        const shop = new Shop();
        test.after(() => shop.close());
        shop.folder = await fs.mkdtemp(path.join(os.tmpdir(), "tagwerk-browser-"));
        const made = await run(["init", "."], { cwd: shop.folder });
        if (made.code !== 0) throw new Error(made.stderr);
        for (const [kind, answers] of Object.entries(emulators)) await shop.emulate(kind, answers);
        for (const [file, content] of Object.entries(files)) await shop.write(file, content);
        await shop.write("tagwerk.toml", await shop.#config(server, config));
        await shop.start(env);
        return shop;
    }

    /** A stand-in for a vendor; gives its address. */
    async emulate(kind, answers = []) {
        const forced = answers.length ? ["--answer", answers.join(",")] : [];
        const emulator = new Running(["emulate", kind, "--listen", "127.0.0.1:0", ...forced]);
        this.#emulators.set(kind, { emulator });
        const address = await emulator.line("its address", (line) => line.match(/http:\/\/[\d.:]+/)?.[0]);
        this.#emulators.set(kind, { emulator, address });
        return address;
    }

    /** The stand-in's process, whose lines tell what it got. */
    emulator(kind) {
        return this.#emulators.get(kind).emulator;
    }

    /** Starts the server, or starts it again. */
    async start(env = {}) {
        this.server = new Running(["serve"], {
            cwd: this.folder,
            env: { TAGWERK_ADMIN_TOKEN: ADMIN_TOKEN, ...env },
        });
        await this.server.line("that it listens", (line) => line.includes('"listening"'));
    }

    /** Writes a file of the folder, and makes the folders above it. */
    async write(file, content) {
        const whole = path.join(this.folder, file);
        await fs.mkdir(path.dirname(whole), { recursive: true });
        await fs.writeFile(whole, content);
    }

    /** A file or a folder. */
    remove(file) {
        return fs.rm(path.join(this.folder, file), { recursive: true });
    }

    read(file) {
        return fs.readFile(path.join(this.folder, file), "utf8");
    }

    /** Runs a command in the folder. */
    run(...args) {
        return run(args, { cwd: this.folder, env: { TAGWERK_ADMIN_TOKEN: ADMIN_TOKEN } });
    }

    /** Sends one of `examples/requests/`; `headers` are added. */
    async sendExample(name, headers = {}) {
        const request = parse(await this.read(`examples/requests/${name}.http`));
        return this.send(request.target, { ...request, headers: { ...request.headers, ...headers } });
    }

    /** Sends what a sender would. */
    send(target, { method = "POST", headers = {}, body } = {}) {
        return fetch(this.url + target, { method, headers, body: method === "GET" ? undefined : body });
    }

    /** Posts JSON. */
    post(target, json, headers = {}) {
        return this.send(target, {
            headers: { "content-type": "application/json", ...headers },
            body: JSON.stringify(json),
        });
    }

    /** Asks the admin API as the operator; gives the JSON. */
    async ask(method, target, json) {
        const answer = await fetch(this.admin + target, {
            method,
            headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...(json && { "content-type": "application/json" }) },
            body: json && JSON.stringify(json),
        });
        const body = await answer.json();
        if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${JSON.stringify(body)}`);
        return body;
    }

    /** Waits until no event and no delivery is under way, but to destinations that are not set up. */
    settled() {
        return until("all is delivered", async () => {
            const destinations = await this.ask("GET", "/api/destinations");
            const waits = destinations.filter((one) => one.state === "not_configured").map((one) => one.name);
            const { journal, deliveries } = await this.ask("GET", "/api/status");
            const isOpen = (one) => one.state === "pending" && one.count > 0 && !waits.includes(one.destination);
            return journal.unprocessed === 0 && !deliveries.some(isOpen);
        });
    }

    async close() {
        const running = [this.server, ...[...this.#emulators.values()].map((one) => one.emulator)];
        await Promise.all(running.map((one) => one?.stop()));
        await fs.rm(this.folder, { recursive: true, force: true });
    }

    async #config(server, more) {
        const [listen, admin] = await Promise.all([freeAddress(), freeAddress()]);
        this.url = `http://${listen}`;
        this.admin = `http://${admin}`;
        const of = (kind) => this.#emulators.get(kind)?.address;
        const tables = [
            `[server]\nlisten = "${listen}"\npublic_url = "${this.url}"\n${server}`,
            `[admin]\nlisten = "${admin}"`,
            of("amplitude") && `[destinations.amplitude]\ntype = "amplitude"\napi_key = "test-key"\nendpoint = "${of("amplitude")}"`,
            of("tracify") && TRACIFY(of("tracify")),
            of("slack") && `[destinations.slack]\ntype = "slack"\nwebhook_url = "${of("slack")}/services/T0/B0/test-secret"`,
            of("http") && `[destinations.crm]\ntype = "http"\nurl = "${of("http")}/hooks/orders"`,
        ];
        // What the tags of `init` send to must be there, though nobody stands in for it.
        const unset = [
            !of("amplitude") && '[destinations.amplitude]\ntype = "amplitude"\napi_key = "${AMPLITUDE_API_KEY}"',
            !of("tracify") && '[destinations.tracify]\ntype = "tracify"\ntoken = "${TRACIFY_TOKEN}"\ncustomer_site_id = "x"',
            !of("slack") && '[destinations.slack]\ntype = "slack"\nwebhook_url = "${SLACK_WEBHOOK_URL}"',
        ];
        return [...tables, ...unset, more].filter(Boolean).join("\n\n");
    }
}

const TRACIFY = (address) =>
    `[destinations.tracify]\ntype = "tracify"\ntoken = "test-token"\n` +
    `customer_site_id = "00000000-0000-0000-0000-000000000000"\nendpoint = "${address}"`;

/** An address that was free a moment ago: the configuration must name it before the server has it. */
async function freeAddress() {
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    return `127.0.0.1:${port}`;
}
