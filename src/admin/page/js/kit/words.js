// Numbers, times and foreign text as people read them.

/** `14:03:09.250` here, where the reader is. */
export function clock(millis) {
    const at = new Date(millis);
    const two = (number) => String(number).padStart(2, "0");
    const three = String(at.getMilliseconds()).padStart(3, "0");
    return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${three}`;
}

/** `2026-11-21 14:03:09`, with the zone that it is in. */
export function moment(millis) {
    return new Date(millis).toLocaleString(undefined, {
        dateStyle: "medium",
        timeStyle: "long",
    });
}

/** A duration in microseconds: `9 µs`, `1.25 ms`, `3.4 s`. */
export function micros(us) {
    if (us < 1_000) return `${Math.round(us)} µs`;
    if (us < 1_000_000) return `${round(us / 1_000)} ms`;
    return `${round(us / 1_000_000)} s`;
}

/** A span in milliseconds, roughly: `40 s`, `12 min`, `3 h`, `5 days`. */
export function span(millis) {
    const seconds = Math.max(0, Math.round(millis / 1_000));
    if (seconds < 90) return `${seconds} s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 90) return `${minutes} min`;
    const hours = Math.round(minutes / 60);
    if (hours < 48) return `${hours} h`;
    return `${Math.round(hours / 24)} days`;
}

/** How long ago, or how far ahead. */
export function relative(millis, now = Date.now()) {
    const away = millis - now;
    if (Math.abs(away) < 1_500) return "now";
    return away > 0 ? `in ${span(away)}` : `${span(-away)} ago`;
}

/** A countdown: `59:07`, `1:00:00`. */
export function countdown(millis) {
    const seconds = Math.max(0, Math.round(millis / 1_000));
    const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
    const two = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `817 B`, `2.4 KiB`, `16 MiB`. */
export function bytes(count) {
    if (count < 1_024) return `${count} B`;
    if (count < 1_048_576) return `${round(count / 1_024)} KiB`;
    if (count < 1_073_741_824) return `${round(count / 1_048_576)} MiB`;
    return `${round(count / 1_073_741_824)} GiB`;
}

/** `12,345`. */
export function number(value) {
    return round(value).toLocaleString("en");
}

/** `1 event`, `2 events`. */
export function count(value, one, many = `${one}s`) {
    return `${number(value)} ${value === 1 ? one : many}`;
}

function round(value) {
    if (Math.abs(value) >= 100) return Math.round(value);
    return Math.round(value * (Math.abs(value) >= 10 ? 10 : 100)) / (Math.abs(value) >= 10 ? 10 : 100);
}

// Control characters, and those that turn the direction of text round: unseen, they deceive.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Foreign text with what cannot be seen made visible: `‹U+202E›`. */
export function visible(text) {
    return String(text).replace(UNSEEN, (unseen) => {
        const code = unseen.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
        return `‹U+${code}›`;
    });
}

/** The first characters of a long text, never half of one. */
export function shorten(text, most) {
    if (text.length <= most) return text;
    const end = /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most;
    return `${text.slice(0, end)}…`;
}
