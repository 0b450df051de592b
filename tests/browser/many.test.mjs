// A thousand requests in the list are no more to the browser than those that one sees.

import test from "node:test";
import assert from "node:assert/strict";
import { withChromium } from "./support/chromium.mjs";
import { logIn } from "./support/page.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

/** As many as the server keeps. */
const MANY = 1_000;

/** Rows in the document: those of a screen, and a few around. */
const FEW = 40;

test("of a thousand requests only those that are seen are in the document", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const { token } = await shop.ask("POST", "/api/preview/sessions", {});
    const send = (value) => shop.post("/collect", { event_name: "page_view", value }, { "x-preview": token });
    for (let sent = 0; sent < MANY; sent += 20) await Promise.all(Array.from({ length: 20 }, (_, one) => send(sent + one)));
    const page = await logIn(test, shop);
    await page.getByText("1,000 requests", { exact: true }).waitFor();

    const options = page.getByRole("listbox", { name: "Requests" }).getByRole("option");
    const elements = () => page.evaluate(() => document.querySelectorAll("*").length);
    assert.ok((await options.count()) < FEW);
    const before = await elements();
    assert.ok(before < 1_200, String(before));
    assert.equal(await options.first().getAttribute("aria-setsize"), "1000");

    // The last one is there when one scrolls to it.
    const list = page.getByRole("listbox", { name: "Requests" });
    await list.evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await page.locator('[role=option][aria-posinset="1000"]').waitFor();
    assert.ok((await options.count()) < FEW);

    // In the middle nothing jumps while new ones come, and the list grows no longer.
    await list.evaluate((box) => box.scrollTo(0, box.scrollHeight / 2));
    const middle = await page.waitForFunction(() => {
        const box = document.querySelector("#requests");
        const row = document.elementFromPoint(box.getBoundingClientRect().left + 50, box.getBoundingClientRect().top + 100)?.closest("[role=option]");
        return row?.id;
    });
    await Promise.all(Array.from({ length: 50 }, (_, one) => send(one)));
    await page.waitForFunction((wanted) => document.querySelector(`#${wanted}`)?.getAttribute("aria-posinset") > 520, await middle.jsonValue());
    const still = await page.evaluate((id) => {
        const [box, row] = [document.querySelector("#requests"), document.getElementById(id)].map((one) => one.getBoundingClientRect());
        return row.top < box.top + 100 && row.bottom > box.top + 100;
    }, await middle.jsonValue());
    assert.ok(still);
    assert.equal(await options.first().getAttribute("aria-setsize"), "1000");
    assert.ok((await elements()) < 1_200);
});
