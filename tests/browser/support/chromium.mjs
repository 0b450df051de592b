// Debian's Chromium, driven. Every page here is watched: a dialog, an uncaught error, a broken content
// security policy or a request to another host fails the test that opened it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { PATIENCE_MS } from "./patience.mjs";

const EXECUTABLE =
    process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

const FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

let browser;

/** Starts the browser once for all tests of a file. */
export function withChromium() {
    before(async () => {
        browser = await launch();
    });
    after(() => browser?.close());
}

export function launch() {
    return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

/** A page in a profile of its own, gone after the test. `options` are Playwright's for a context. */
export async function openPage(test, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const wrong = watch(page);
    test.after(async () => {
        await context.close();
        assert.deepEqual(wrong, []);
    });
    return page;
}

/** Notes everything that must not happen on a page of ours. */
function watch(page) {
    const wrong = [];
    page.on("dialog", (dialog) => {
        wrong.push(`dialog: ${dialog.message()}`);
        return dialog.dismiss();
    });
    page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
    page.on("console", (message) => {
        // A refused call is shown on the page; Chromium notes it here too, and that is no fault.
        const isRefusal = message.text().startsWith("Failed to load resource");
        if (message.type() === "error" && !isRefusal) wrong.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
        const { protocol, hostname } = new URL(request.url());
        const isHere = ["data:", "blob:", "about:"].includes(protocol) || /^(127\.0\.0\.1|(.*\.)?localhost)$/.test(hostname);
        if (!isHere) wrong.push(`request: ${request.url()}`);
    });
    return wrong;
}
