// The rows of the live list: the newest first, at most as many as the server keeps. Held back while
// one pauses.

/** As many traces as the server's ring has. */
export const MOST = 1_000;

export class Rows {
    #byId = new Map();
    #sorted = [];
    #waiting = new Map();
    #paused = false;

    get all() {
        return this.#sorted;
    }

    /** Rows that came while one paused. */
    get waiting() {
        return [...this.#waiting.keys()].filter((id) => !this.#byId.has(id)).length;
    }

    get paused() {
        return this.#paused;
    }

    at(index) {
        return this.#sorted[index];
    }

    indexOf(id) {
        return this.#sorted.findIndex((row) => row.trace_id === id);
    }

    get(id) {
        return this.#byId.get(id);
    }

    /** Begins anew. */
    reset(rows) {
        this.#byId = new Map(rows.map((row) => [row.trace_id, row]));
        this.#waiting.clear();
        this.#sort();
    }

    /** Takes in what came; gives how many rows are new at the top. */
    take(rows) {
        if (this.#paused) {
            rows.forEach((row) => this.#waiting.set(row.trace_id, row));
            return 0;
        }
        const before = this.#sorted[0]?.seq ?? -1;
        rows.forEach((row) => this.#byId.set(row.trace_id, row));
        this.#sort();
        return this.#sorted.filter((row) => row.seq > before).length;
    }

    pause() {
        this.#paused = true;
    }

    resume() {
        this.#paused = false;
        const rows = [...this.#waiting.values()];
        this.#waiting.clear();
        return this.take(rows);
    }

    #sort() {
        this.#sorted = [...this.#byId.values()].sort((a, b) => b.seq - a.seq);
        this.#sorted.splice(MOST).forEach((row) => this.#byId.delete(row.trace_id));
    }
}
