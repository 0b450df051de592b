// Dead letters: what was given up and is kept, by what went wrong. One can open it, try it again, or
// throw it away; nothing is thrown away without being asked how much.

import { get } from "../kit/api.js";
import { confirmDialog } from "../kit/dialog.js";
import { element, fill } from "../kit/element.js";
import { keepLooking } from "../kit/looking.js";
import { mayChange } from "../kit/viewer.js";
import { count } from "../kit/words.js";
import { look as lookAtCounts } from "../counts.js";
import { act, howMany } from "./act.js";
import { Group } from "./group.js";

const EVERY_MS = 4_000;

export function deadPage(main, place, leave) {
    const head = element("div", { class: "row" });
    const box = element("div", { class: "stack roomy-stack" });
    const groups = new Map();
    fill(main, element("div", { class: "page" }, element("div", { class: "page-head" }, element("h1", {}, "Dead letters"), head), box));

    const look = async () => {
        const [dead, requests] = await Promise.all([get("/api/dead"), get("/api/requests?limit=1")]);
        if (leave.aborted) return;
        const found = [...groupsOf(dead, requests)];
        for (const key of [...groups.keys()].filter((key) => !found.some((one) => one.key === key))) groups.delete(key);
        for (const group of found) {
            if (!groups.has(group.key)) groups.set(group.key, new Group(group, changed));
            groups.get(group.key).update(group);
        }
        const shown = found.map(({ key }) => groups.get(key).box);
        const isSame = shown.length === box.children.length && shown.every((one, index) => box.children[index] === one);
        if (!shown.length) fill(box, none());
        else if (!isSame) fill(box, shown);
        fill(head, dead.deliveries > 0 && mayChange() && allButtons(changed));
    };
    const again = keepLooking(look, EVERY_MS, leave);
    const changed = async () => {
        await again();
        lookAtCounts();
    };
}

/** The groups of deliveries, and the requests whose client failed as one more. */
function* groupsOf(dead, requests) {
    for (const group of dead.groups) {
        const filter = { class: group.class, tag: group.tag, destination: group.destination };
        yield { ...group, kind: "deliveries", key: JSON.stringify(filter), filter };
    }
    if (requests.total > 0) {
        const [newest] = requests.requests;
        yield { kind: "requests", key: "requests", count: requests.total, class: "script", note: newest?.fault?.message ?? String(newest?.fault ?? ""), filter: null };
    }
}

function allButtons(changed) {
    const all = { kind: "deliveries", selection: { all: true } };
    const retry = async () => {
        const many = await howMany(all);
        confirmDialog({
            title: `Retry ${count(many, "dead letter")}?`,
            text: "Their tags run again as they are now, and what they make is sent under the same ids.",
            action: `Retry ${many}`,
            danger: false,
            run: () => act("retry", all).then(changed),
        });
    };
    const discard = async () => {
        const many = await howMany(all);
        confirmDialog({
            title: `Discard ${count(many, "dead letter")}?`,
            text: "All dead deliveries are thrown away. That cannot be undone.",
            action: `Discard ${many}`,
            run: () => act("discard", all).then(changed),
        });
    };
    return [
        element("button", { type: "button", onclick: retry }, "Retry all…"),
        element("button", { type: "button", class: "danger", onclick: discard }, "Discard all…"),
    ];
}

function none() {
    return element(
        "div",
        { class: "teach" },
        element("h2", {}, "No dead letters"),
        element("p", { class: "soft" }, "What a vendor refuses for good, what a tag fails on, or what has been tried for three days comes here. It is kept for 14 days, and can be sent again after the repair."),
    );
}
