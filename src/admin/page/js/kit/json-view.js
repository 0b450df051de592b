// JSON as a tree that folds and can be searched. What is folded is not built yet, so a body of a
// megabyte costs no more than what is seen of it.

import { copyButton } from "./copy.js";
import { element, fill } from "./element.js";
import { compact, kindOf, pointerTo, pretty } from "./json-text.js";
import { searchTree } from "./json-search.js";
import { shorten, visible } from "./words.js";

/** Rows of one object or array that are built at once. */
const ROWS = 200;

/** Characters of a text that are shown until one asks for all. */
const TEXT = 1_000;

/** Rows up to which a tree is unfolded from the start. */
const SMALL = 60;

/**
 * `label` is its accessible name; `note` gives what stands at the end of a row, by the value's JSON
 * pointer. The element has `reveal(pointer)`, which shows and marks a place and says if it is there.
 */
export function jsonView(value, { label, note = () => null, tools = [] } = {}) {
    const tree = new Tree(value, note);
    const bar = element("div", { class: "json-bar" }, searchTree(tree, value, label), tools, copyButton("Copy", () => pretty(value)));
    const view = element("div", { class: "json", role: "group", "aria-label": label }, bar, tree.root);
    view.reveal = (pointer) => tree.reveal(pointer);
    return view;
}

class Tree {
    #rows = new Map();
    #open = new Map();
    #note;

    constructor(value, note) {
        this.#note = note;
        const isSmall = countRows(value, SMALL) < SMALL;
        this.root = element("div", { class: "json-tree" }, this.#row("", null, value, isSmall ? Infinity : 1));
    }

    /** The row at a pointer, unfolding what is around it; none if there is no such place. */
    row(pointer) {
        const steps = pointer.split("/").slice(1);
        let at = "";
        for (const step of steps) {
            this.#open.get(at)?.(step);
            at += `/${step}`;
        }
        return this.#rows.get(pointer);
    }

    reveal(pointer) {
        const row = this.row(pointer);
        if (!row) return false;
        this.root.querySelectorAll(".revealed").forEach((old) => old.classList.remove("revealed"));
        row.classList.add("revealed");
        row.scrollIntoView({ block: "center" });
        return true;
    }

    #row(pointer, key, value, depth) {
        const kind = kindOf(value);
        const isNested = kind === "object" || kind === "array";
        const row = isNested ? this.#branch(pointer, key, value, depth) : this.#leaf(pointer, key, value, kind);
        this.#rows.set(pointer, row);
        return row;
    }

    #leaf(pointer, key, value, kind) {
        return element("div", { class: "json-row" }, keyOf(key), leafText(value, kind), this.#note(pointer));
    }

    #branch(pointer, key, value, depth) {
        const isList = Array.isArray(value);
        const keys = isList ? null : Object.keys(value);
        const size = isList ? value.length : keys.length;
        const [begin, end] = isList ? ["[", "]"] : ["{", "}"];
        if (size === 0) return element("div", { class: "json-row" }, keyOf(key), element("span", { class: "json-mark" }, begin + end));
        const howMany = element("span", { class: "json-size" }, isList ? `${size}` : `${size} ${size === 1 ? "key" : "keys"}`);
        const summary = element("summary", { class: "json-row" }, keyOf(key), element("span", { class: "json-mark" }, begin), howMany);
        const inside = element("div", { class: "json-inside" });
        const branch = element("details", { class: "json-branch" }, summary, inside);
        let built = 0;
        const build = (upTo) => {
            inside.querySelector(":scope > .json-more")?.remove();
            for (; built < Math.min(upTo, size); built += 1) {
                const name = isList ? built : keys[built];
                inside.append(this.#row(pointerTo(pointer, name), name, value[name], depth - 1));
            }
            if (built < size) inside.append(this.#more(size - built, () => build(built + ROWS)));
        };
        branch.addEventListener("toggle", () => branch.open && built === 0 && build(ROWS));
        this.#open.set(pointer, (step) => {
            const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
            build(Math.max(ROWS, 1 + (isList ? Number(name) : keys.indexOf(name))));
            branch.open = true;
        });
        if (depth > 0) {
            build(ROWS);
            branch.open = true;
        }
        return branch;
    }

    #more(rest, build) {
        return element("button", { type: "button", class: "quiet json-more", onclick: build }, `Show more of ${rest}`);
    }
}

function keyOf(key) {
    if (key === null) return null;
    return element("span", { class: typeof key === "number" ? "json-index" : "json-key foreign" }, visible(key));
}

function leafText(value, kind) {
    const text = kind === "string" ? JSON.stringify(value) : compact(value);
    const made = element("span", { class: `json-${kind} foreign` });
    if (text.length <= TEXT) {
        fill(made, visible(text));
        return made;
    }
    const all = element("button", { type: "button", class: "quiet" }, `Show all ${text.length} characters`);
    all.addEventListener("click", () => fill(made, visible(text)));
    fill(made, visible(shorten(text, TEXT)), all);
    return made;
}

/** How many rows it has, counted no further than `most`. */
function countRows(value, most) {
    const waiting = [value];
    let rows = 0;
    while (waiting.length && rows < most) {
        const next = waiting.pop();
        rows += 1;
        const kind = kindOf(next);
        if (kind === "array") waiting.push(...next.slice(0, most));
        if (kind === "object") waiting.push(...Object.values(next).slice(0, most));
    }
    return rows;
}
