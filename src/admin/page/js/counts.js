// The counts beside the names of the pages, looked at now and then while somebody looks at the page.

import { get } from "./kit/api.js";
import { feed } from "./kit/feed.js";
import { markPage } from "./frame.js";

const EVERY_MS = 5_000;

export function watchCounts() {
    look();
    setInterval(() => document.visibilityState === "visible" && look(), EVERY_MS);
    feed.addEventListener("reload", look);
}

/** Also after something was done that changes them. */
export async function look() {
    const status = await get("/api/status").catch(() => null);
    if (!status) return;
    const { deliveries, requests } = status.dead_letters ?? { deliveries: 0, requests: 0 };
    markPage("dead", (deliveries ?? 0) + (requests ?? 0), "bad");
    markPage("scripts", status.problems.length, "bad");
}
