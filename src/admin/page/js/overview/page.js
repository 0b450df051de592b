// Overview: what needs attention, then how busy it is and how fast.

import { get } from "../kit/api.js";
import { element, fill } from "../kit/element.js";
import { keepLooking } from "../kit/looking.js";
import { ago } from "../kit/ticking.js";
import { bytes, number } from "../kit/words.js";
import { attention } from "./attention.js";
import { auditCard } from "./audit.js";
import { Charts } from "./charts.js";

const EVERY_MS = 2_000;

export function overviewPage(main, place, leave) {
    const needs = element("section", { class: "stack", "aria-labelledby": "needs-title" });
    const facts = element("dl", { class: "facts" });
    const charts = new Charts();
    fill(
        main,
        element(
            "div",
            { class: "page" },
            element("div", { class: "page-head" }, element("h1", {}, "Overview")),
            needs,
            facts,
            element("section", { class: "stack", "aria-labelledby": "charts-title" }, element("h2", { id: "charts-title" }, "The last ten minutes"), charts.box),
            auditCard(leave),
        ),
    );
    let shown = "";
    keepLooking(
        async () => {
            const [status, series, destinations] = await Promise.all([get("/api/status"), get(charts.path()), get("/api/destinations")]);
            if (leave.aborted) return;
            charts.add(series);
            fill(facts, factList(status));
            const items = attention(status, destinations);
            // What is read out or focused is not made anew for nothing.
            const now = JSON.stringify(items.map(({ title, text }) => [title, text]));
            if (now !== shown) fill(needs, element("h2", { id: "needs-title" }, items.length ? "Needs attention" : "All is well"), items.length ? list(items) : allWell());
            shown = now;
        },
        EVERY_MS,
        leave,
    );
}

function list(items) {
    const one = ({ tone, title, text, href, action }) =>
        element("li", { class: `card need ${tone}` }, element("div", {}, element("h3", { class: "foreign" }, title), element("p", { class: "soft foreign" }, text)), href && element("a", { class: "push", href }, action));
    return element("ul", { class: "stack needs" }, items.map(one));
}

function allWell() {
    return element("p", { class: "soft" }, "The journal is healthy, every destination takes what it gets, and there are no dead letters.");
}

function factList(status) {
    const { journal } = status;
    const sum = (state) => status.deliveries.filter((one) => one.state === state).reduce((total, one) => total + one.count, 0);
    const facts = [
        ["Events", number(journal.events ?? 0)],
        ["Delivered", number(sum("delivered"))],
        ["Waiting", number(sum("pending"))],
        ["Dead letters", number((status.dead_letters?.deliveries ?? 0) + (status.dead_letters?.requests ?? 0))],
        ["On disk", bytes(journal.size_bytes ?? 0)],
        ["Started", ago(status.started_at)],
    ];
    return facts.map(([title, value]) => element("div", { class: "card fact" }, element("dt", { class: "soft tiny" }, title), element("dd", { class: "numbers" }, value)));
}
