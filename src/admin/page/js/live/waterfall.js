// How long each step took, beside one another. Where nothing happened for long, such as between two
// attempts, the time line is cut, or the steps of microseconds would be too small to see.

import { element } from "../kit/element.js";
import { micros, visible } from "../kit/words.js";
import { layOut } from "./time-line.js";

/** Steps shown; a request with more tags than that has its own troubles. */
const MOST = 60;

const KINDS = { client: "client", commit: "on disk", tag: "tag", attempt: "sent to" };

export function waterfallSection(steps) {
    const shown = [...steps].sort((a, b) => a.from_us - b.from_us).slice(0, MOST);
    const bars = layOut(shown);
    const line = (step, index) =>
        element(
            "tr",
            {},
            element("th", { scope: "row" }, element("span", { class: "soft" }, `${KINDS[step.kind] ?? step.kind} `), element("span", { class: "foreign" }, visible(step.name))),
            element("td", { class: "fall-line" }, bar(step, bars[index])),
            element("td", { class: "right numbers", title: `begins ${micros(step.from_us)} after the arrival` }, micros(step.took_us)),
        );
    const table = element("table", {}, element("caption", { class: "unseen" }, "How long each step took"), element("tbody", {}, shown.map(line)));
    const rest = steps.length > MOST && element("p", { class: "soft tiny" }, `and ${steps.length - MOST} more`);
    return element("section", { class: "fall", "aria-label": "Durations", hidden: shown.length === 0 }, table, rest);
}

function bar(step, { left, width, cut }) {
    const made = element("div", { class: `fall-bar ${step.kind}`, vars: { left: `${left}%`, width: `${width}%` } });
    return cut ? [element("span", { class: "fall-cut", vars: { left: `${left}%` }, title: "the time line is cut here" }, "⁞"), made] : made;
}
