// A delivery: the exact request that the vendor gets, each attempt and its answer, and the next one.

import { copyButton } from "../kit/copy.js";
import { element } from "../kit/element.js";
import { ago } from "../kit/ticking.js";
import { count, micros, visible } from "../kit/words.js";
import { attemptTone, deliveryState } from "./outcome.js";
import { bodyView, fold, pairs } from "./section.js";

export function deliveryView(delivery) {
    const [tone, word] = deliveryState(delivery.state);
    const next = delivery.state === "pending" && delivery.next_try_at && element("span", { class: "soft tiny" }, "next try ", ago(delivery.next_try_at));
    return element(
        "div",
        { class: "delivery" },
        element(
            "p",
            { class: "row" },
            element("span", { class: `badge ${tone}` }, word),
            delivery.class && element("span", { class: "soft tiny" }, delivery.class),
            next,
            element("span", { class: "soft tiny mono push", title: "delivery id" }, delivery.delivery_id),
            delivery.curl && copyButton("Copy as curl", delivery.curl),
        ),
        delivery.refused && element("p", { class: "foreign bad-text" }, "It can never be sent: ", visible(delivery.refused)),
        delivery.request && outgoing(delivery.request, delivery.state),
        attempts(delivery.attempts),
    );
}

function outgoing(request, state) {
    const fields = Object.keys(request.headers).length;
    const intro = state === "dry_run" ? "would send" : "sends";
    return element(
        "div",
        { class: "stack outgoing" },
        element("p", { class: "mono foreign" }, element("span", { class: "unseen" }, `${intro} `), element("strong", {}, request.method), " ", visible(request.url)),
        fields > 0 && fold(count(fields, "header field"), false, pairs(request.headers)),
        bodyView(request.body, "Outgoing body"),
    );
}

function attempts(list) {
    if (!list?.length) return null;
    return element("ol", { class: "attempts" }, list.map(attempt));
}

function attempt(one, index) {
    const tone = attemptTone(one.outcome);
    const facts = [one.duration_us !== null && one.duration_us !== undefined && micros(one.duration_us), one.together > 1 && `${one.together} deliveries in one request`];
    return element(
        "li",
        { class: tone },
        element(
            "p",
            { class: "row" },
            element("span", { class: "soft" }, `Attempt ${index + 1}`),
            element("span", { class: `badge ${tone}` }, one.status ?? "no answer"),
            element("span", {}, (one.outcome ?? "").replaceAll("_", " ")),
            element("span", { class: "soft tiny" }, facts.filter(Boolean).join(" · ")),
            one.at && element("span", { class: "soft tiny push" }, ago(one.at)),
        ),
        one.error && element("p", { class: "foreign bad-text" }, visible(one.error)),
        one.body && bodyView(one.body, `Answer to attempt ${index + 1}`),
    );
}
