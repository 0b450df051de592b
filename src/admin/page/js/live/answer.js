// What the sender was told.

import { element } from "../kit/element.js";
import { count } from "../kit/words.js";
import { bodyView, fold, pairs, section } from "./section.js";

export function answerSection(response) {
    const tone = response.status < 400 ? "good" : "warn";
    const headers = Object.keys(response.headers).length;
    return section(
        "answer",
        "Answer to the sender",
        element("span", { class: `badge ${tone}` }, response.status),
        headers > 0 && fold(count(headers, "header field"), false, pairs(response.headers)),
        response.body && fold("Body", response.status >= 400, bodyView(response.body, "Answer body")),
    );
}
