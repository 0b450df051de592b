// The live page: requests as they come, and beside them the one that is looked at.

import { get, withQuery } from "../kit/api.js";
import { go, here, to } from "../kit/address.js";
import { element, fill } from "../kit/element.js";
import { feed } from "../kit/feed.js";
import { useKeys } from "../kit/keys.js";
import { attempt } from "../kit/toast.js";
import { count } from "../kit/words.js";
import { Detail } from "./detail.js";
import { FILTERS, Filter } from "./filter.js";
import { List } from "./list.js";
import { MOST, Rows } from "./rows.js";
import { sessionStrip } from "./session-strip.js";
import { teach } from "./teach.js";

export function livePage(main, place, leave) {
    return new Live(main, leave).start(place);
}

class Live {
    #main;
    #leave;
    #rows = new Rows();
    #filters = {};
    #early = null;
    #ready = false;
    #loaded = false;

    constructor(main, leave) {
        this.#main = main;
        this.#leave = leave;
        this.filter = new Filter((filters) => go(to("live", here().item, filters), { replace: true }));
        this.list = new List(this.#rows, (id) => this.#open(id));
        this.detail = new Detail(() => this.#close());
        this.pause = element("button", { type: "button", onclick: () => this.#turn() });
        this.told = element("p", { class: "list-told soft tiny", role: "status" });
        this.empty = element("div", { class: "list-empty" });
        this.teaching = teach();
        this.nothing = nothingMatches(() => this.filter.clear());
    }

    start(place) {
        const side = element("section", { class: "live-list", "aria-label": "Requests" }, this.told, this.list.box, this.empty);
        const heading = element("h1", { class: "unseen" }, "Live");
        const bar = element("div", { class: "live-bar" }, this.filter.bar, this.pause);
        this.#main.className = "live";
        fill(this.#main, heading, bar, sessionStrip(this.#leave), side, this.detail.box);
        feed.on("hello", () => this.#load(), this.#leave);
        feed.on("trace", (row) => this.#hear(row), this.#leave);
        feed.on("update", (row) => this.#hear(row), this.#leave);
        feed.on("sessions", () => this.#loaded && this.#tell(), this.#leave);
        this.#leave.addEventListener("abort", () => this.list.sized.disconnect());
        this.#learnNames();
        this.#keys();
        this.#showPause();
        this.#move(place);
        if (feed.state === "live") this.#load();
        return (next) => this.#move(next);
    }

    /** The address has changed. */
    #move({ item, filters }) {
        this.filter.set(filters);
        const wanted = Object.fromEntries(FILTERS.filter((name) => filters[name]).map((name) => [name, filters[name]]));
        if (JSON.stringify(wanted) !== JSON.stringify(this.#filters) || !this.#ready) {
            this.#filters = wanted;
            this.#ready = true;
            feed.follow(wanted);
        }
        this.#main.classList.toggle("open", Boolean(item));
        this.list.choose(item, { scroll: true });
        this.detail.show(item);
    }

    /** The stream has begun: what came before it, then what came meanwhile. */
    async #load() {
        const early = (this.#early = []);
        const rows = await attempt(() => get(withQuery("/api/traces", { ...this.#filters, limit: MOST })));
        if (this.#early !== early) return;
        this.#early = null;
        if (!rows) return;
        this.#loaded = true;
        this.#rows.reset(rows);
        this.#rows.take(early);
        rows.forEach((row) => this.#learn(row));
        this.list.choose(here().item, { scroll: true });
        this.#tell();
    }

    #hear(row) {
        if (this.#early) {
            this.#early.push(row);
            return;
        }
        this.#learn(row);
        this.list.grow(this.#rows.take([row]));
        if (row.trace_id === here().item) this.detail.refresh();
        this.#tell();
    }

    #open(id) {
        go(to("live", id, here().filters), { replace: Boolean(here().item) });
    }

    #close() {
        if (!here().item) return false;
        const isNarrow = this.list.box.offsetParent === null;
        go(to("live", null, here().filters), { replace: !isNarrow });
        this.list.box.focus({ preventScroll: true });
        return true;
    }

    #turn() {
        if (this.#rows.paused) this.list.grow(this.#rows.resume());
        else this.#rows.pause();
        this.#tell();
    }

    #showPause() {
        const { paused, waiting } = this.#rows;
        this.pause.setAttribute("aria-pressed", String(paused));
        fill(this.pause, paused ? `Resume${waiting ? ` (${waiting} new)` : ""}` : "Pause");
    }

    #tell() {
        this.#showPause();
        const size = this.#rows.all.length;
        const isFiltered = !this.filter.isEmpty;
        this.told.textContent = size ? count(size, "request") + (isFiltered ? " that match" : "") : "";
        this.list.box.hidden = size === 0;
        this.empty.hidden = size > 0;
        this.#main.classList.toggle("empty", size === 0 && !isFiltered);
        if (size === 0) this.#explain(isFiltered);
        this.list.draw();
    }

    /** Why there is nothing, and how there would be something. */
    #explain(isFiltered) {
        this.teaching.update(feed.sessions);
        const shown = isFiltered ? this.nothing : this.teaching;
        if (this.empty.firstChild !== shown) fill(this.empty, shown);
    }

    #learn(row) {
        this.filter.learn("client", [row.client]);
        this.filter.learn("event", row.events);
        this.filter.learn("tag", row.tags);
    }

    async #learnNames() {
        for (const kind of ["client", "tag"]) {
            const list = await get(`/api/${kind}s`).catch(() => []);
            this.filter.learn(kind, list.map((one) => one.name));
        }
    }

    #keys() {
        const step = (by) => [by > 0 ? "Next request" : "Request before", () => this.list.step(by)];
        useKeys({
            j: step(1),
            k: step(-1),
            ArrowDown: ["", (press) => press.target === this.list.box && this.list.step(1)],
            ArrowUp: ["", (press) => press.target === this.list.box && this.list.step(-1)],
            Enter: ["Go into the request", () => this.detail.focus()],
            "/": ["Search", () => this.filter.text.focus()],
            Escape: ["Back to the list", () => this.#escape()],
            p: ["Pause, resume", () => this.#turn()],
        });
    }

    #escape() {
        if (document.activeElement.matches("input, select")) {
            document.activeElement.blur();
            return true;
        }
        return this.#close();
    }
}

function nothingMatches(clear) {
    return element(
        "div",
        { class: "teach" },
        element("h2", {}, "No request matches"),
        element("p", { class: "soft" }, "New ones are shown here as they come."),
        element("p", {}, element("button", { type: "button", onclick: clear }, "Clear the filters")),
    );
}
