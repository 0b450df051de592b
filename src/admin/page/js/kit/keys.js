// Keys: what each does on the page that is shown, and the list of them behind "?".

import { openDialog } from "./dialog.js";
import { element } from "./element.js";
import { go, to } from "./address.js";

const EVERYWHERE = {
    "1": ["Live", () => go(to("live"))],
    "2": ["Scripts", () => go(to("scripts"))],
    "3": ["Dead letters", () => go(to("dead"))],
    "4": ["Overview", () => go(to("overview"))],
    "5": ["Sessions", () => go(to("sessions"))],
    "?": ["This list", () => showKeys()],
};

let onPage = {};

/** What keys do on the page that is shown now: key → [what it does, function]. */
export function useKeys(keys) {
    onPage = keys;
}

export function listenToKeys() {
    document.addEventListener("keydown", (press) => {
        if (press.ctrlKey || press.metaKey || press.altKey || document.querySelector("dialog[open]")) return;
        if (isTyping(press.target) && press.key !== "Escape") return;
        if (isPressing(press)) return;
        const known = onPage[press.key] ?? EVERYWHERE[press.key];
        if (!known) return;
        // A handler that says false did nothing, and the key means what it always does.
        if (known[1](press) !== false) press.preventDefault();
    });
}

export function showKeys() {
    const line = ([key, [what]]) =>
        element("tr", {}, element("th", { scope: "row" }, element("kbd", {}, NAMES[key] ?? key)), element("td", {}, what));
    const table = (keys) => element("table", {}, element("tbody", {}, Object.entries(keys).filter(([, [what]]) => what).map(line)));
    openDialog("Keys", (close) => [
        element("div", { class: "keys" }, table(onPage), table(EVERYWHERE)),
        element("div", { class: "ends" }, element("button", { type: "button", onclick: close }, "Close")),
    ]);
}

const NAMES = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

function isTyping(target) {
    return target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
}

/** Enter on a button or a link is for that. */
function isPressing(press) {
    return press.key === "Enter" && press.target.matches("button, a, summary");
}
