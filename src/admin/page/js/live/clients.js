// The clients that were asked, in their order, and why each took the request or not.

import { element } from "../kit/element.js";
import { faultBox } from "../kit/fault.js";
import { micros, visible } from "../kit/words.js";
import { item, logLines, section } from "./section.js";

export function clientsSection(clients, unasked) {
    if (unasked) {
        return section("clients", "Clients", element("span", { class: "badge warn" }, "none was asked"), element("p", {}, "The request was refused before: ", visible(unasked.reason), "."));
    }
    if (!clients.length) {
        return section("clients", "Clients", null, element("p", {}, "No client listens to this path and method. A client takes a request by its ", element("code", {}, "PATH"), "; ", element("code", {}, "tagwerk new client NAME"), " makes one."));
    }
    const none = !clients.some((client) => client.claimed);
    return section("clients", "Clients", none && element("span", { class: "badge warn" }, "no client took it"), element("ol", { class: "stack" }, clients.map(one)));
}

function one(client) {
    const mark = client.claimed ? element("span", { class: "yes" }, "✓") : element("span", { class: "no" }, "–");
    const took = client.claimed && element("span", { class: "soft tiny push numbers" }, micros(client.duration_us));
    const line = [
        mark,
        element("strong", { class: "foreign" }, visible(client.name)),
        element("span", { class: "soft foreign" }, client.claimed ? "took it: " : "passed: ", visible(client.reason)),
        took,
    ];
    return item(line, logLines(client.log), client.fault && faultBox(client.fault));
}
