// Sessions in words.

/** What a capture session watches: "all requests", "/hooks/*, event purchase". */
export function captureText(capture) {
    const { path, client, event } = capture ?? {};
    const parts = [path, client && `client ${client}`, event && `event ${event}`].filter(Boolean);
    return parts.length ? parts.join(", ") : "all requests";
}
