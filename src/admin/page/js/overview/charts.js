// The charts of the overview, from the series that the server keeps: fetched whole once, then only what
// is new.

import { withQuery } from "../kit/api.js";
import { element, fill } from "../kit/element.js";
import { micros, number, span } from "../kit/words.js";
import { chart } from "./chart.js";

const rate = (value) => `${number(value)}/s`;
const millis = (value) => micros(value * 1_000);

const CHARTS = [
    { title: "Events a second", lines: [["events_per_second", "events", "accent"], ["requests_per_second", "requests", "calm"]], format: rate },
    { title: "Deliveries a second", lines: [["deliveries_per_second", "delivered", "accent"], ["failures_per_second", "failed tries", "bad"]], format: rate },
    { title: "Backlog", lines: [["pending", "deliveries that wait", "calm"]], format: number },
    { title: "Oldest that waits", lines: [["backlog_age_seconds", "age", "warn"]], format: (value) => span(value * 1_000) },
    { title: "Answer to the sender", lines: [["answer_p50_ms", "p50", "accent"], ["answer_p99_ms", "p99", "warn"]], format: millis },
    { title: "On disk (fsync)", lines: [["fsync_p50_ms", "p50", "accent"], ["fsync_p99_ms", "p99", "warn"]], format: millis },
];

/** Points kept: ten minutes. */
const MOST = 300;

export class Charts {
    #series = null;
    box = element("div", { class: "charts" });

    path() {
        return withQuery("/api/series", { since: this.#series?.time.at(-1) });
    }

    add(fresh) {
        if (!this.#series) this.#series = fresh;
        else this.#append(fresh);
        fill(this.box, CHARTS.map((one) => chart(one, this.#series)));
    }

    #append(fresh) {
        if (!fresh.time.length) return;
        for (const [name, column] of Object.entries(fresh)) {
            if (Array.isArray(column)) this.#series[name] = [...(this.#series[name] ?? []), ...column].slice(-MOST);
        }
    }
}
