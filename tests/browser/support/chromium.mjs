// Debian's Chromium, driven. Every page here is watched: a dialog, an uncaught error, a broken content
// security policy or a request to another host fails the test that opened it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
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
    await serveFromDisk(page);
    test.after(async () => {
        await context.close();
        assert.deepEqual(wrong, []);
    });
    return page;
}

const PAGE_FILES = process.env.TAGWERK_PAGE_FILES;

const TYPES = { ".css": "text/css", ".js": "text/javascript" };

/** While one works on the page: its files as they are, without building the binary anew. */
export async function serveFromDisk(page) {
    if (!PAGE_FILES) return;
    await page.route("**/page/**", (route) => {
        const file = path.join(PAGE_FILES, new URL(route.request().url()).pathname.replace("/page/", ""));
        return route.fulfill({ path: file, contentType: TYPES[path.extname(file)] });
    });
    // Whether one is logged in, the server says all the same.
    await page.route(({ pathname }) => pathname === "/", async (route) => {
        const response = await route.fetch({ maxRedirects: 0 });
        const file = response.status() === 200 ? "index.html" : "login.html";
        return route.fulfill({ response, path: path.join(PAGE_FILES, file) });
    });
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
