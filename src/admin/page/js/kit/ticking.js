// Times that go on by themselves: "12 s ago", "in 40 s", "59:07". One clock for all of them.

import { element } from "./element.js";
import { now } from "./viewer.js";
import { countdown, moment, relative } from "./words.js";

const FORMS = { relative, countdown: (millis, at) => countdown(millis - at) };

/** A time as it is from here: "12 s ago". */
export function ago(millis) {
    return ticking("relative", millis);
}

/** What is left until then: "59:07". */
export function left(millis) {
    return ticking("countdown", millis);
}

function ticking(form, millis) {
    const attributes = { datetime: new Date(millis).toISOString(), title: moment(millis) };
    const made = element("time", { ...attributes, class: "numbers", "data-form": form, "data-at": millis });
    tick(made);
    return made;
}

function tick(made) {
    made.textContent = FORMS[made.dataset.form](Number(made.dataset.at), now());
}

setInterval(() => document.querySelectorAll("time[data-form]").forEach(tick), 1_000);
