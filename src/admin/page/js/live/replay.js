// A trace once more, through the scripts as they are now: what would differ?

import { get, post } from "../kit/api.js";
import { go, here, to } from "../kit/address.js";
import { openDialog } from "../kit/dialog.js";
import { element, fill } from "../kit/element.js";
import { attempt } from "../kit/toast.js";
import { count } from "../kit/words.js";
import { differenceList } from "./difference.js";

export async function replay(trace) {
    const status = await get("/api/status").catch(() => null);
    const hasDraft = Boolean(status?.draft?.generation);
    const told = await run(trace, hasDraft ? "draft" : "live");
    if (!told) return;
    openDialog("Replay", (close) => {
        const box = element("div", { class: "stack" });
        show(box, trace, told, { hasDraft, set: hasDraft ? "draft" : "live" }, close);
        return box;
    }).classList.add("wide");
}

function run(trace, set) {
    return attempt(() => post(`/api/traces/${encodeURIComponent(trace.trace_id)}/replay`, { set }));
}

function show(box, trace, told, { hasDraft, set }, close) {
    const again = async (other) => {
        const next = await run(trace, other);
        if (next) show(box, trace, next, { hasDraft, set: other }, close);
    };
    const open = () => {
        close();
        go(to("live", told.trace.trace_id, here().filters));
    };
    const choice = (name) => element("button", { type: "button", "aria-pressed": String(set === name), onclick: () => again(name) }, name);
    fill(
        box,
        element("p", { class: "soft" }, "Run dry, nothing was sent. Generation ", element("code", {}, told.trace.generation), ", then it was ", element("code", {}, trace.generation), "."),
        hasDraft && element("div", { class: "row", role: "group", "aria-label": "Through which scripts" }, choice("live"), choice("draft")),
        element("p", { role: "status" }, told.same ? [element("span", { class: "badge good" }, "same"), " It makes exactly what it made then."] : [element("span", { class: "badge warn" }, count(told.differences.length, "difference"))]),
        differenceList(told.differences),
        element("div", { class: "ends" }, element("button", { type: "button", onclick: open }, "Open the new trace"), element("button", { type: "button", class: "primary", onclick: close, autofocus: true }, "Close")),
    );
}
