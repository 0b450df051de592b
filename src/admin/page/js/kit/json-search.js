// The search field of a JSON tree: it looks at the value, not at what is built of it, and unfolds what
// it finds.

import { element } from "./element.js";
import { compact, kindOf, pointerTo } from "./json-text.js";

/** Places that are marked at once. */
const MOST = 200;

export function searchTree(tree, value, label) {
    const told = element("span", { class: "soft tiny", role: "status" });
    const field = element("input", { type: "search", class: "json-search", placeholder: "Search", "aria-label": `Search in ${label}` });
    let marked = [];
    let at = -1;

    const show = (index) => {
        at = index;
        marked.forEach((row, number) => row.classList.toggle("current", number === at));
        told.textContent = `${at + 1} of ${marked.length}${marked.length === MOST ? "+" : ""}`;
        marked[at].scrollIntoView({ block: "nearest" });
    };
    const search = () => {
        marked.forEach((row) => row.classList.remove("hit", "current"));
        const wanted = field.value.trim().toLowerCase();
        marked = wanted ? find(value, wanted).map((pointer) => tree.row(pointer)).filter(Boolean).map(lineOf) : [];
        marked.forEach((row) => row.classList.add("hit"));
        if (marked.length) show(0);
        else told.textContent = wanted ? "nothing" : "";
    };
    field.addEventListener("input", search);
    field.addEventListener("keydown", (press) => {
        if (press.key === "Enter" && marked.length) {
            const step = press.shiftKey ? marked.length - 1 : 1;
            show((at + step) % marked.length);
        }
        if (press.key === "Escape" && field.value) {
            field.value = "";
            search();
            press.stopPropagation();
        }
    });
    return [field, told];
}

/** Of an object or array that is its first line. */
function lineOf(row) {
    return row.querySelector(":scope > summary") ?? row;
}

/** Pointers to where the key or the value has the wanted text. */
function find(root, wanted) {
    const found = [];
    const waiting = [["", "", root]];
    while (waiting.length && found.length < MOST) {
        const [pointer, key, value] = waiting.pop();
        const kind = kindOf(value);
        const isNested = kind === "object" || kind === "array";
        const text = isNested ? "" : kind === "string" ? value : compact(value);
        if (key.toLowerCase().includes(wanted) || text.toLowerCase().includes(wanted)) found.push(pointer);
        if (!isNested) continue;
        const inside = Object.keys(value).map((name) => [pointerTo(pointer, name), kind === "array" ? "" : name, value[name]]);
        waiting.push(...inside.reverse());
    }
    return found;
}
