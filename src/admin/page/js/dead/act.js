// Retrying and discarding. A selection is `{ ids }`, `{ filter }` or `{ all: true }`, of deliveries or of
// failed requests.

import { get, post, withQuery } from "../kit/api.js";
import { attempt, say } from "../kit/toast.js";
import { count } from "../kit/words.js";

/** How many a selection has now. */
export async function howMany({ kind, selection }) {
    if (selection.ids) return selection.ids.length;
    const state = kind === "deliveries" ? { state: "dead" } : {};
    const told = await get(withQuery(`/api/${kind}`, { ...state, ...selection.filter, limit: 0 }));
    return told.total;
}

/** Does it, and says what came of it. */
export async function act(what, { kind, selection }) {
    const told = await attempt(() => post(`/api/${kind}/${what}`, selection));
    if (!told) return;
    if (what === "discard") return say(`Discarded ${told.discarded}`);
    const [text, isGood] = kind === "deliveries" ? deliveriesRetried(told) : requestsRetried(told);
    const reasons = told.reasons.map(({ why, count }) => `${count} × ${why}`).join("; ");
    say([text, reasons].filter(Boolean).join(". "), isGood ? "good" : "bad");
}

function deliveriesRetried({ found, to_send, dead, skipped, left }) {
    const parts = [
        [to_send, "to be sent"],
        [dead, "dead again"],
        [skipped, "not wanted by the tag any more"],
        [left, "left as they are"],
    ];
    const text = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
    return [`Retried ${found}: ${text.join(", ") || "nothing was found"}`, dead === 0 && left === 0];
}

function requestsRetried({ found, repaired, events, left }) {
    return [`Retried ${found}: ${repaired} repaired, which made ${count(events, "event")}; ${left} left`, left === 0];
}
