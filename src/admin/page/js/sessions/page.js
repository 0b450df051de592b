// Sessions: what is watched now, and opening another. Also who else may look.

import { get, remove } from "../kit/api.js";
import { copyButton } from "../kit/copy.js";
import { confirmDialog } from "../kit/dialog.js";
import { element, fill } from "../kit/element.js";
import { feed } from "../kit/feed.js";
import { left } from "../kit/ticking.js";
import { attempt, say } from "../kit/toast.js";
import { mayChange } from "../kit/viewer.js";
import { count, visible } from "../kit/words.js";
import { accessCard } from "./access.js";
import { captureForm, headerForm } from "./forms.js";
import { captureText } from "./words.js";

const ENDED = { time: "its time is over", limit: "it has seen what it was to see", closed: "it was closed" };

export function sessionsPage(main, place, leave) {
    const list = element("div", { class: "stack" });
    const ended = element("div", { class: "stack", role: "status" });
    const opened = element("div", { class: "stack" });
    const show = () => fill(list, openSessions(feed.sessions.filter((session) => !session.ended)));
    feed.on("hello", show, leave);
    feed.on("sessions", (sessions) => {
        show();
        for (const session of sessions.filter((one) => one.ended)) ended.prepend(farewell(session));
    }, leave);
    fill(
        main,
        element(
            "div",
            { class: "page" },
            element("div", { class: "page-head" }, element("h1", {}, "Sessions")),
            element("p", { class: "soft" }, "Requests are recorded only while a session is open. At most five are; a restart ends them. What is recorded stays in memory."),
            mayChange() && element("div", { class: "two" }, captureForm(), headerForm((session) => fill(opened, tokenCard(session)))),
            opened,
            element("section", { class: "stack", "aria-labelledby": "open-sessions" }, element("h2", { id: "open-sessions" }, "Open now"), list, ended),
            mayChange() && accessCard(),
        ),
    );
    show();
    get("/api/preview/sessions").then((sessions) => {
        feed.sessions = sessions;
        show();
    }, () => {});
}

function openSessions(sessions) {
    if (!sessions.length) return element("p", { class: "soft" }, "None is open.");
    return sessions.map(sessionCard);
}

function sessionCard(session) {
    const isCapture = session.kind === "capture";
    const seen = session.limit ? `${session.seen} of ${session.limit} requests` : count(session.seen, "request");
    const close = () =>
        confirmDialog({
            title: "Close this session?",
            text: "What it has recorded stays to be looked at.",
            action: "Close it",
            run: () => attempt(() => remove(`/api/preview/sessions/${session.id}`)),
        });
    return element(
        "div",
        { class: "card session", "data-session": session.id },
        element(
            "header",
            {},
            element("span", { class: `badge ${!isCapture && session.send ? "warn" : "calm"}` }, isCapture ? "capture" : session.send ? "header, sends" : "header, dry"),
            element("strong", { class: "foreign" }, isCapture ? visible(captureText(session.capture)) : "requests with X-Preview"),
            session.draft && !isCapture && element("span", { class: "badge" }, "draft scripts"),
            element("span", { class: "soft numbers" }, seen),
            session.passed_over > 0 && element("span", { class: "badge warn", title: "more came than are recorded: 50 a second" }, `${session.passed_over} passed over`),
            element("span", { class: "push session-left" }, left(session.expires)),
            mayChange() && element("button", { type: "button", onclick: close }, "Close"),
        ),
        session.limit && element("progress", { max: session.limit, value: session.seen, "aria-label": `${session.seen} of ${session.limit}` }),
    );
}

function farewell(session) {
    const what = session.kind === "capture" ? captureText(session.capture) : "X-Preview";
    return element("p", { class: "soft" }, `The session for ${visible(what)} has ended: ${ENDED[session.ended] ?? session.ended}. It saw ${count(session.seen, "request")}.`);
}

/** The only moment at which the token can be seen. */
function tokenCard(session) {
    const header = `${session.header}: ${session.token}`;
    const card = element(
        "div",
        { class: "card stack token", role: "status" },
        element("h2", {}, "Your header"),
        element("p", { class: "soft" }, "It is shown once. A request that carries it is ", session.send ? "run, delivered and shown" : "run and shown, and nothing is sent or kept", "; ", element("code", {}, "X-Gtm-Server-Preview"), " works too."),
        element("div", { class: "code" }, element("pre", { class: "token-header" }, header), copyButton("Copy", header, { "aria-label": "Copy the header" })),
        element("p", { class: "soft" }, "As a command:"),
        element("div", { class: "code" }, element("pre", { class: "token-curl" }, session.curl), copyButton("Copy", session.curl, { "aria-label": "Copy the command" })),
        element("p", { class: "soft tiny" }, "If the answer has no ", element("code", {}, "x-preview-trace"), ", the request was not watched: the token is wrong or has expired, and it was live traffic."),
    );
    say("The session is open");
    return card;
}
