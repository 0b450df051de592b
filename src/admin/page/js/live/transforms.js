// What transformations changed in a tag's copy of the event, key by key: what was there, and what the tag
// sees.

import { element } from "../kit/element.js";
import { compact } from "../kit/json-text.js";
import { shorten, visible } from "../kit/words.js";

export function transformations(applied) {
    return applied?.map(one);
}

function one({ name, changes }) {
    const title = element("p", { class: "row" }, element("span", { class: "soft" }, "Transformation"), element("span", { class: "foreign" }, visible(name)), !changes.length && element("span", { class: "soft" }, "changed nothing"));
    return [title, changes.length > 0 && table(name, changes)];
}

function table(name, changes) {
    const head = ["Key", "Before", "What the tag sees"].map((words) => element("th", { scope: "col" }, words));
    return element(
        "div",
        { class: "table", tabindex: 0, role: "group", "aria-label": `What ${visible(name)} changed` },
        element("table", { class: "changes" }, element("thead", {}, element("tr", {}, head)), element("tbody", {}, changes.map(row))),
    );
}

function row({ key, before, after }) {
    return element("tr", {}, element("td", { class: "mono foreign" }, visible(key)), element("td", {}, value("del", before)), element("td", {}, value("ins", after)));
}

function value(mark, json) {
    if (json === null || json === undefined) return element("span", { class: "soft" }, mark === "del" ? "not there" : "taken away");
    return element(mark, { class: "mono foreign" }, visible(shorten(compact(json), 300)));
}
