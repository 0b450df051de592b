// One dead letter: a line, and behind it all that is known of it.

import { get } from "../kit/api.js";
import { element, fill } from "../kit/element.js";
import { faultBox } from "../kit/fault.js";
import { jsonView } from "../kit/json-view.js";
import { ago } from "../kit/ticking.js";
import { attempt } from "../kit/toast.js";
import { mayChange } from "../kit/viewer.js";
import { count, shorten, visible } from "../kit/words.js";
import { bodyView, fold, pairs } from "../live/section.js";

export function letterRow(kind, letter, choose) {
    const id = letter.delivery_id ?? letter.request_id;
    const check = element("input", { type: "checkbox", "aria-label": `Choose ${id}` });
    check.addEventListener("change", () => choose(id, check.checked));
    const inside = element("div", { class: "stack letter-inside" });
    const line = element(
        "summary",
        {},
        element("span", { class: "mono" }, shorten(id, 12)),
        " ",
        element("span", { class: "soft foreign" }, visible(shorten(words(kind, letter), 160))),
        element("span", { class: "soft tiny push" }, ago(letter.received_at)),
    );
    const details = element("details", {}, line, inside);
    details.addEventListener("toggle", async () => {
        if (!details.open || inside.children.length) return;
        const whole = await attempt(() => get(`/api/${kind}/${encodeURIComponent(id)}`));
        if (whole) fill(inside, kind === "deliveries" ? delivery(whole) : request(whole));
    });
    return element("li", { class: "letter" }, mayChange() && check, details);
}

function words(kind, letter) {
    if (kind === "deliveries") return `${letter.note ?? ""} · ${count(letter.attempts, "attempt")}`;
    return faultOf(letter.fault)?.message ?? `${letter.client} failed`;
}

function delivery(whole) {
    return [
        element("p", { class: "soft tiny mono" }, `delivery ${whole.delivery_id} · event ${whole.event_id}`),
        whole.note && element("p", { class: "foreign bad-text" }, visible(whole.note)),
        whole.refused && element("p", { class: "foreign bad-text" }, "It can never be sent: ", visible(whole.refused)),
        whole.request && [
            element("p", { class: "mono foreign" }, element("strong", {}, whole.request.method), " ", visible(whole.request.url)),
            fold(count(Object.keys(whole.request.headers).length, "header field"), false, pairs(whole.request.headers)),
            bodyView(whole.request.body, "Outgoing body"),
        ],
        whole.data && fold("Event data", !whole.request, jsonView(whole.data, { label: "Event data" })),
    ];
}

function request(whole) {
    const fault = faultOf(whole.fault);
    return [
        fault && faultBox(fault),
        whole.refused && element("p", { class: "foreign bad-text" }, visible(whole.refused)),
        whole.request && [
            element("p", { class: "mono foreign" }, element("strong", {}, whole.request.method), " ", visible(whole.request.path)),
            fold(count(Object.keys(whole.request.headers).length, "header field"), false, pairs(whole.request.headers)),
            bodyView(whole.request.body, "Request body"),
        ],
    ];
}

/** A fault is an object, or only its text. */
function faultOf(fault) {
    if (!fault) return null;
    return typeof fault === "object" ? fault : { file: "", message: fault };
}
