// What the sections of a trace have in common.

import { element } from "../kit/element.js";
import { maybeJson } from "../kit/json-text.js";
import { jsonView } from "../kit/json-view.js";
import { copyButton } from "../kit/copy.js";
import { shorten, visible } from "../kit/words.js";

/** A text shown at once; what is longer is cut until one asks. */
const TEXT = 20_000;

/** A section with a heading, and what stands beside the heading. */
export function section(id, title, beside, ...children) {
    const heading = element("h3", { id: `${id}-title` }, title);
    return element(
        "section",
        { class: "card part", id: `part-${id}`, tabindex: -1, "aria-labelledby": `${id}-title` },
        element("header", {}, heading, beside),
        children,
    );
}

/** Something folded away, with a summary. */
export function fold(summary, open, ...children) {
    return element("details", { class: "fold", open }, element("summary", {}, summary), children);
}

/** One of a list: a line that says what it is, and what belongs to it below. */
export function item(line, ...below) {
    return element("li", { class: "stack" }, element("p", { class: "row" }, line), below);
}

/** Names with values. */
export function pairs(values) {
    const list = Object.entries(values).map(([name, value]) => [
        element("dt", { class: "foreign" }, visible(name)),
        element("dd", { class: "foreign", "data-name": name }, visible(typeof value === "string" ? value : JSON.stringify(value))),
    ]);
    return element("dl", { class: "pairs" }, list);
}

/** A body: a tree if it is JSON, else its text. */
export function bodyView(body, label) {
    const value = typeof body === "string" ? maybeJson(body) : body;
    if (value !== undefined && value !== null && typeof value === "object") return jsonView(value, { label });
    const text = String(body ?? "");
    if (!text) return element("p", { class: "soft tiny" }, "no body");
    return textView(text);
}

export function textView(text) {
    const shown = element("pre", { class: "foreign" }, visible(shorten(text, TEXT)));
    const box = element("div", { class: "code" }, shown, copyButton("Copy", text));
    if (text.length <= TEXT) return box;
    const all = element("button", { type: "button", class: "quiet" }, `Show all ${text.length} characters`);
    all.addEventListener("click", () => {
        shown.textContent = visible(text);
        all.remove();
    });
    return [box, all];
}

/** What a script logged. */
export function logLines(lines) {
    if (!lines?.length) return null;
    const tone = { error: "bad", warn: "warn" };
    const one = ({ level, text }) =>
        element("li", {}, element("span", { class: `badge ${tone[level] ?? ""}` }, level), element("span", { class: "mono foreign" }, visible(text)));
    return element("div", {}, element("h4", {}, "Log"), element("ul", { class: "log" }, lines.map(one)));
}
