// A trace becomes a test, and is run again through the scripts as they are now.

import test from "node:test";
import assert from "node:assert/strict";
import { withChromium } from "./support/chromium.mjs";
import { capture, logIn, openRequest } from "./support/page.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

test("a trace is saved as a test, which `tagwerk test` runs", async (test) => {
    const shop = await Shop.open(test);
    // Those that `init` brings are of its own configuration.
    await shop.remove("cases");
    await capture(shop);
    const page = await logIn(test, shop);
    await shop.sendExample("site_purchase", { authorization: "Bearer very-secret" });
    await shop.settled();
    await openRequest(page, "site › purchase");

    await page.getByRole("button", { name: "Save as test" }).click();
    const dialog = page.getByRole("dialog", { name: "Save as test" });
    await dialog.getByLabel("Name").fill("big-purchase");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("cases/big-purchase").waitFor();
    await dialog.getByText("green").waitFor();
    await dialog.getByText("tagwerk test").waitFor();
    await dialog.getByRole("button", { name: "Done" }).click();

    assert.ok(!(await shop.read("cases/big-purchase/request.http")).includes("very-secret"));
    const ran = await shop.run("test");
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /big-purchase/);

    // The name is taken now; one may write over it.
    await page.getByRole("button", { name: "Save as test" }).click();
    await dialog.getByLabel("Name").fill("big-purchase");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByLabel("Write over the case").check();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("cases/big-purchase").waitFor();
});

test("a replay shows what the scripts as they are now would do otherwise", async (test) => {
    const shop = await Shop.open(test);
    await capture(shop);
    const page = await logIn(test, shop);
    await shop.sendExample("site_purchase");
    await shop.settled();
    await openRequest(page, "site › purchase");
    const dialog = page.getByRole("dialog", { name: "Replay" });

    await page.getByRole("button", { name: "Replay" }).click();
    await dialog.getByText("exactly what it made then").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();

    const tag = await shop.read("tags/slack_order.rhai");
    const { generation } = await shop.ask("GET", "/api/status");
    await shop.write("tags/slack_order.rhai", tag.replace("*Order ", "*A big order "));
    await page.waitForFunction((old) => !document.querySelector(".pulse").textContent.includes(old), generation);
    await page.getByRole("button", { name: "Replay" }).click();
    await dialog.getByText("1 difference").waitFor();
    assert.match(await dialog.locator(".line.gone").first().textContent(), /\*Order /);
    assert.match(await dialog.locator(".line.new").first().textContent(), /\*A big order /);
    await dialog.getByRole("button", { name: "Open the new trace" }).click();
    await page.getByRole("link", { name: "replay of another" }).waitFor();
});
