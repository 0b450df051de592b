// Who changed what: the newest lines of the audit log.

import { get } from "../kit/api.js";
import { element, fill } from "../kit/element.js";
import { ago } from "../kit/ticking.js";
import { shorten, visible } from "../kit/words.js";

const SHOWN = 20;

export function auditCard(leave) {
    const box = element("div", { class: "table", tabindex: 0, role: "group", "aria-labelledby": "audit-title" });
    get(`/api/audit?limit=${SHOWN}`, { signal: leave }).then((changes) => fill(box, changes.length ? table(changes) : none()), () => fill(box, none()));
    return element("section", { class: "card stack", "aria-labelledby": "audit-title" }, element("h2", { id: "audit-title" }, "What was changed lately"), box);
}

function none() {
    return element("p", { class: "soft" }, "Nothing yet. Whatever is changed on this page or by the admin API is written down here.");
}

function table(changes) {
    const head = ["When", "Who", "What", "Answer"].map((title) => element("th", { scope: "col" }, title));
    const row = (change) =>
        element(
            "tr",
            {},
            element("td", {}, ago(change.time)),
            element("td", {}, change.role, element("span", { class: "soft" }, ` ${visible(change.via ?? "")}`)),
            element("td", { class: "mono foreign" }, `${change.method} ${visible(change.path)}`, change.body && element("div", { class: "soft foreign" }, visible(shorten(JSON.stringify(change.body), 200)))),
            element("td", {}, element("span", { class: `badge ${change.status < 400 ? "good" : "bad"}` }, change.status)),
        );
    return element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, changes.map(row)));
}
