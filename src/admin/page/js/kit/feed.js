// What happens on the server, as it happens: one stream for the whole page, so that a browser's few
// connections to a host are not used up by its tabs.

import { withQuery } from "./api.js";
import { viewer } from "./viewer.js";

const KINDS = ["hello", "trace", "update", "sessions", "reload"];

class Feed extends EventTarget {
    #source = null;
    #filters = "";

    /** "live", "connecting" or "lost". */
    state = "connecting";
    /** The open preview sessions, as last heard. */
    sessions = [];
    generation = null;
    configOk = true;

    /** Listens with these filters of traces from now on. */
    follow(filters) {
        const wanted = withQuery("/api/traces/stream", filters);
        if (wanted === this.#filters && this.#source) return;
        this.#filters = wanted;
        this.#source?.close();
        this.#source = new EventSource(wanted);
        this.#become("connecting");
        const source = this.#source;
        for (const kind of KINDS) {
            source.addEventListener(kind, (message) => source === this.#source && this.#hear(kind, message.data));
        }
        source.onerror = () => {
            if (source !== this.#source) return;
            this.#become("lost");
            // A refusal ends it for good; a lost connection, the browser mends by itself.
            if (source.readyState === EventSource.CLOSED) this.#again();
        };
    }

    /** Calls `handler` with what comes, until `signal` is aborted. */
    on(kind, handler, signal) {
        this.addEventListener(kind, (told) => handler(told.detail), { signal });
    }

    #again() {
        const filters = Object.fromEntries(new URLSearchParams(this.#filters.split("?")[1] ?? ""));
        this.#source = null;
        setTimeout(() => this.#source ?? this.follow(filters), 3_000);
    }

    #hear(kind, text) {
        const told = JSON.parse(text);
        if (kind === "hello") this.#greet(told);
        if (kind === "sessions") this.sessions = told;
        if (kind === "reload") this.#reloaded(told);
        this.dispatchEvent(new CustomEvent(kind, { detail: told }));
    }

    #greet(hello) {
        viewer.ahead = hello.time - Date.now();
        this.sessions = hello.sessions;
        this.generation = hello.generation;
        this.configOk = hello.config_ok;
        this.#become("live");
    }

    #reloaded(told) {
        this.configOk = told.reload === "live";
        if (this.configOk) this.generation = told.generation;
        this.#become(this.state);
    }

    #become(state) {
        this.state = state;
        this.dispatchEvent(new CustomEvent("state", { detail: state }));
    }
}

export const feed = new Feed();
