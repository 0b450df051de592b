// Who looks, and what the server said of itself: asked once, when the page is opened.

import { get } from "./api.js";

export const viewer = {
    /** "admin", or "read", who may change nothing. */
    role: "read",
    version: "",
    public_url: "",
    /** The server's clock less ours, in milliseconds. */
    ahead: 0,
};

export async function meet() {
    const before = Date.now();
    const told = await get("/api/me");
    Object.assign(viewer, told, { ahead: told.time - (before + Date.now()) / 2 });
}

export const mayChange = () => viewer.role === "admin";

/** The server's time of day. */
export const now = () => Date.now() + viewer.ahead;
