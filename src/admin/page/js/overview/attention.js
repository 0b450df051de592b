// What somebody should look at, the worst first, and where. Pure: statuses in, items out.

import { to } from "../kit/address.js";
import { count, span, visible } from "../kit/words.js";

/** Nothing should wait longer, in seconds, unless its destination is the reason. */
const LONG_WAIT = 300;

/** The journal's size, as a share of its limit, above which room becomes scarce. */
const NEARLY_FULL = 0.8;

export function attention(status, destinations) {
    return [...journal(status), ...files(status), ...stopped(destinations), ...letters(status), ...backlog(status, destinations)];
}

function* journal({ journal }) {
    if (!journal.healthy) {
        yield { tone: "bad", title: "The journal cannot write", text: `${visible(journal.error ?? "")} New events are refused with 503 until it can.` };
    }
    const share = (journal.size_bytes ?? 0) / journal.max_size;
    if (share > NEARLY_FULL) {
        yield { tone: "warn", title: "The journal is nearly full", text: `${Math.round(share * 100)} % of max_size are used; at 100 % new events are refused.` };
    }
}

function* files({ problems }) {
    if (!problems.length) return;
    const [first] = problems;
    const text = `${first.file}${first.line ? `:${first.line}` : ""} ${first.message}`;
    yield { tone: "bad", title: `Saved files are refused: ${count(problems.length, "problem")}`, text: visible(text), href: to("scripts"), action: "Show" };
}

const STOPPED = {
    not_configured: "is not configured",
    paused: "is paused",
    disabled: "is disabled",
    open: "does not answer",
    throttled: "asks for a pause",
};

function* stopped(destinations) {
    for (const destination of destinations) {
        const words = STOPPED[destination.state];
        // One that nothing waits for may stay unconfigured.
        const isIdle = destination.state === "not_configured" && !destination.pending;
        if (!words || isIdle) continue;
        const waiting = destination.pending ? ` ${count(destination.pending, "delivery waits", "deliveries wait")}.` : "";
        const tone = destination.state === "throttled" ? "warn" : "bad";
        yield { tone, title: `${visible(destination.name)} ${words}`, text: `${visible(destination.why ?? "")}.${waiting}`, href: to("scripts"), action: "Show" };
    }
}

function* letters({ dead_letters }) {
    const { deliveries = 0, requests = 0 } = dead_letters ?? {};
    if (!deliveries && !requests) return;
    const parts = [deliveries && count(deliveries, "delivery", "deliveries"), requests && count(requests, "failed request")].filter(Boolean);
    yield { tone: "bad", title: `${count(deliveries + requests, "dead letter")}`, text: `${parts.join(", ")}. Nothing is lost: repair, then retry.`, href: to("dead"), action: "Open" };
}

function* backlog({ journal }, destinations) {
    const age = journal.oldest_undelivered_seconds;
    const isExplained = destinations.some((one) => STOPPED[one.state] && one.pending);
    if (!age || age < LONG_WAIT || isExplained) return;
    yield { tone: "warn", title: "Deliveries wait for long", text: `The oldest has waited for ${span(age * 1_000)}.` };
}
