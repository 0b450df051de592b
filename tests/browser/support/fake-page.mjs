// The least that /tagwerk.js needs of a browser, without one: for what its model does with pushes, and
// for moments that no browser can be brought to on purpose. What it sends is kept, and answered as told.

import fs from "node:fs";
import vm from "node:vm";

const FILE = new URL("../../../src/script/api/browser/tagwerk.js", import.meta.url);
const SOURCE = fs.readFileSync(FILE, "utf8");

export class FakePage {
    /** Requests: `{ url, options, body }`, the body as JSON. */
    sent = [];
    warnings = [];
    errors = [];
    storage;
    window;
    #listeners = {};
    #timers = new Map();
    #now = 1_720_602_000_000;
    #answer;

    /**
     * Loads the script on a page that has pushed `before` to its dataLayer. `answer` gives the status of
     * each request, or throws where there is no network.
     */
    constructor({ before = [], dataset = {}, storage = {}, answer = () => 200, keepalive = true } = {}) {
        this.storage = storage;
        this.#answer = answer;
        const now = () => this.#now;
        const listen = (type, listener) => (this.#listeners[type] ??= []).push(listener);
        const document = {
            currentScript: { src: "https://tags.example.com/tagwerk.js", dataset },
            referrer: "https://news.example.org/",
            title: "Shop",
            characterSet: "UTF-8",
            visibilityState: "visible",
            addEventListener: listen,
        };
        this.window = vm.createContext({
            document,
            addEventListener: listen,
            location: { href: "https://www.example.com/cart?gclid=x" },
            navigator: { language: "en-GB", onLine: true },
            screen: { width: 1920, height: 1080 },
            innerWidth: 1280,
            innerHeight: 800,
            localStorage: storage,
            console: { warn: (...line) => this.warnings.push(line), error: (...line) => this.errors.push(line) },
            crypto,
            URL,
            TextEncoder,
            Request: keepalive ? class { get keepalive() {} } : class {},
            Date: class extends Date {
                static now = now;
            },
            setTimeout: (run, wait) => this.#setTimer(run, wait),
            clearTimeout: (timer) => this.#timers.delete(timer),
            fetch: async (url, options) => ({ status: await this.#take(url, options) }),
            dataLayer: before,
        });
        this.window.window = this.window;
        this.window.navigator.sendBeacon = (url, body) => this.#take(url, { body, isBeacon: true }) === 200;
        Object.defineProperties(storage, {
            getItem: { value: (key) => storage[key] ?? null, configurable: true },
            setItem: { value: (key, value) => void (storage[key] = String(value)), configurable: true },
            removeItem: { value: (key) => delete storage[key], configurable: true },
        });
        vm.runInContext(SOURCE, this.window, { filename: "tagwerk.js" });
    }

    push(...updates) {
        this.window.dataLayer.push(...updates);
    }

    /** Runs a script of the page. */
    run(code) {
        return vm.runInContext(code, this.window);
    }

    /** What `gtag(…)` does. */
    gtag() {
        this.window.dataLayer.push(arguments);
    }

    /** Lets time pass, timer after timer, and what they start come to its end. */
    async wait(ms) {
        const end = this.#now + ms;
        for (;;) {
            await settled();
            const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at);
            if (!due.length) break;
            const [id, { run, at }] = due[0];
            this.#timers.delete(id);
            this.#now = Math.max(this.#now, at);
            run();
        }
        this.#now = end;
    }

    async happen(type) {
        for (const listener of this.#listeners[type] ?? []) listener();
        await settled();
    }

    /** Events that arrived, oldest first. */
    get events() {
        return this.sent.filter((one) => one.status === 200).flatMap((one) => one.body.events);
    }

    #setTimer(run, wait) {
        const id = Symbol("timer");
        this.#timers.set(id, { run, at: this.#now + Math.max(0, wait) });
        return id;
    }

    #take(url, options) {
        const request = { url, options, body: JSON.parse(options.body), at: this.#now };
        this.sent.push(request);
        request.status = this.#answer(request, this.sent.length);
        return request.status;
    }
}

/** Everything that was promised has been done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
