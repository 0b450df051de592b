// One request, from its bytes to the vendors' answers. While it is looked at it goes on: only the
// sections that have changed are made anew, so that what was unfolded or searched for stays.

import { get } from "../kit/api.js";
import { element, fill } from "../kit/element.js";
import { compact } from "../kit/json-text.js";
import { answerSection } from "./answer.js";
import { clientsSection } from "./clients.js";
import { eventSection } from "./event.js";
import { headSection } from "./head.js";
import { requestSection } from "./request.js";
import { tagSection } from "./tag.js";
import { waterfallSection } from "./waterfall.js";
import { waySection } from "./way.js";

/** How long after a change it is asked for: a batch of deliveries changes at once. */
const REFRESH_MS = 120;

export class Detail {
    #id = null;
    #asking = null;
    #timer = null;
    #sections = new Map();

    constructor(onClose) {
        this.close = onClose;
        this.body = element("div", { class: "trace" });
        this.box = element("article", { class: "detail", tabindex: -1, "aria-label": "The request" }, this.body);
        this.#choose();
    }

    /** Shows that trace; none if `id` is null. */
    show(id) {
        if (id === this.#id) return;
        this.#id = id;
        this.#sections.clear();
        clearTimeout(this.#timer);
        this.box.scrollTop = 0;
        if (!id) return this.#choose();
        this.#load();
    }

    /** It has changed on the server. */
    refresh() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#load(), REFRESH_MS);
    }

    focus() {
        if (!this.#id) return false;
        this.box.focus({ preventScroll: true });
        return true;
    }

    async #load() {
        this.#asking?.abort();
        const asking = (this.#asking = new AbortController());
        try {
            const trace = await get(`/api/traces/${encodeURIComponent(this.#id)}`, { signal: asking.signal });
            if (!asking.signal.aborted) this.#draw(trace);
        } catch (error) {
            if (error.name !== "AbortError") this.#refuse(error);
        }
    }

    #draw(trace) {
        const before = this.#sections;
        this.#sections = new Map();
        const shown = sections(trace, this).map(([key, of, build]) => {
            const signature = compact(of);
            const old = before.get(key);
            const made = old?.signature === signature ? old.made : build();
            this.#sections.set(key, { signature, made });
            return made;
        });
        // Nodes that stay where they are keep focus and scrolling.
        const isSame = shown.length === this.body.children.length;
        if (!isSame || before.size === 0) return fill(this.body, shown);
        shown.forEach((made, index) => {
            if (this.body.children[index] !== made) this.body.children[index].replaceWith(made);
        });
    }

    #choose() {
        fill(
            this.body,
            element(
                "div",
                { class: "teach detail-none" },
                element("h2", {}, "Choose a request"),
                element("p", { class: "soft" }, element("kbd", {}, "j"), " and ", element("kbd", {}, "k"), " go through the list, ", element("kbd", {}, "/"), " searches, ", element("kbd", {}, "?"), " lists all keys."),
            ),
        );
    }

    #refuse(error) {
        const isGone = error.status === 404;
        const back = element("button", { type: "button", onclick: () => this.close() }, "Back to the list");
        const why = isGone ? "The server keeps the newest traces in memory only; this one has made room for newer ones, or the server was started anew." : error.message;
        fill(this.body, element("div", { class: "teach", role: "alert" }, element("h2", {}, isGone ? "This trace is gone" : "It cannot be shown"), element("p", {}, why), element("p", {}, back)));
    }
}

/** Name, what it shows, and how it is made. */
function sections(trace, detail) {
    const { events, request, response, clients, unasked, steps = [] } = trace;
    const reveal = (source) => detail.body.querySelector("#part-request")?.reveal(source);
    const list = [
        ["head", { ...trace, clients: 0, steps: 0, events: 0 }, () => headSection(trace, detail)],
        ["way", [trace.outcome, request.bytes, clients, unasked, response.status, events.map((event) => [event.data?.event_name, event.state, event.tags])], () => waySection(trace)],
        ["waterfall", steps, () => waterfallSection(steps)],
        ["request", request, () => requestSection(request, unasked?.head)],
        ["clients", [clients, unasked], () => clientsSection(clients, unasked)],
        ["answer", response, () => answerSection(response)],
    ];
    events.forEach((event, index) => {
        const { tags, ...itself } = event;
        const ofEvent = `event-${index}`;
        list.push([ofEvent, [itself, tags.length], () => eventSection(event, index, events.length, reveal)]);
        tags.forEach((tag, number) => list.push([`${ofEvent}-tag-${number}`, tag, () => tagSection(tag, index, number)]));
    });
    return list;
}
