// The head of a trace: what came, when, what became of it, and what one can do with it.

import { element } from "../kit/element.js";
import { copyButton } from "../kit/copy.js";
import { pretty } from "../kit/json-text.js";
import { get } from "../kit/api.js";
import { to } from "../kit/address.js";
import { mayChange } from "../kit/viewer.js";
import { micros, moment, visible } from "../kit/words.js";
import { outcome } from "./outcome.js";
import { replay } from "./replay.js";
import { saveAsTest } from "./save.js";

const MODES = { dry_run: "dry session", send: "session that sends", capture: "live traffic" };

export function headSection(trace, detail) {
    const { request } = trace;
    const [tone, word, why] = outcome(trace.outcome);
    // What was not read to its end cannot be run.
    const isWhole = trace.unasked?.whole ?? true;
    const close = element("button", { type: "button", class: "quiet back", onclick: () => detail.close(), "aria-label": "Back to the list" }, "← List");
    return element(
        "header",
        { class: "trace-head" },
        close,
        element(
            "h2",
            { class: "trace-title" },
            element("span", { class: "option-method" }, `${request.method} `),
            element("span", { class: "foreign" }, visible(request.path)),
        ),
        element("span", { class: `badge ${tone}`, title: why }, word),
        element(
            "p",
            { class: "soft tiny trace-facts" },
            fact(moment(trace.received_at)),
            fact(`from ${request.ip}`),
            fact(MODES[trace.mode] ?? trace.mode),
            fact(micros(trace.duration_us)),
            fact(`generation ${trace.generation}`),
            fact(`trace ${trace.trace_id}`),
            trace.replay_of && element("a", { href: to("live", trace.replay_of) }, "replay of another"),
        ),
        element(
            "div",
            { class: "row trace-acts" },
            isWhole && mayChange() && element("button", { type: "button", onclick: () => saveAsTest(trace) }, "Save as test…"),
            isWhole && element("button", { type: "button", onclick: () => replay(trace) }, "Replay"),
            trace.curl && copyButton("Copy as curl", trace.curl),
            copyButton("Copy trace", () => whole(trace.trace_id)),
        ),
    );
}

function fact(text) {
    return element("span", { class: "foreign" }, visible(text));
}

/** As it is when one copies: it may have gone on. */
async function whole(id) {
    return pretty(await get(`/api/traces/${encodeURIComponent(id)}`));
}
