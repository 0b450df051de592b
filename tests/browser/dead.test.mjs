// Dead letters: retried after the repair, and thrown away only when one has said how many.

import test from "node:test";
import assert from "node:assert/strict";
import { withChromium } from "./support/chromium.mjs";
import { logIn } from "./support/page.mjs";
import { until } from "./support/patience.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

test("a dead letter is opened, retried and delivered", async (test) => {
    const shop = await Shop.open(test, { emulators: { slack: [400] } });
    await shop.sendExample("site_purchase");
    await until("it is dead", async () => (await shop.ask("GET", "/api/dead")).deliveries === 1);
    const page = await logIn(test, shop, { at: "#/dead" });
    const group = page.getByRole("region", { name: "slack_order → slack" });
    await group.getByText("the vendor refused it").waitFor();
    await group.getByText("Letters").click();
    await group.locator(".letter summary").first().click();
    await group.getByText(/Order 123456789/).first().waitFor();

    await group.getByRole("button", { name: "Retry 1" }).click();
    await page.getByText("Retried 1: 1 to be sent").waitFor();
    await page.getByRole("heading", { name: "No dead letters" }).waitFor();
    await shop.emulator("slack").line("that it accepted one", (line) => line.includes(" 200 1 accepted"));
});

test("many are discarded only after one was asked how many", async (test) => {
    const shop = await Shop.open(test, { emulators: { slack: [400, 400, 400, 400] } });
    for (let sent = 0; sent < 4; sent += 1) await shop.post("/collect", { event_name: "purchase", value: 100 + sent, transaction_id: `T-${sent}` });
    await until("all are dead", async () => (await shop.ask("GET", "/api/dead")).deliveries === 4);
    const page = await logIn(test, shop, { at: "#/dead" });
    const group = page.getByRole("region", { name: "slack_order → slack" });

    // One that is chosen.
    await group.getByText("Letters").click();
    await group.getByRole("checkbox").first().check();
    await group.getByRole("button", { name: "Discard 1 chosen" }).click();
    await page.getByRole("dialog", { name: "Discard 1 dead letter?" }).getByRole("button", { name: "Discard 1" }).click();
    await group.getByRole("button", { name: "Discard 3…" }).waitFor();

    // All of them; the first time one thinks better of it.
    await page.getByRole("button", { name: "Discard all" }).click();
    const dialog = page.getByRole("dialog", { name: "Discard 3 dead letters?" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal((await shop.ask("GET", "/api/dead")).deliveries, 3);
    await page.getByRole("button", { name: "Discard all" }).click();
    await dialog.getByRole("button", { name: "Discard 3" }).click();
    await page.getByRole("heading", { name: "No dead letters" }).waitFor();
    assert.equal((await shop.ask("GET", "/api/dead")).deliveries, 0);

    // It is written down who did that.
    await page.goto(`${shop.admin}/#/overview`);
    await page.getByRole("row", { name: /POST \/api\/deliveries\/discard/ }).first().waitFor();
});

test("a request whose client failed is repaired by mending the client", async (test) => {
    const broken = 'const PATH = "/mine";\nfn parse(request) {\n    #{ event_name: request.json.missing.name }\n}\n';
    const shop = await Shop.open(test, { emulators: {}, files: { "clients/mine.rhai": broken } });
    assert.equal((await shop.post("/mine", { name: "signup" })).status, 202);
    const page = await logIn(test, shop, { at: "#/dead" });
    const group = page.getByRole("region", { name: "Requests whose client failed" });
    await group.getByText("Letters").click();
    await group.locator(".letter summary").first().click();
    await group.getByText("clients/mine.rhai:3").first().waitFor();
    await shop.write("clients/mine.rhai", broken.replace("missing.name", "name"));
    await page.getByText("Saved files are live").waitFor();
    await group.getByRole("button", { name: "Retry 1" }).click();
    await page.getByText("1 repaired").waitFor();
    await page.getByRole("heading", { name: "No dead letters" }).waitFor();
});
