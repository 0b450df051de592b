// Scripts: what is live and how it does; a saved file shows at once.

import test from "node:test";
import assert from "node:assert/strict";
import { withChromium } from "./support/chromium.mjs";
import { logIn } from "./support/page.mjs";
import { until } from "./support/patience.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

const BROKEN = 'const ON = "page_view";\nconst TO = "slack";\nfn tag(event) {\n    event.no.such\n}\n';

test("clients, tags and destinations are there with what they did", async (test) => {
    const shop = await Shop.open(test, { files: { "tags/broken.rhai": BROKEN } });
    for (const name of ["site_purchase", "site_page_view"]) await shop.sendExample(name);
    await until("one is dead and one delivered", async () => {
        const [slack] = (await shop.ask("GET", "/api/destinations")).filter((one) => one.name === "slack");
        return slack.dead === 1 && slack.delivered === 1;
    });
    const page = await logIn(test, shop, { at: "#/scripts" });
    const cells = async (table, name) => {
        const row = page.getByRole("region", { name: table }).getByRole("row").filter({ has: page.getByRole("rowheader", { name }) });
        return (await row.getByRole("cell").allTextContents()).map((text) => text.trim());
    };
    await page.getByRole("heading", { name: "Destinations" }).waitFor();
    const [takes, requests, events, failures, run] = await cells("Clients", /^site/);
    assert.match(takes, /POST \/collect/);
    assert.deepEqual([requests, events, failures], ["2", "2", "0"]);
    assert.match(run, /µs|ms/);
    assert.deepEqual((await cells("Tags", /^slack_order/)).slice(1, 5), ["slack", "1", "0", "0"]);
    assert.deepEqual((await cells("Tags", /^broken/)).slice(1, 5), ["slack", "0", "0", "1"]);
    const slack = await cells("Destinations", /^slack/);
    assert.deepEqual(slack.slice(0, 4), ["ready", "0", "1", "1"]);

    // The last fault, with its line; and what is unfolded stays so when the numbers are made anew.
    const fault = page.getByRole("region", { name: "Tags" }).getByRole("group").filter({ hasText: "last fault" });
    await page.getByText("last fault").click();
    await page.locator(".source-line.faulty").getByText("event.no.such").waitFor();
    await shop.sendExample("site_purchase");
    await page.getByRole("region", { name: "Clients" }).getByRole("cell", { name: "3", exact: true }).first().waitFor();
    assert.ok(await page.locator(".source-line.faulty").isVisible());
    assert.ok((await fault.count()) > 0);
});

test("a file that is saved is there at once, and one that is removed is gone", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const page = await logIn(test, shop, { at: "#/scripts" });
    const tags = page.getByRole("region", { name: "Tags" });
    await tags.getByRole("link", { name: "slack_order", exact: true }).waitFor();
    await shop.write("tags/brand_new.rhai", 'const ON = "signup";\nconst TO = "slack";\nfn tag(event) { #{ text: "hello" } }\n');
    await tags.getByRole("link", { name: "brand_new" }).waitFor();
    await page.getByText("Saved files are live").first().waitFor();
    await shop.remove("tags/brand_new.rhai");
    await tags.getByRole("link", { name: "brand_new" }).waitFor({ state: "detached" });

    // A draft set is said, and what is wrong in it.
    for (const file of ["clients/site.rhai", "tags/slack_order.rhai"]) await shop.write(`draft/${file}`, await shop.read(file));
    await page.getByText("Preview requests run through draft/").waitFor();
    await shop.write("draft/tags/slack_order.rhai", "const ON = 1;\n");
    await page.getByText("draft/tags/slack_order.rhai:1").first().waitFor();
});
