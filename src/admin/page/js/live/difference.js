// What differs between two runs, as people read it: small things side by side, requests line by line.

import { element } from "../kit/element.js";
import { faultBox } from "../kit/fault.js";
import { compact, kindOf, pretty } from "../kit/json-text.js";
import { shorten, visible } from "../kit/words.js";
import { diffLines } from "./line-diff.js";
import { item } from "./section.js";

const TONES = { new: "good", gone: "bad", changed: "warn", fault: "bad" };

export function differenceList(differences) {
    return element("ul", { class: "stack differences" }, differences.map(one));
}

function one(difference) {
    const where = difference.tag ? `${difference.tag} → ${difference.destination}` : difference.where;
    const line = [
        element("span", { class: `badge ${TONES[difference.kind] ?? ""}` }, difference.kind),
        element("span", { class: "soft" }, difference.what),
        element("span", { class: "mono foreign" }, visible(where)),
    ];
    return item(line, difference.fault ? faultBox(difference.fault) : change(difference.before, difference.after));
}

function change(before, after) {
    const isLarge = [before, after].some((value) => ["object", "array"].includes(kindOf(value)) || String(value).includes("\n"));
    if (isLarge) return lines(textOf(before), textOf(after));
    return element(
        "p",
        { class: "mono row" },
        before !== undefined && element("del", { class: "foreign" }, visible(shorten(compact(before), 500))),
        element("span", { "aria-hidden": "true" }, "→"),
        after !== undefined && element("ins", { class: "foreign" }, visible(shorten(compact(after), 500))),
    );
}

/** A request as its lines; of others their JSON. */
function textOf(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "string") return value;
    if (!value.method || !value.url) return pretty(value);
    const headers = Object.entries(value.headers ?? {}).map(([name, text]) => `${name}: ${text}`);
    const body = typeof value.body === "string" ? value.body : pretty(value.body);
    return [`${value.method} ${value.url}`, ...headers, "", body].join("\n");
}

function lines(before, after) {
    const signs = { same: " ", gone: "−", new: "+", skipped: "⋮" };
    const words = { gone: "before: ", new: "now: " };
    const line = ({ kind, text }) =>
        element(
            "div",
            { class: `line ${kind}` },
            element("span", { "aria-hidden": "true" }, signs[kind]),
            words[kind] && element("span", { class: "unseen" }, words[kind]),
            element("code", { class: "foreign" }, visible(shorten(text, 2_000))),
        );
    return element("div", { class: "lines", tabindex: 0, role: "group", "aria-label": "What differs" }, diffLines(before, after).map(line));
}
