// Dead letters that went wrong in the same way: how many, since when, and the letters themselves.

import { get, withQuery } from "../kit/api.js";
import { confirmDialog } from "../kit/dialog.js";
import { element, fill } from "../kit/element.js";
import { ago } from "../kit/ticking.js";
import { attempt } from "../kit/toast.js";
import { mayChange } from "../kit/viewer.js";
import { count, shorten, visible } from "../kit/words.js";
import { act, howMany } from "./act.js";
import { letterRow } from "./letter.js";

/** Letters that are listed at once. */
const PAGE = 50;

const CLASSES = {
    script: "the script failed",
    invalid: "no valid request could be made",
    rejected: "the vendor refused it",
    redirected: "the vendor sent it elsewhere",
    exhausted: "tried for three days",
    expired: "too old by now",
    unconfirmed: "may have arrived; sent once only",
};

export class Group {
    #group;
    #changed;
    #chosen = new Set();
    #next = null;
    #head = element("header");
    #note = element("p", { class: "mono foreign group-note" });
    #acts = element("div", { class: "row" });
    #letters = element("ul", { class: "letters" });
    #more = element("button", { type: "button", class: "quiet", onclick: () => this.#load() }, "Show more");

    constructor(group, changed) {
        this.#group = group;
        this.#changed = changed;
        const list = element("details", { class: "fold" }, element("summary", {}, "Letters"), this.#letters, this.#more);
        list.addEventListener("toggle", () => list.open && !this.#letters.children.length && this.#load());
        this.box = element("section", { class: "card stack group", "aria-label": this.#title() }, this.#head, this.#note, this.#acts, list);
        this.#more.hidden = true;
    }

    /** The group as it is now. */
    update(group) {
        const hasChanged = group.count !== this.#group.count;
        this.#group = group;
        fill(this.#head, this.#summary());
        fill(this.#note, visible(shorten(group.note ?? "", 300)));
        this.#showActs();
        if (hasChanged && this.#letters.children.length) this.#reload();
    }

    #title() {
        const { kind, tag, destination } = this.#group;
        return kind === "requests" ? "Requests whose client failed" : `${tag} → ${destination}`;
    }

    #summary() {
        const { kind, count: many, oldest_at, newest_at } = this.#group;
        const what = kind === "requests" ? "client failed" : this.#group.class;
        const words = kind === "requests" ? "answered 202, kept whole" : CLASSES[this.#group.class] ?? "";
        return [
            element("span", { class: "badge bad numbers" }, many),
            element("h2", { class: "foreign" }, visible(this.#title())),
            element("span", { class: "badge" }, what),
            element("span", { class: "soft" }, words),
            newest_at && element("span", { class: "soft tiny push" }, "oldest ", ago(oldest_at), ", newest ", ago(newest_at)),
        ];
    }

    #showActs() {
        if (!mayChange()) return;
        const some = this.#chosen.size;
        const many = some || this.#group.count;
        const which = some ? `${some} chosen` : `${many}`;
        fill(
            this.#acts,
            element("button", { type: "button", onclick: () => this.#retry() }, `Retry ${which}`),
            element("button", { type: "button", class: "danger", onclick: () => this.#discard() }, `Discard ${which}…`),
        );
    }

    get #selection() {
        const { kind, filter } = this.#group;
        if (this.#chosen.size) return { kind, selection: { ids: [...this.#chosen] } };
        return { kind, selection: filter ? { filter } : { all: true } };
    }

    async #retry() {
        await act("retry", this.#selection);
        await this.#done();
    }

    async #discard() {
        const selection = this.#selection;
        const many = await attempt(() => howMany(selection));
        if (many === undefined) return;
        const name = this.#group.kind === "requests" ? "failed request" : "dead letter";
        confirmDialog({
            title: `Discard ${count(many, name)}?`,
            text: `${this.#title()}: they are thrown away. That cannot be undone.`,
            action: `Discard ${many}`,
            run: () => act("discard", selection).then(() => this.#done()),
        });
    }

    async #done() {
        this.#chosen.clear();
        this.#showActs();
        await this.#changed();
    }

    #reload() {
        fill(this.#letters);
        this.#next = null;
        this.#chosen.clear();
        this.#load();
    }

    async #load() {
        const { kind, filter } = this.#group;
        const state = kind === "deliveries" ? { state: "dead" } : {};
        const page = await attempt(() => get(withQuery(`/api/${kind}`, { ...state, ...filter, after: this.#next, limit: PAGE })));
        if (!page) return;
        const choose = (id, chosen) => {
            if (chosen) this.#chosen.add(id);
            else this.#chosen.delete(id);
            this.#showActs();
        };
        this.#letters.append(...page[kind].map((letter) => letterRow(kind, letter, choose)));
        this.#next = page.next;
        this.#more.hidden = page.next === null;
    }
}
