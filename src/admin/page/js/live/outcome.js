// What became of a request, in a word, with its colour. The word says all; the colour only helps.

const OUTCOMES = {
    delivered: ["good", "delivered", "all deliveries have arrived"],
    dry_run: ["calm", "dry run", "nothing was sent"],
    pending: ["calm", "pending", "deliveries wait for their turn"],
    retrying: ["warn", "retrying", "a delivery failed and is tried again"],
    dead: ["bad", "dead letter", "a delivery was given up"],
    failed: ["bad", "script failed", "a client or a tag failed"],
    refused: ["warn", "refused", "the sender was answered 4xx or 5xx"],
    unclaimed: ["warn", "unclaimed", "no client took it"],
    nothing: ["mute", "nothing sent", "no event, or no tag fired"],
};

export const OUTCOME_NAMES = Object.keys(OUTCOMES);

/** Tone, word and explanation. */
export function outcome(name) {
    return OUTCOMES[name] ?? ["mute", name, ""];
}

/** The same words for the state of one delivery. */
const STATES = {
    delivered: ["good", "delivered"],
    pending: ["calm", "pending"],
    dead: ["bad", "dead letter"],
    dry_run: ["calm", "dry run"],
    skipped: ["mute", "skipped"],
};

export function deliveryState(name) {
    return STATES[name] ?? ["mute", name];
}

const ATTEMPTS = {
    delivered: "good",
    retry: "warn",
    throttled: "warn",
    rejected: "bad",
    redirected: "bad",
    paused: "warn",
    disabled: "bad",
    not_tried: "mute",
};

export function attemptTone(name) {
    return ATTEMPTS[name] ?? "mute";
}
