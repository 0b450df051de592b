// Short messages at the bottom, also read out.

import { element } from "./element.js";

const SHOWN_MS = 6_000;

/** Says something in passing. `tone` is "good" or "bad". */
export function say(text, tone = "good") {
    const toast = element("p", { class: `toast ${tone}` }, text);
    document.querySelector("#toasts").append(toast);
    setTimeout(() => toast.remove(), SHOWN_MS);
}

/** Runs what may be refused, and says why if it is. Gives undefined then. */
export async function attempt(doing) {
    try {
        return await doing();
    } catch (error) {
        say(error.message, "bad");
        return undefined;
    }
}
