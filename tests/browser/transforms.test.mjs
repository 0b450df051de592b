// What transformations changed in an event is shown with the tag that sees it so.

import test from "node:test";
import assert from "node:assert/strict";
import { withChromium } from "./support/chromium.mjs";
import { capture, logIn, openRequest, tagPart } from "./support/page.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

const CLEAN = `const TAGS = "slack_order";
const EXCLUDE = "user_data.phone_number";
const REDACT = "user_data.email_address";
const AUGMENT = #{ source: "<b id='markup'>shop</b>" };
`;

const CLIENT = `const PATH = "/order";

fn parse(request) {
    #{ event_name: "purchase", value: 200, transaction_id: "7", user_data: #{ email_address: "ann@example.com", phone_number: "+49 30 1" } }
}
`;

test("each key that a transformation changed is shown before and after", async (test) => {
    const shop = await Shop.open(test, { files: { "clients/order.rhai": CLIENT, "transforms/clean.rhai": CLEAN, "transforms/other.rhai": CLEAN.replace("slack_order", "/^none_/") } });
    await capture(shop);
    const page = await logIn(test, shop);
    await shop.post("/order", {});
    await openRequest(page, "order › purchase");
    const tag = tagPart(page, "slack_order");
    await tag.getByText("✓ fired").waitFor();
    const changes = tag.getByRole("group", { name: "What clean changed" });
    const rows = await changes.getByRole("row").evaluateAll((found) => found.map((row) => [...row.cells].map((cell) => cell.textContent)));
    assert.deepEqual(rows, [
        ["Key", "Before", "What the tag sees"],
        ["user_data.email_address", '"ann@example.com"', '"***"'],
        ["user_data.phone_number", '"+49 30 1"', "taken away"],
        ["source", "not there", `"<b id='markup'>shop</b>"`],
    ]);
    // What strangers sent, and what scripts put in, is text.
    assert.equal(await page.locator("#markup").count(), 0);
    assert.equal(await tag.getByRole("group", { name: "What other changed" }).count(), 0);
});
