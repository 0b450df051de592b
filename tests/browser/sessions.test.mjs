// Sessions: opened by a button, counting down, ending by themselves.

import test from "node:test";
import assert from "node:assert/strict";
import { withChromium } from "./support/chromium.mjs";
import { capture, logIn, openRequest } from "./support/page.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

test("a header session shows the header and a line to try it, and what it watches is not sent", async (test) => {
    const shop = await Shop.open(test);
    const page = await logIn(test, shop, { at: "#/sessions" });
    await page.getByRole("button", { name: "Get a header" }).click();
    const header = await page.locator(".token-header").textContent();
    const [, token] = header.match(/^X-Preview: ([0-9a-f]{32})$/);
    assert.ok((await page.locator(".token-curl").textContent()).startsWith(`curl -s ${shop.url}/`));
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy the header" }).click();
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), header);

    const answer = await shop.sendExample("site_purchase", { "x-preview": token });
    assert.ok(answer.headers.get("x-preview-trace"));
    await page.goto(`${shop.admin}/#/live`);
    await openRequest(page, "site › purchase");
    await page.getByText("dry session").waitFor();
    await page.getByRole("navigation", { name: "The way" }).getByText(/^\d dry run$/).waitFor();
    const events = (await shop.ask("GET", "/api/status")).journal.events;
    assert.equal(events, 0);

    await page.goto(`${shop.admin}/#/sessions`);
    await page.getByText("1 request", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Close it" }).click();
    await page.getByText("None is open").waitFor();
});

test("a capture session counts what it sees and ends at its limit", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const page = await logIn(test, shop, { at: "#/sessions" });
    const form = page.getByRole("form", { name: "Watch live traffic" });
    await form.getByLabel("Path").fill("/collect");
    await form.getByLabel("Event").fill("page_view");
    await form.getByLabel("At most").fill("2");
    await form.getByRole("button", { name: "Capture" }).click();
    await page.getByText("0 of 2 requests").waitFor();
    await shop.sendExample("woocommerce_order_created");
    await shop.sendExample("site_purchase");
    await shop.sendExample("site_page_view");
    await page.getByText("1 of 2 requests").waitFor();
    await shop.sendExample("site_page_view");
    await page.getByText("it has seen what it was to see").waitFor();
    await page.getByText("None is open").waitFor();
    await shop.sendExample("site_page_view");
    assert.equal((await shop.ask("GET", "/api/traces")).length, 2);
});

test("a capture session counts down, and ends when its time is over", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const page = await logIn(test, shop, { at: "#/sessions" });
    await capture(shop, {}, { ttl: "5s" });
    const left = page.locator(".session-left time");
    await left.waitFor();
    const first = await left.textContent();
    assert.match(first, /^0:0[1-5]$/);
    await page.waitForFunction((before) => document.querySelector(".session-left time")?.textContent < before, first);
    await page.getByText("its time is over").waitFor();
    await page.getByText("None is open").waitFor();
});

test("a sixth session is refused in words", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    for (let open = 0; open < 5; open += 1) await capture(shop);
    const page = await logIn(test, shop, { at: "#/sessions" });
    await page.getByRole("button", { name: "Capture" }).click();
    await page.getByRole("status").getByText(/5 preview sessions are open/).waitFor();
});
