// The sessions that are open now, in a line above the list: who is watched, for how long yet.

import { to } from "../kit/address.js";
import { element, fill } from "../kit/element.js";
import { feed } from "../kit/feed.js";
import { left } from "../kit/ticking.js";
import { count } from "../kit/words.js";
import { captureText } from "../sessions/words.js";

export function sessionStrip(leave) {
    const strip = element("div", { class: "strip", "aria-label": "Open sessions", role: "region" });
    const show = () => {
        const open = feed.sessions.filter((session) => !session.ended);
        strip.hidden = open.length === 0;
        fill(strip, open.map(one), element("a", { class: "push tiny", href: to("sessions") }, "Sessions"));
    };
    feed.on("hello", show, leave);
    feed.on("sessions", show, leave);
    show();
    return strip;
}

function one(session) {
    const what = session.kind === "capture" ? captureText(session.capture) : `requests with ${session.header ?? "X-Preview"}`;
    const tone = session.send && session.kind === "header" ? "warn" : "calm";
    const mode = session.kind === "capture" ? "capture" : session.send ? "send" : "dry";
    const seen = session.limit ? `${session.seen} of ${session.limit}` : count(session.seen, "request");
    const skipped = session.passed_over > 0 && ` (${session.passed_over} passed over)`;
    return element(
        "span",
        { class: "strip-one" },
        element("span", { class: `badge ${tone}` }, mode),
        element("span", { class: "foreign" }, what),
        element("span", { class: "soft numbers" }, seen, skipped, " · ", left(session.expires)),
    );
}
