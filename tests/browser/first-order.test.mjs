import test from "node:test";
import assert from "node:assert/strict";
import { openPage, withChromium } from "./support/chromium.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

test("an order reaches the stand-in for Slack, and a browser the server", async (test) => {
    const shop = await Shop.open(test);
    assert.equal((await shop.sendExample("site_purchase")).status, 200);
    await shop.emulator("slack").line("that it accepted one", (line) => line.includes(" 200 1 accepted"));
    const page = await openPage(test);
    await page.goto(`${shop.url}/healthz`);
    assert.match(await page.textContent("body"), /"status":"ok"/);
});
