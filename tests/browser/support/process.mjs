// Processes of the binary under test: ended when the test ends, and listened to line by line.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import readline from "node:readline";
import { PATIENCE_MS } from "./patience.mjs";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));

/** The binary: what cargo built for debugging, unless `TAGWERK_BINARY` says otherwise. */
export const BINARY = process.env.TAGWERK_BINARY ?? `${REPOSITORY}target/debug/tagwerk`;

/** Runs a command to its end; gives its exit code and what it printed. */
export function run(args, { cwd, env = {}, input } = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(BINARY, args, { cwd, env });
        const printed = { stdout: "", stderr: "" };
        for (const stream of ["stdout", "stderr"]) {
            child[stream].setEncoding("utf8").on("data", (text) => (printed[stream] += text));
        }
        child.on("error", reject);
        child.on("close", (code) => resolve({ code, ...printed }));
        child.stdin.end(input);
    });
}

/** A command that goes on until it is told to stop. */
export class Running {
    #child;
    #lines = [];
    #listeners = new Set();
    #ended;

    constructor(args, { cwd, env = {} } = {}) {
        this.#child = spawn(BINARY, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
        for (const stream of [this.#child.stdout, this.#child.stderr]) {
            readline.createInterface({ input: stream }).on("line", (line) => this.#hear(line));
        }
        this.#ended = new Promise((resolve, reject) => {
            this.#child.on("error", reject);
            this.#child.on("close", resolve);
        });
    }

    /** All that it printed so far. */
    get lines() {
        return [...this.#lines];
    }

    /** The first line that `find` finds something in, past or to come; gives what was found. */
    line(what, find) {
        for (const line of this.#lines) {
            const found = find(line);
            if (found) return Promise.resolve(found);
        }
        return new Promise((resolve, reject) => {
            const giveUp = (why) => {
                clearTimeout(timer);
                this.#listeners.delete(listener);
                reject(new Error(`${why} before it said ${what}:\n${this.#lines.join("\n")}`));
            };
            const listener = (line) => {
                const found = find(line);
                if (!found) return;
                clearTimeout(timer);
                this.#listeners.delete(listener);
                resolve(found);
            };
            const timer = setTimeout(() => giveUp("time ran out"), PATIENCE_MS);
            this.#listeners.add(listener);
            this.#ended.then((code) => giveUp(`it ended with ${code}`), reject);
        });
    }

    /** Tells it to stop, and waits until it has. */
    async stop() {
        this.#child.kill("SIGTERM");
        await this.#ended;
    }

    #hear(line) {
        this.#lines.push(line);
        for (const listener of [...this.#listeners]) listener(line);
    }
}
