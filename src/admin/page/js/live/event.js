// An event, and where each of its keys came from. A click on that shows the place in the request.

import { element } from "../kit/element.js";
import { jsonView } from "../kit/json-view.js";
import { count, visible } from "../kit/words.js";
import { section } from "./section.js";

const PLACES = { body: "body", query: "query", header: "header", cookie: "cookie", parameter: "path parameter", path: "path", sender: "sender's address", time: "time of arrival", generated: "made here", script: "script", derived: "computed" };

const EXPLAINED = { converted: "converted", part: "a part of it", literal: "as written" };

/** Why no tag has run for it. */
const UNPROCESSED = {
    waiting: "Its tags have not run yet.",
    repeat: "Its sender had sent it before, so nothing is run for it again.",
    not_kept: "The journal could not take it, so its sender was told to come back.",
};

/** Sources that can be shown in the request. */
const SHOWN = ["body", "query", "header", "cookie"];

export function eventSection(event, index, of, reveal) {
    const name = String(event.data?.event_name ?? "without a name");
    const provenance = event.provenance ?? {};
    const title = [of > 1 && `Event ${index + 1} of ${of}: `, of === 1 && "Event ", element("span", { class: "foreign event-name" }, visible(name))];
    const view = jsonView(event.data, {
        label: of > 1 ? `Event data ${index + 1}` : "Event data",
        note: (pointer) => Object.hasOwn(provenance, pointer) && origin(provenance[pointer], reveal),
    });
    return section(
        `event-${index}`,
        title,
        element("span", { class: "soft tiny mono push" }, event.event_id),
        view,
        event.processed === false && element("p", { class: "soft" }, UNPROCESSED[event.state] ?? UNPROCESSED.waiting),
        event.processed !== false && !event.tags.length && noTag(name),
        event.tags.length > 0 && element("p", { class: "soft tiny" }, `${count(event.tags.length, "tag listens", "tags listen")} to it:`),
    );
}

function noTag(name) {
    return element("p", {}, "No tag listens to this event. One does if its ", element("code", {}, "ON"), " names ", element("code", { class: "foreign" }, visible(name)), ".");
}

function origin(source, reveal) {
    const { from, at, how, also } = source;
    const text = [PLACES[from] ?? from, at && ` ${visible(at)}`].filter(Boolean).join("");
    const words = [EXPLAINED[how], also && `or ${count(also, "other place")}`].filter(Boolean).join(", ");
    const label = element("span", { class: "mono foreign" }, `← ${text}`);
    const more = words && element("span", {}, ` ${words}`);
    if (!SHOWN.includes(from)) return element("span", { class: "json-note" }, label, more);
    const show = element("button", { type: "button", class: "json-note", title: "Show it in the request", onclick: () => reveal(source) }, label, more);
    return show;
}
