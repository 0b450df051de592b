// The filters above the list. What they say stands in the address.

import { element, fill } from "../kit/element.js";
import { shorten, visible } from "../kit/words.js";
import { OUTCOME_NAMES, outcome } from "./outcome.js";

export const FILTERS = ["text", "path", "client", "event", "tag", "outcome", "session"];

/** What is offered in a list, besides what is chosen. */
const MOST_OFFERED = 200;

/** How long after the last key one is done with typing. */
const TYPED_MS = 250;

export class Filter {
    #onChange;
    #values = {};
    #offered = { client: new Set(), event: new Set(), tag: new Set() };
    #clear = element("button", { type: "button", class: "quiet", onclick: () => this.clear() }, "Clear");
    #summary = element("summary", {}, "Filter");

    constructor(onChange) {
        this.#onChange = onChange;
        this.text = this.#field("text", "search", "Search in all that is seen", "Search all requests");
        this.path = this.#field("path", "text", "Path, as /hooks/*", "Path");
        this.client = this.#choice("client", "Client");
        this.event = this.#choice("event", "Event");
        this.tag = this.#choice("tag", "Tag");
        this.outcome = this.#choice("outcome", "Outcome");
        const choices = [this.path, this.client, this.event, this.tag, this.outcome];
        this.more = element("details", { class: "filter-more" }, this.#summary, element("div", { class: "filter-choices" }, choices));
        this.bar = element("div", { class: "filter", role: "search", "aria-label": "Filter requests" }, this.text, this.more, this.#clear);
        // On a wide screen all of them are there at once.
        const wide = matchMedia("(min-width: 1000px)");
        const fit = () => (this.more.open = wide.matches);
        wide.addEventListener("change", fit);
        fit();
    }

    /** Shows what the address says. */
    set(values) {
        this.#values = Object.fromEntries(FILTERS.filter((name) => values[name]).map((name) => [name, values[name]]));
        for (const name of ["text", "path"]) {
            if (this[name] !== document.activeElement) this[name].value = this.#values[name] ?? "";
        }
        this.#offer();
        const count = Object.keys(this.#values).filter((name) => name !== "text").length;
        fill(this.#summary, "Filter", count > 0 && element("span", { class: "badge calm" }, count));
        this.#clear.hidden = Object.keys(this.#values).length === 0;
    }

    /** Names that have been seen are offered. */
    learn(kind, names) {
        const known = this.#offered[kind];
        const before = known.size;
        names.filter(Boolean).forEach((name) => known.size < MOST_OFFERED && known.add(name));
        if (known.size > before) this.#offer();
    }

    clear() {
        this.text.value = this.path.value = "";
        this.#onChange({});
    }

    get isEmpty() {
        return Object.keys(this.#values).length === 0;
    }

    #change(name, value) {
        this.#onChange({ ...this.#values, [name]: value || undefined });
    }

    #field(name, type, placeholder, label) {
        const field = element("input", { type, placeholder, "aria-label": label, spellcheck: "false", autocomplete: "off" });
        let timer;
        field.addEventListener("input", () => {
            clearTimeout(timer);
            timer = setTimeout(() => this.#change(name, field.value.trim()), TYPED_MS);
        });
        return field;
    }

    #choice(name, label) {
        const choice = element("select", { "aria-label": label });
        choice.addEventListener("change", () => this.#change(name, choice.value));
        return choice;
    }

    #offer() {
        const option = (value, text) => element("option", { value }, text);
        for (const [kind, title] of [["client", "Any client"], ["event", "Any event"], ["tag", "Any tag"]]) {
            const chosen = this.#values[kind];
            const names = [...new Set([...this.#offered[kind], ...(chosen ? [chosen] : [])])].sort();
            fill(this[kind], option("", title), names.map((name) => option(name, visible(shorten(name, 60)))));
            this[kind].value = chosen ?? "";
        }
        fill(this.outcome, option("", "Any outcome"), OUTCOME_NAMES.map((name) => option(name, outcome(name)[1])));
        this.outcome.value = this.#values.outcome ?? "";
    }
}
