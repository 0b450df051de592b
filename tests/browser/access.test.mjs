// For everybody: axe finds nothing serious, in light and dark, wide and at 360 pixels; and all can be done
// with keys.

import test from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openPage, withChromium } from "./support/chromium.mjs";
import { capture, logIn, openRequest } from "./support/page.mjs";
import { Shop } from "./support/shop.mjs";
import { until } from "./support/patience.mjs";

withChromium();

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const BROKEN = 'const ON = "page_view";\nconst TO = "slack";\nfn tag(event) {\n    event.no.such\n}\n';

const LOOKS = [
    { colorScheme: "light", viewport: { width: 1280, height: 800 } },
    { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
    { colorScheme: "light", viewport: { width: 360, height: 740 } },
    { colorScheme: "dark", viewport: { width: 360, height: 740 } },
];

test("axe finds nothing serious on any page, and nothing is wider than the screen", async (test) => {
    const shop = await Shop.open(test, { emulators: { slack: [400, 503] }, files: { "tags/broken.rhai": BROKEN } });
    const found = [];
    const check = async (page, name) => {
        for (const fault of await look(page)) found.push(`${name}: ${fault}`);
    };
    const empty = await logIn(test, shop);
    await empty.getByRole("heading", { name: "Nothing is watched yet" }).waitFor();
    await check(empty, "live, empty");

    await capture(shop);
    for (const name of ["site_page_view", "site_purchase", "woocommerce_order_created"]) await shop.sendExample(name);
    await shop.post("/nobody", {});
    await until("one is dead", async () => (await shop.ask("GET", "/api/dead")).deliveries >= 2);
    const traces = await shop.ask("GET", "/api/traces");
    const of = (outcome) => traces.find((row) => row.outcome === outcome || row.events[0] === outcome).trace_id;

    for (const options of LOOKS) {
        const name = `${options.colorScheme} ${options.viewport.width}`;
        const login = await openPage(test, options);
        await login.goto(shop.admin);
        await check(login, `${name} login`);
        const page = await logIn(test, shop, options);
        await page.getByRole("listbox", { name: "Requests" }).getByRole("option").first().waitFor();
        await check(page, `${name} live`);
        for (const outcome of ["purchase", "page_view", "unclaimed"]) {
            await page.goto(`${shop.admin}/#/live/${of(outcome)}`);
            await page.locator("#part-answer").waitFor();
            await check(page, `${name} ${outcome}`);
        }
        for (const [at, ready] of [["scripts", "#destinations-title"], ["dead", ".group"], ["overview", ".chart"], ["sessions", ".session"]]) {
            await page.goto(`${shop.admin}/#/${at}`);
            await page.locator(ready).first().waitFor();
            await check(page, `${name} ${at}`);
        }
        await page.keyboard.press("?");
        await page.getByRole("dialog", { name: "Keys" }).waitFor();
        await check(page, `${name} keys`);
    }
    assert.deepEqual(found, []);
});

async function look(page) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    const faults = serious.map(({ id, nodes }) => `${id} ${nodes.map((node) => node.html).join(" ")}`);
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    return tooWide > 0 ? [...faults, `${tooWide} pixels too wide`] : faults;
}

test("the page is used with keys alone, and the focus is seen", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    await capture(shop);
    for (const name of ["site_page_view", "site_purchase", "woocommerce_order_created"]) await shop.sendExample(name);
    const page = await logIn(test, shop);
    await page.getByRole("listbox", { name: "Requests" }).getByRole("option").nth(2).waitFor();
    const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);
    const chosen = page.locator('[role=option][aria-selected="true"]');

    // The first thing that Tab reaches leads past the top.
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");

    // Down, down, up: the list has the focus and says which row is chosen.
    await page.keyboard.press("j");
    await chosen.filter({ hasText: "order_created" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await chosen.filter({ hasText: "page_view" }).waitFor();
    await page.keyboard.press("k");
    await chosen.filter({ hasText: "purchase" }).waitFor();
    assert.equal(await focused(), "Requests");
    const list = page.getByRole("listbox", { name: "Requests" });
    assert.equal(await list.getAttribute("aria-activedescendant"), await chosen.getAttribute("id"));
    const outline = await list.evaluate((box) => getComputedStyle(box).outlineStyle);
    assert.notEqual(outline, "none");

    // Into the request, and along its way.
    await page.locator(".trace-head").waitFor();
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "The request");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Save as test…");

    // Back, search, and out of the search again.
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { name: "Choose a request" }).waitFor();
    assert.equal(await focused(), "Requests");
    await page.keyboard.press("/");
    assert.equal(await focused(), "Search all requests");
    await page.keyboard.type("page_view");
    await page.waitForFunction(() => document.querySelectorAll("[role=option]").length === 1);
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("Next request").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("3");
    await page.getByRole("heading", { name: "No dead letters" }).waitFor();
});

test("at 360 pixels the list and the request come one after the other", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    await capture(shop);
    await shop.sendExample("site_purchase");
    const page = await logIn(test, shop, { viewport: { width: 360, height: 740 } });
    await openRequest(page, "site › purchase");
    assert.ok(!(await page.getByRole("listbox").isVisible()));
    await page.getByRole("button", { name: "Back to the list" }).click();
    await page.getByRole("listbox").waitFor();
    assert.ok(!(await page.locator(".trace-head").isVisible()));
});
