// The admin API: JSON in, JSON out, and the stream of what happens. The browser's session cookie goes
// along by itself; no token is ever seen here.

import { maybeJson } from "./json-text.js";

/** A "no" of the API, in its own words. */
export class Refused extends Error {
    constructor(status, message, body = null) {
        super(message);
        this.status = status;
        this.body = body;
    }
}

/** Called when the session has ended. */
let onLoggedOut = () => {};

export function whenLoggedOut(handler) {
    onLoggedOut = handler;
}

export const get = (path, options) => ask("GET", path, undefined, options);
export const post = (path, body = {}) => ask("POST", path, body);
export const remove = (path) => ask("DELETE", path);

async function ask(method, path, body, { signal } = {}) {
    const headers = { accept: "application/json" };
    if (method !== "GET") headers["content-type"] = "application/json";
    const sent = body === undefined ? undefined : JSON.stringify(body);
    let answer, text;
    try {
        answer = await fetch(path, { method, headers, body: sent, signal, cache: "no-store" });
        // Who leaves while it comes gives it up, as before it came: half an answer is none.
        text = await answer.text();
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new Refused(0, "the server does not answer");
    }
    const told = maybeJson(text) ?? null;
    if (answer.ok) return told;
    if (answer.status === 401) onLoggedOut();
    throw new Refused(answer.status, told?.error ?? `the server answered ${answer.status}`, told);
}

/** Query parameters, without those that are empty. */
export function withQuery(path, values) {
    const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const query = new URLSearchParams(given).toString();
    return query ? `${path}?${query}` : path;
}
