// An HTTP endpoint that keeps what it is sent, as a destination of the test's own.

import http from "node:http";
import { until } from "./patience.mjs";

export class Recorder {
    /** Bodies, as JSON, in the order in which they came. */
    bodies = [];
    /** Where it listens, such as `http://127.0.0.1:40001`. */
    address;

    /** Opens one and closes it after the test. */
    static async open(test) {
        const recorder = new Recorder();
        const server = http.createServer(async (request, response) => {
            const chunks = [];
            for await (const chunk of request) chunks.push(chunk);
            recorder.bodies.push(JSON.parse(Buffer.concat(chunks)));
            response.end();
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        test.after(() => {
            server.closeAllConnections();
            server.close();
        });
        recorder.address = `http://127.0.0.1:${server.address().port}`;
        return recorder;
    }

    /** Waits for so many; gives them all. */
    async wait(count) {
        return until(`${count} came`, () => this.bodies.length >= count && [...this.bodies]);
    }
}

/** A tag and a destination by which a recorder gets each event's data. */
export const sink = (recorder) => ({
    files: { "tags/sink.rhai": 'const ON = "*";\nconst TO = "sink";\nfn tag(event) { #{ body: event } }\n' },
    config: `[destinations.sink]\ntype = "http"\nurl = "${recorder.address}"`,
});
