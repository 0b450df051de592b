// A trace becomes a test: a case in the user's cases/ folder, which `tagwerk test` runs.

import { post } from "../kit/api.js";
import { copyButton } from "../kit/copy.js";
import { openDialog } from "../kit/dialog.js";
import { element, fill } from "../kit/element.js";
import { visible } from "../kit/words.js";
import { differenceList } from "./difference.js";

/** Another one of that name is there. */
const TAKEN = 409;

export function saveAsTest(trace) {
    openDialog("Save as test", (close) => {
        const box = element("div", { class: "stack" });
        fill(box, form(trace, box, close));
        return box;
    });
}

function form(trace, box, close) {
    const name = element("input", { id: "case-name", value: suggest(trace), required: true, maxlength: 100, pattern: "[A-Za-z0-9._\\-]+", spellcheck: "false", autofocus: true });
    const refusal = element("p", { class: "bad-text", role: "alert" });
    const over = element("input", { type: "checkbox", id: "case-over" });
    const overwrite = element("p", { class: "row", hidden: true }, over, element("label", { for: "case-over" }, "Write over the case that is there"));
    const send = async (submission) => {
        submission.preventDefault();
        refusal.textContent = "";
        try {
            const path = `/api/traces/${encodeURIComponent(trace.trace_id)}/save`;
            fill(box, result(await post(path, { name: name.value, overwrite: over.checked }), close));
        } catch (error) {
            refusal.textContent = error.message;
            overwrite.hidden = overwrite.hidden && error.status !== TAKEN;
        }
    };
    return element(
        "form",
        { class: "stack", onsubmit: send },
        element("p", { class: "soft" }, "The request, its events and its deliveries become three files in cases/. Secrets are left out."),
        element("div", { class: "field" }, element("label", { for: "case-name" }, "Name"), name, element("small", {}, "Letters, digits, - _ and .")),
        overwrite,
        refusal,
        element("div", { class: "ends" }, element("button", { type: "button", onclick: close }, "Cancel"), element("button", { class: "primary" }, "Save")),
    );
}

function result(saved, close) {
    const command = "tagwerk test";
    return [
        element("p", { role: "status" }, "Saved to ", element("code", { class: "saved-folder" }, saved.folder), ": ", saved.files.join(", "), "."),
        saved.removed.length > 0 && element("p", { class: "soft" }, `Left out: ${saved.removed.map(visible).join(", ")}.`),
        saved.green
            ? element("p", {}, element("span", { class: "badge good" }, "green"), " This runs it, with all others:")
            : element("div", { class: "stack" }, element("p", {}, element("span", { class: "badge warn" }, "red"), " The scripts make something else by now than this trace shows:"), differenceList(saved.differences)),
        element("div", { class: "code" }, element("pre", {}, command), copyButton("Copy", command)),
        element("div", { class: "ends" }, element("button", { type: "button", class: "primary", onclick: close, autofocus: true }, "Done")),
    ];
}

/** A name by what it is: `purchase-01m8h9`. */
function suggest(trace) {
    const what = trace.events[0]?.data?.event_name ?? trace.request.path;
    const plain = String(what).replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|-+$/g, "").slice(0, 40);
    return `${plain || "request"}-${trace.trace_id.slice(0, 6)}`;
}
