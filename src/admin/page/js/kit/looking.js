// Asking again and again while somebody looks at the page.

import { say } from "./toast.js";

/** Calls `look` now and every so often, until one leaves. Gives a function that looks at once. */
export function keepLooking(look, everyMillis, leave) {
    let failed = false;
    let running = null;
    const once = async () => {
        try {
            await look();
            failed = false;
        } catch (error) {
            // Said once, not every few seconds.
            if (!failed && !leave.aborted) say(error.message, "bad");
            failed = true;
        }
    };
    const now = () => (running ??= once().finally(() => (running = null)));
    const timer = setInterval(() => document.visibilityState === "visible" && now(), everyMillis);
    leave.addEventListener("abort", () => clearInterval(timer));
    now();
    return async () => {
        // What is under way may not know yet.
        await running;
        await now();
    };
}
