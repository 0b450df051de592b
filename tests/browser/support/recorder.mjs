// An HTTP endpoint that keeps what it is sent, and can hand it on to a stand-in and give its answer back.

import http from "node:http";
import { until } from "./patience.mjs";

export class Recorder {
    /** Bodies, as JSON, oldest first. */
    bodies = [];
    /** Where it listens, such as `http://127.0.0.1:40001`. */
    address;
    #server;

    /** Opens one and closes it after the test. `behind` is the address of who answers, if somebody does. */
    static async open(test, behind) {
        const recorder = new Recorder();
        recorder.#server = http.createServer(async (request, response) => {
            const chunks = [];
            for await (const chunk of request) chunks.push(chunk);
            const body = Buffer.concat(chunks);
            const { method } = request;
            const headers = { "content-type": "application/json" };
            const answer = behind && (await fetch(behind + request.url, { method, headers, body }));
            if (!answer || answer.ok) recorder.bodies.push(JSON.parse(body));
            response.writeHead(answer?.status ?? 200).end(answer ? await answer.text() : "");
        });
        await new Promise((resolve) => recorder.#server.listen(0, "127.0.0.1", resolve));
        test.after(() => {
            recorder.#server.closeAllConnections();
            recorder.#server.close();
        });
        recorder.address = `http://127.0.0.1:${recorder.#server.address().port}`;
        return recorder;
    }

    /** Waits for so many; gives them all. */
    async wait(count, of = (body) => [body]) {
        return until(`${count} came`, () => {
            const all = this.bodies.flatMap(of);
            return all.length >= count && all;
        });
    }
}

/** A tag and a destination by which a recorder gets each event's data. */
export const sink = (recorder) => ({
    files: { "tags/sink.rhai": 'const ON = "*";\nconst TO = "sink";\nfn tag(event) { #{ body: event } }\n' },
    config: `[destinations.sink]\ntype = "http"\nurl = "${recorder.address}"`,
});
