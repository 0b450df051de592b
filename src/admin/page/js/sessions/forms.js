// The forms that open a session.

import { get } from "../kit/api.js";
import { element } from "../kit/element.js";
import { openCapture, openHeader } from "./open.js";

const TIMES = ["10m", "30m", "1h", "4h", "24h"];
const TIME_WORDS = { "10m": "10 minutes", "30m": "30 minutes", "1h": "1 hour", "4h": "4 hours", "24h": "a day" };

export function captureForm() {
    const path = field("capture-path", "Path", { placeholder: "any, or /hooks/*" });
    const client = field("capture-client", "Client", { placeholder: "any", list: "known-clients" });
    const event = field("capture-event", "Event", { placeholder: "any" });
    const limit = field("capture-limit", "At most", { type: "number", min: 1, max: 1000, value: 500 });
    const known = element("datalist", { id: "known-clients" });
    get("/api/clients").then((clients) => known.append(...clients.map(({ name }) => element("option", { value: name }))), () => {});
    const time = timeField("capture-time", "1h");
    const open = (submission) => {
        submission.preventDefault();
        const filter = { path: path.input.value.trim(), client: client.input.value.trim(), event: event.input.value.trim() };
        const capture = Object.fromEntries(Object.entries(filter).filter(([, value]) => value));
        openCapture({ ttl: time.input.value, limit: Number(limit.input.value) || undefined, capture });
    };
    return element(
        "form",
        { class: "card stack", onsubmit: open, "aria-labelledby": "capture-title" },
        element("h2", { id: "capture-title" }, "Watch live traffic"),
        element("p", { class: "soft" }, "For senders that can set no header. Delivery goes on as ever."),
        element("div", { class: "fields" }, path.box, client.box, event.box, limit.box, time.box),
        known,
        element("p", {}, element("button", { class: "primary" }, "Capture")),
    );
}

export function headerForm(onOpened) {
    const radio = (value, title, text, checked) => {
        const id = `header-${value}`;
        return element("p", { class: "row choice" }, element("input", { type: "radio", name: "send", id, value, checked }), element("label", { for: id }, title, " ", element("span", { class: "soft" }, text)));
    };
    const time = timeField("header-time", "1h");
    const open = async (submission) => {
        submission.preventDefault();
        const send = new FormData(submission.target).get("send") === "send";
        const opened = await openHeader({ ttl: time.input.value, send });
        if (opened) onOpened(opened);
    };
    return element(
        "form",
        { class: "card stack", onsubmit: open, "aria-labelledby": "header-title" },
        element("h2", { id: "header-title" }, "Try requests of your own"),
        element("p", { class: "soft" }, "You get a header; requests that carry it are watched. They run through the draft scripts if there are any."),
        element("fieldset", { class: "stack" }, element("legend", { class: "unseen" }, "What is done with them"), radio("dry", "Dry:", "nothing is sent, nothing kept", true), radio("send", "Send:", "delivered like any other", false)),
        element("div", { class: "fields" }, time.box),
        element("p", {}, element("button", { class: "primary" }, "Get a header")),
    );
}

function field(id, title, attributes) {
    const input = element("input", { id, autocomplete: "off", spellcheck: "false", ...attributes });
    return { input, box: element("div", { class: "field" }, element("label", { for: id }, title), input) };
}

function timeField(id, chosen) {
    const option = (value) => element("option", { value, selected: value === chosen }, TIME_WORDS[value]);
    const input = element("select", { id }, TIMES.map(option));
    return { input, box: element("div", { class: "field" }, element("label", { for: id }, "For"), input) };
}
