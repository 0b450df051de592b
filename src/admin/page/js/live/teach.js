// What one sees before the first request: how to see one; and when somebody watches already, that all
// it takes now is a request.

import { to } from "../kit/address.js";
import { copyButton } from "../kit/copy.js";
import { element, fill } from "../kit/element.js";
import { mayChange, viewer } from "../kit/viewer.js";
import { openCapture, openHeader } from "../sessions/open.js";

/** It stays the same element; `teach.update(sessions)` says what is open now. */
export function teach() {
    const head = element("div", { class: "stack", role: "status" });
    const line = element("div", { class: "stack" });
    const ways = element("div", { class: "stack" }, mayChange() ? [watch(), dry(line)] : reader());
    const box = element("div", { class: "teach" }, head, line, ways, more());
    let before = null;
    box.update = (sessions) => {
        const isWatching = sessions.some((session) => !session.ended);
        if (isWatching === before) return;
        before = isWatching;
        fill(head, isWatching ? waiting() : nothingYet());
        ways.hidden = isWatching;
        fill(line, isWatching ? codeLine("No shop at hand? This sends an order:", exampleCurl()) : null);
    };
    return box;
}

function nothingYet() {
    return [
        element("h2", {}, "Nothing is watched yet"),
        element("p", { class: "soft" }, "Requests are recorded only while somebody wants to see them, and in memory only. Two ways to see the first one:"),
    ];
}

function waiting() {
    return [
        element("h2", { class: "pulse" }, "Waiting for the first request"),
        element("p", { class: "soft" }, "A session is open. What it watches appears here by itself."),
    ];
}

function watch() {
    const button = element("button", { type: "button", class: "primary", onclick: () => openCapture({ ttl: "1h", limit: 500, capture: {} }) }, "Capture live traffic for 1 h");
    return element(
        "section",
        { class: "card stack" },
        element("h3", {}, "Watch what comes in anyway"),
        element("p", { class: "soft" }, "Delivery goes on as ever, and senders notice nothing."),
        element("p", {}, button),
        codeLine("No shop at hand? Then send an order yourself:", exampleCurl()),
    );
}

function dry(line) {
    const open = async () => {
        const opened = await openHeader({ ttl: "1h", send: false });
        if (opened) fill(line, codeLine("This carries the header of your session. Run it in the folder of tagwerk.toml:", opened.curl));
    };
    return element(
        "section",
        { class: "card stack" },
        element("h3", {}, "Send a request of your own, dry"),
        element("p", { class: "soft" }, "It carries a header, runs through the scripts, and nothing is sent or kept."),
        element("p", {}, element("button", { type: "button", onclick: open }, "Open a dry session")),
    );
}

function reader() {
    return element("p", {}, "Your login may look, not change. Ask an administrator to open a session; what it watches appears here.");
}

function more() {
    return element("p", { class: "soft tiny" }, "Filters, limits, draft scripts: ", element("a", { href: to("sessions") }, "Sessions"), ".");
}

function exampleCurl() {
    const order = '{"event_name":"purchase","transaction_id":"T-1","value":129.5,"currency":"EUR"}';
    return `curl -s ${viewer.public_url}/collect -H 'Content-Type: application/json' --data '${order}'`;
}

/** A line to copy. */
function codeLine(before, text) {
    return [element("p", {}, before), element("div", { class: "code" }, element("pre", {}, text), copyButton("Copy", text))];
}
