// Opening sessions.

import { post } from "../kit/api.js";
import { attempt, say } from "../kit/toast.js";
import { captureText } from "./words.js";

/** Watches live traffic. Gives the session, or undefined if it was refused. */
export async function openCapture({ ttl, limit, capture }) {
    const opened = await attempt(() => post("/api/preview/sessions", { ttl, limit, capture }));
    if (opened) say(`Watching ${captureText(opened.capture)}`);
    return opened;
}

/** Watches requests that carry a header. */
export function openHeader({ ttl, send }) {
    return attempt(() => post("/api/preview/sessions", { ttl, send }));
}
