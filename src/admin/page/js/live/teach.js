// What one sees before the first request: how to see one.

import { to } from "../kit/address.js";
import { copyButton } from "../kit/copy.js";
import { element, fill } from "../kit/element.js";
import { mayChange, viewer } from "../kit/viewer.js";
import { openCapture, openHeader } from "../sessions/open.js";

export function teach() {
    const told = element("div", { class: "stack" });
    const capture = element("button", { type: "button", class: "primary" }, "Capture live traffic for 1 h");
    capture.addEventListener("click", () => openCapture({ ttl: "1h", limit: 500, capture: {} }));
    const header = element("button", { type: "button" }, "Open a dry session");
    header.addEventListener("click", async () => {
        const opened = await openHeader({ ttl: "1h", send: false });
        if (opened) fill(told, codeLine(opened.curl, "Send this, in the folder of tagwerk.toml:"));
    });
    return element(
        "div",
        { class: "teach" },
        element("h2", {}, "Nothing is watched yet"),
        element("p", { class: "soft" }, "Requests are recorded only while somebody wants to see them, and in memory only. Two ways to see the first one:"),
        mayChange() ? element("ol", {}, element("li", {}, live(), element("p", {}, capture)), element("li", {}, dry(), element("p", {}, header), told)) : reader(),
        element("p", { class: "soft tiny" }, "Filters, limits and draft scripts: ", element("a", { href: to("sessions") }, "Sessions"), "."),
    );
}

function live() {
    return element(
        "div",
        { class: "stack" },
        element(
            "p",
            {},
            element("strong", {}, "Watch what comes in anyway. "),
            "Delivery goes on as ever; senders notice nothing. No shop at hand? Then send an order yourself:",
        ),
        codeLine(exampleCurl()),
    );
}

function dry() {
    return element(
        "p",
        {},
        element("strong", {}, "Send a request of your own, dry. "),
        "It carries a header, runs through the scripts, and nothing is sent or kept.",
    );
}

function reader() {
    return element("p", {}, "Your login may look, not change. Ask an administrator to open a session; what it watches appears here.");
}

function exampleCurl() {
    const order = '{"event_name":"purchase","transaction_id":"T-1","value":129.5,"currency":"EUR"}';
    return `curl -s ${viewer.public_url}/collect -H 'Content-Type: application/json' --data '${order}'`;
}

/** A line to copy. */
export function codeLine(text, before = null) {
    return [before && element("span", {}, before), element("div", { class: "code" }, element("pre", {}, text), copyButton("Copy", text))];
}
