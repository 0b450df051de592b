// What came in: the request line, header fields, query, body.

import { element } from "../kit/element.js";
import { maybeJson } from "../kit/json-text.js";
import { bytes, count } from "../kit/words.js";
import { bodyView, fold, pairs, section, textView } from "./section.js";

/** `head` is how it came, where that is why it was refused. */
export function requestSection(request, head) {
    const headers = Object.keys(request.headers).length;
    const query = Object.keys(request.query ?? {}).length;
    const size = element("span", { class: "soft tiny push" }, bytes(request.bytes ?? request.body.length));
    const body = element("div", { class: "request-body" }, bodyView(request.body, "Request body"));
    const fields = fold(count(headers, "header field"), false, pairs(request.headers));
    const parameters = query > 0 && fold(count(query, "query parameter"), true, pairs(request.query));
    const asItCame = head && [element("h4", {}, "Head, as it came"), textView(head)];
    const made = section("request", "Request", size, asItCame, fields, parameters, element("h4", {}, kindOf(request)), body);
    made.reveal = (source) => reveal({ body, fields, parameters }, source);
    return made;
}

function kindOf(request) {
    if (!request.body) return "No body";
    return maybeJson(request.body) === undefined ? "Body" : "Body, JSON";
}

/** Shows where something came from; says if it was found. */
function reveal({ body, fields, parameters }, { from, at }) {
    if (from === "body") return body.querySelector(".json")?.reveal(at) ?? false;
    const place = { header: fields, query: parameters, cookie: fields }[from];
    if (!place) return false;
    const wanted = from === "cookie" ? "cookie" : from === "header" ? at?.toLowerCase() : at;
    const found = [...place.querySelectorAll("dd")].find((value) => value.dataset.name === wanted);
    if (!found) return false;
    place.open = true;
    document.querySelectorAll(".revealed").forEach((old) => old.classList.remove("revealed"));
    found.classList.add("revealed");
    found.scrollIntoView({ block: "center" });
    return true;
}
