// A tag: whether it fired and why, what it asked of the event, what it logged, and what it made.

import { element } from "../kit/element.js";
import { faultBox } from "../kit/fault.js";
import { compact } from "../kit/json-text.js";
import { micros, shorten, visible } from "../kit/words.js";
import { deliveryView } from "./delivery.js";
import { logLines, section } from "./section.js";
import { transformations } from "./transforms.js";

const REASONS = {
    conditions: "a condition does not hold",
    except: "an exception holds",
    consent: "consent is missing",
    schedule: "not at this time",
};

export function tagSection(tag, event, number) {
    const [tone, word] = verdict(tag);
    const reason = !tag.fired && tag.reason && element("span", { class: "soft foreign" }, visible(REASONS[tag.reason] ?? tag.reason));
    const made = section(
        `event-${event}-tag-${number}`,
        [element("span", { class: "soft" }, "Tag "), element("span", { class: "foreign" }, visible(tag.name)), element("span", { class: "soft" }, " → "), element("span", { class: "foreign" }, visible(tag.destination))],
        [element("span", { class: `badge ${tone}` }, word), reason, element("span", { class: "soft tiny push numbers" }, micros(tag.duration_us))],
        tag.fault && faultBox(tag.fault),
        conditions(tag.conditions),
        consent(tag.consent),
        transformations(tag.transforms),
        logLines(tag.log),
        tag.deliveries.map(deliveryView),
    );
    made.classList.add("tag", tone);
    return made;
}

function verdict(tag) {
    if (tag.fault) return ["bad", "✗ failed"];
    return tag.fired ? ["good", "✓ fired"] : ["mute", "○ not fired"];
}

function conditions(list) {
    if (!list?.length) return null;
    const head = ["", "Key", "Condition", "Actual value"].map((title) => element("th", { scope: "col" }, title || element("span", { class: "unseen" }, "Holds")));
    return element(
        "div",
        { class: "table", tabindex: 0, role: "group", "aria-label": "Conditions" },
        element("table", { class: "conditions" }, element("thead", {}, element("tr", {}, head)), element("tbody", {}, list.map(condition))),
    );
}

function condition(one) {
    // An exception that holds is what stops the tag.
    const isFine = one.holds !== Boolean(one.except);
    const mark = isFine ? element("span", { class: "yes", role: "img", "aria-label": "yes" }, "✓") : element("span", { class: "no-bad", role: "img", "aria-label": "no" }, "✗");
    const words = [one.except && "except ", one.not && "not ", one.operator].filter(Boolean).join("");
    return element(
        "tr",
        { class: isFine ? "" : "stops" },
        element("td", {}, mark),
        element("td", { class: "mono foreign" }, visible(one.key)),
        element("td", { class: "mono foreign" }, element("span", { class: "soft" }, `${words} `), visible(shorten(compact(one.expected), 300))),
        element("td", { class: "mono foreign" }, actual(one.actual), one.note && element("p", { class: "soft foreign" }, visible(one.note))),
    );
}

function actual(value) {
    if (value === null || value === undefined) return element("span", { class: "soft" }, "not there");
    return visible(shorten(compact(value), 300));
}

function consent(asked) {
    if (!asked) return null;
    const one = (name) => {
        const isMissing = asked.missing.includes(name);
        return element("span", { class: `badge ${isMissing ? "bad" : "good"}` }, isMissing ? "✗ " : "✓ ", visible(name), isMissing ? " not granted" : "");
    };
    return element("p", { class: "row" }, element("span", { class: "soft" }, "Consent"), asked.required.map(one));
}
