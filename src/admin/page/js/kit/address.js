// Where one is: `#/live/3a7276d9?outcome=failed`. It stands in the address, so that every view can be
// shared, and behind the #, so that what is searched for never reaches a log.

/** The page, the item on it, and what is filtered for. */
export function here() {
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
    const [page, item] = path.split("/").map(decode);
    return { page: page || "live", item: item || null, filters: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place. */
export function to(page, item = null, filters = {}) {
    const given = Object.entries(filters).filter(([, value]) => value);
    const query = new URLSearchParams(given).toString();
    return `#/${page}${item ? `/${encodeURIComponent(item)}` : ""}${query ? `?${query}` : ""}`;
}

/** Goes there; `replace` leaves no step to go back to. */
export function go(address, { replace = false } = {}) {
    if (address === location.hash) return;
    if (!replace) {
        location.hash = address;
        return;
    }
    history.replaceState(null, "", address);
    dispatchEvent(new HashChangeEvent("hashchange"));
}

function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}
