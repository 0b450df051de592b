// The list of requests: only the rows that are seen are in the document, however many there are. One
// chooses with keys or the mouse; the list keeps the focus, and says which row is chosen.

import { element, fill } from "../kit/element.js";
import { clock, micros, moment, shorten, visible } from "../kit/words.js";
import { outcome } from "./outcome.js";

/** As in live.css. */
const ROW_HEIGHT = 58;

/** Rows above and below what is seen, so that scrolling shows no gaps. */
const AROUND = 6;

export class List {
    #rows;
    #onChoose;
    #chosen = null;
    #scheduled = false;
    #sheet = element("div", { class: "list-sheet" });

    constructor(rows, onChoose) {
        this.#rows = rows;
        this.#onChoose = onChoose;
        this.box = element(
            "div",
            {
                class: "list",
                id: "requests",
                role: "listbox",
                tabindex: 0,
                "aria-label": "Requests",
                onscroll: () => this.draw(),
                onclick: (click) => this.#click(click),
            },
            this.#sheet,
        );
        this.sized = new ResizeObserver(() => this.draw());
        this.sized.observe(this.box);
    }

    get chosen() {
        return this.#chosen;
    }

    /** Marks a row, and shows it if `scroll`. */
    choose(id, { scroll = false } = {}) {
        this.#chosen = id;
        const index = this.#rows.indexOf(id);
        if (scroll && index >= 0) this.#bringIntoView(index);
        this.draw();
    }

    /** The row after the chosen one, or before it. */
    step(by) {
        const last = this.#rows.all.length - 1;
        if (last < 0) return;
        const now = this.#rows.indexOf(this.#chosen);
        const next = now < 0 ? 0 : Math.min(last, Math.max(0, now + by));
        this.choose(this.#rows.at(next).trace_id, { scroll: true });
        this.box.focus({ preventScroll: true });
        this.#onChoose(this.#chosen, { byKey: true });
    }

    /** Rows were added at the top: what one looks at stays where it is. */
    grow(added) {
        if (this.box.scrollTop > ROW_HEIGHT / 2) this.box.scrollTop += added * ROW_HEIGHT;
        this.draw();
    }

    /** Draws with the next frame, once. */
    draw() {
        if (this.#scheduled) return;
        this.#scheduled = true;
        requestAnimationFrame(() => {
            this.#scheduled = false;
            this.#drawNow();
        });
    }

    #drawNow() {
        const rows = this.#rows.all;
        const seen = Math.ceil(this.box.clientHeight / ROW_HEIGHT);
        const first = Math.max(0, Math.floor(this.box.scrollTop / ROW_HEIGHT) - AROUND);
        const last = Math.min(rows.length, first + seen + 2 * AROUND);
        this.#sheet.style.height = `${rows.length * ROW_HEIGHT}px`;
        const drawn = rows.slice(first, last).map((row, offset) => this.#option(row, first + offset, rows.length));
        fill(this.#sheet, drawn);
        const isDrawn = drawn.some((option) => option.id === `row-${this.#chosen}`);
        if (isDrawn) this.box.setAttribute("aria-activedescendant", `row-${this.#chosen}`);
        else this.box.removeAttribute("aria-activedescendant");
    }

    #option(row, index, size) {
        const [tone, word] = outcome(row.outcome);
        const option = element(
            "div",
            {
                class: `option ${tone}`,
                id: `row-${row.trace_id}`,
                role: "option",
                "aria-selected": String(row.trace_id === this.#chosen),
                "aria-posinset": index + 1,
                "aria-setsize": size,
            },
            element("span", { class: "option-path foreign", title: row.path }, methodOf(row), visible(shorten(row.path, 200))),
            element(
                "span",
                { class: "numbers soft tiny" },
                micros(row.duration_us),
                element("time", { class: "option-time", title: moment(row.received_at) }, clock(row.received_at)),
            ),
            element("span", { class: "option-way" }, way(row)),
            element("span", { class: `badge ${tone}` }, word),
        );
        option.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
        return option;
    }

    #click(click) {
        const option = click.target.closest(".option");
        if (!option) return;
        this.choose(option.id.slice("row-".length));
        this.#onChoose(this.#chosen, { byKey: false });
    }

    #bringIntoView(index) {
        const top = index * ROW_HEIGHT;
        const { scrollTop, clientHeight } = this.box;
        if (top < scrollTop) this.box.scrollTop = top;
        if (top + ROW_HEIGHT > scrollTop + clientHeight) this.box.scrollTop = top + ROW_HEIGHT - clientHeight;
    }
}

function methodOf(row) {
    return element("span", { class: "option-method" }, `${row.method} `);
}

/** Client, events, and which tags fired. */
function way(row) {
    const text = (words, kind = "") => element("span", { class: `foreign ${kind}` }, visible(shorten(words, 120)));
    const arrow = () => element("span", { class: "soft", "aria-hidden": "true" }, " › ");
    const parts = [text(row.client ?? "no client", row.client ? "" : "soft")];
    if (row.events.length) parts.push(arrow(), text(events(row.events), "option-event"));
    if (row.tags.length) parts.push(arrow(), text(row.tags.join(", ")));
    if (row.replay_of) parts.push(element("span", { class: "soft" }, " · replay"));
    return parts;
}

/** `page_view ×3, purchase`. */
function events(names) {
    const counts = new Map();
    names.forEach((name) => counts.set(name, (counts.get(name) ?? 0) + 1));
    return [...counts].map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(", ");
}
