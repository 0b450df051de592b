// JSON as text and back, without changing what it says: a number that JavaScript cannot hold, such as
// an id of 19 digits, stays what it was.

/** A number as it was written. */
export class Exact {
    constructor(source) {
        this.source = source;
    }

    toJSON() {
        return JSON.rawJSON ? JSON.rawJSON(this.source) : this.source;
    }
}

/** Throws what `JSON.parse` throws. */
export function parseJson(text) {
    return JSON.parse(text, (key, value, context) => {
        if (typeof value !== "number" || !context) return value;
        const isHeld = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
        return isHeld ? value : new Exact(context.source);
    });
}

/** The value, or undefined if it is no JSON. */
export function maybeJson(text) {
    try {
        return parseJson(text);
    } catch {
        return undefined;
    }
}

/** "object", "array", "string", "number", "flag" or "null". */
export function kindOf(value) {
    if (value === null || value === undefined) return "null";
    if (value instanceof Exact) return "number";
    if (Array.isArray(value)) return "array";
    return typeof value === "boolean" ? "flag" : typeof value;
}

/** On several lines, as people read it. */
export function pretty(value) {
    return JSON.stringify(value, null, 2) ?? "null";
}

/** A value on one line. */
export function compact(value) {
    return JSON.stringify(value) ?? "null";
}

/** A step further in a JSON pointer. */
export function pointerTo(parent, key) {
    return `${parent}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
