// The whole way at a glance: where it went, and where it stopped. A click goes to the part.

import { element } from "../kit/element.js";
import { bytes, count, shorten, visible } from "../kit/words.js";

export function waySection(trace) {
    const stations = [requestStation(trace), clientStation(trace), answerStation(trace), ...eventStations(trace)].filter(Boolean);
    const one = ({ title, text, tone, part }) =>
        element(
            "li",
            { class: tone },
            element(
                "button",
                { type: "button", onclick: () => goTo(part) },
                element("span", { class: "way-title" }, title),
                element("span", { class: "way-text foreign" }, visible(shorten(text, 80))),
            ),
        );
    return element("nav", { class: "way", "aria-label": "The way of the request" }, element("ol", {}, stations.map(one)));
}

function goTo(part) {
    const target = document.querySelector(`#part-${part}`);
    target?.scrollIntoView({ block: "start", behavior: "smooth" });
    target?.focus({ preventScroll: true });
}

function requestStation({ request }) {
    return { title: "Request", text: bytes(request.bytes ?? request.body.length), tone: "good", part: "request" };
}

function clientStation({ clients, unasked }) {
    if (unasked) return { title: "Client", text: "not asked", tone: "warn", part: "clients" };
    const taken = clients.find((client) => client.claimed);
    if (!taken) return { title: "Client", text: "none took it", tone: "warn", part: "clients" };
    return { title: "Client", text: taken.name, tone: taken.fault ? "bad" : "good", part: "clients" };
}

function answerStation({ response }) {
    return { title: "Answer", text: String(response.status), tone: response.status < 400 ? "good" : "warn", part: "answer" };
}

function eventStations({ events, clients }) {
    if (!events.length) {
        const isExpected = clients.some((client) => client.claimed && !client.fault);
        return isExpected ? [{ title: "Events", text: "nothing to track", tone: "mute", part: "clients" }] : [];
    }
    const names = events.map((event) => String(event.data?.event_name ?? "?"));
    const text = names.length > 3 ? `${names.slice(0, 3).join(", ")} +${names.length - 3}` : names.join(", ");
    const tags = events.flatMap((event) => event.tags);
    const unprocessed = events.find((event) => event.processed === false);
    const stopped = unprocessed && { waiting: ["not yet", "calm"], repeat: ["none, a repeat", "mute"], not_kept: ["none, not kept", "bad"] }[unprocessed.state];
    return [
        { title: events.length > 1 ? "Events" : "Event", text, tone: "good", part: "event-0" },
        stopped && !tags.length ? { title: "Tags", text: stopped[0], tone: stopped[1], part: "event-0" } : tagStation(tags, events),
        deliveryStation(tags, events),
    ];
}

function tagStation(tags, events) {
    const faults = tags.filter((tag) => tag.fault).length;
    const fired = tags.filter((tag) => tag.fired && !tag.fault).length;
    const text = tags.length ? `${fired} of ${tags.length} fired${faults ? `, ${count(faults, "fault")}` : ""}` : "none listens";
    return { title: "Tags", text, tone: faults ? "bad" : fired ? "good" : "mute", part: partOf(events, () => true) };
}

function deliveryStation(tags, events) {
    const states = tags.flatMap((tag) => tag.deliveries).map((delivery) => delivery.state);
    if (!states.length) return { title: "Deliveries", text: "none", tone: "mute", part: partOf(events, () => true) };
    const of = (state) => states.filter((one) => one === state).length;
    const words = [["dead", "dead"], ["pending", "pending"], ["delivered", "delivered"], ["dry_run", "dry run"], ["skipped", "skipped"]];
    const text = words.filter(([state]) => of(state)).map(([state, word]) => `${of(state)} ${word}`).join(", ");
    const tone = of("dead") ? "bad" : of("pending") || of("dry_run") ? "calm" : "good";
    return { title: "Deliveries", text, tone, part: partOf(events, (tag) => tag.deliveries.length) };
}

/** The first tag of which something is true. */
function partOf(events, is) {
    for (const [index, event] of events.entries()) {
        const number = event.tags.findIndex(is);
        if (number >= 0) return `event-${index}-tag-${number}`;
    }
    return "event-0";
}
