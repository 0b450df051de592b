// A request is followed from its bytes to the vendor's answer, while it happens.

import test from "node:test";
import assert from "node:assert/strict";
import net from "node:net";
import { withChromium } from "./support/chromium.mjs";
import { capture, logIn, openRequest, tagPart } from "./support/page.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

/** The order of the examples is too small for the tag that tells Slack. `id` is the sender's own, of the delivery. */
async function sendOrder(shop, total, id) {
    const file = "examples/requests/woocommerce_order_created.http";
    await shop.write(file, (await shop.read(file)).replace(/"total":"(29|129)\.35"/, `"total":"${total}"`));
    return shop.sendExample("woocommerce_order_created", { "x-wc-webhook-delivery-id": id });
}

test("an order of WooCommerce is followed to Slack's answer, and one that is too small is told why", async (test) => {
    const shop = await Shop.open(test);
    await capture(shop);
    const page = await logIn(test, shop);

    // It appears by itself, and is opened while it is under way.
    await sendOrder(shop, "129.35", "first");
    await openRequest(page, "order_created");
    await page.getByRole("listbox", { name: "Requests" }).getByRole("option").filter({ hasText: "woocommerce › order_created" }).waitFor();
    const slack = tagPart(page, "slack_order");
    await slack.getByText("✓ fired").waitFor();

    // What is asked of the event, and the actual value.
    const condition = slack.getByRole("row", { name: /value gte/ });
    assert.match(await condition.textContent(), /✓valuegte 100129\.35/);

    // The exact request, and what Slack said.
    assert.match(await slack.locator(".outgoing > p").first().textContent(), /POST http:\/\/127\.0\.0\.1/);
    await slack.getByText(/Order 727/).first().waitFor();
    const attempt = slack.getByRole("listitem").filter({ hasText: "Attempt 1" });
    await attempt.getByText("200", { exact: true }).waitFor();
    assert.match(await attempt.textContent(), /delivered.*ok/s);
    await shop.emulator("slack").line("that it accepted one", (line) => line.includes(" 200 1 accepted"));

    // The secret in Slack's address is seen nowhere.
    assert.ok(!(await page.content()).includes("test-secret"));

    // Where a key came from, and that place in the request.
    const origin = page.getByRole("group", { name: "Event data" }).getByRole("button", { name: /← body \/total/ });
    await origin.first().click();
    const place = page.locator("#part-request .revealed");
    assert.match(await place.textContent(), /total.*129\.35/);

    // Durations of client, journal, tag and attempt.
    const steps = await page.getByRole("table", { name: "How long each step took" }).textContent();
    for (const step of ["client woocommerce", "on disk", "tag slack_order", "sent to slack"]) assert.ok(steps.includes(step), `${step}: ${steps}`);

    // As a command line, without the secret.
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await slack.getByRole("button", { name: "Copy as curl" }).click();
    await page.getByText("Copied").waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl -s -X POST 'http:\/\/127\.0\.0\.1:\d+\/\S*\*\*\*/);

    // The next order is too small.
    await sendOrder(shop, "29.35", "second");
    const options = page.getByRole("listbox", { name: "Requests" }).getByRole("option");
    await options.nth(1).waitFor();
    await openRequest(page, "order_created");
    const small = tagPart(page, "slack_order");
    await small.getByText("○ not fired").waitFor();
    await small.getByText("a condition does not hold").waitFor();
    assert.match(await small.getByRole("row", { name: /value gte/ }).textContent(), /✗valuegte 10029\.35/);

    // One that its sender sends again is known, and says so.
    await sendOrder(shop, "29.35", "second");
    await options.nth(2).waitFor();
    await openRequest(page, "order_created");
    await page.getByText("Its sender had sent it before").waitFor();
});

test("a script that fails shows its line, and the file is mended while one looks on", async (test) => {
    const broken = ['const ON = "purchase";', 'const TO = "slack";', "", "fn tag(event) {", "    let total = event.order.total;", "    #{ text: total }", "}", ""].join("\n");
    const shop = await Shop.open(test, { files: { "tags/slack_order.rhai": broken } });
    await capture(shop);
    const page = await logIn(test, shop);
    await shop.sendExample("site_purchase");
    await openRequest(page, "site › purchase");
    const tag = tagPart(page, "slack_order");
    await tag.getByText("✗ failed").waitFor();
    const line = tag.locator(".source-line.faulty");
    assert.match(await line.textContent(), /^5.*event\.order\.total/s);
    await tag.getByText(/tags\/slack_order\.rhai:5/).waitFor();

    // A file that does not compile is refused, on whatever page one is, with its line.
    await page.goto(`${shop.admin}/#/scripts`);
    const generation = page.locator(".generation-id");
    await generation.waitFor();
    const before = await generation.textContent();
    await shop.write("tags/slack_order.rhai", broken.replace("const TO", "const WEHN = #{};\nconst TO"));
    await page.getByRole("alert").getByText("unknown constant WEHN").waitFor();
    await page.getByRole("alert").getByText("tags/slack_order.rhai:2").waitFor();
    assert.match(await page.getByRole("alert").locator(".source-line.faulty").textContent(), /^2const WEHN/);
    await page.getByRole("banner").getByText("files refused").waitFor();
    assert.equal(await generation.textContent(), before);

    // A good one is live, and the page shows that at once.
    await shop.write("tags/slack_order.rhai", broken.replace("event.order.total", "`${event.value}`"));
    await page.getByText("newer files are refused").waitFor({ state: "detached" });
    await page.waitForFunction((old) => document.querySelector(".generation-id").textContent !== old, before);
});

test("what fails at the vendor is tried again, and the page counts down to it", async (test) => {
    const shop = await Shop.open(test, { emulators: { slack: [503] } });
    await capture(shop);
    const page = await logIn(test, shop);
    await shop.sendExample("site_purchase");
    await openRequest(page, "site › purchase");
    const slack = tagPart(page, "slack_order");
    const first = slack.getByRole("listitem").filter({ hasText: "Attempt 1" });
    await first.getByText("503", { exact: true }).waitFor();
    // The second attempt appears while one looks.
    const second = slack.getByRole("listitem").filter({ hasText: "Attempt 2" });
    await second.getByText("200", { exact: true }).waitFor();
    await slack.getByText("delivered").first().waitFor();
});

test("a request that no client takes is seen too", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    await capture(shop);
    const page = await logIn(test, shop);
    assert.equal((await shop.post("/nobody", {})).status, 404);
    await openRequest(page, "/nobody");
    await page.getByText("No client listens to this path").waitFor();
});

test("a request that the listener refuses is seen with the reason, and as it came", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    await capture(shop);
    const page = await logIn(test, shop);
    const told = await raw(shop, "POST /order_created HTTP/1.1\r\nhost: a\r\nbroken header: x\r\nauthorization: very-secret\r\n\r\n");
    assert.match(told, /^HTTP\/1\.1 400 /);
    await openRequest(page, "/order_created");
    await page.getByRole("region", { name: "Clients" }).getByText("a header field must read").waitFor();
    const request = page.getByRole("region", { name: "Request", exact: true });
    await request.getByText("broken header: x").waitFor();
    assert.ok(!(await page.content()).includes("very-secret"));
    assert.equal(await page.getByRole("button", { name: "Replay" }).count(), 0);
});

test("what one filters for stands in the address, and finds also what is deep in the body", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    await capture(shop);
    for (const name of ["woocommerce_order_created", "site_purchase", "site_page_view"]) await shop.sendExample(name);
    const page = await logIn(test, shop);
    const options = page.getByRole("listbox", { name: "Requests" }).getByRole("option");
    const shown = (count) => page.waitForFunction((wanted) => document.querySelectorAll("[role=option]").length === wanted, count);
    await shown(3);
    await page.getByRole("searchbox", { name: "Search all requests" }).fill("Ship Your Idea");
    await shown(1);
    assert.match(await options.first().textContent(), /order_created/);
    assert.match(page.url(), /text=Ship\+Your\+Idea/);

    // Who gets that address sees the same.
    const other = await logIn(test, shop, { at: page.url().slice(page.url().indexOf("#")) });
    await other.waitForFunction(() => document.querySelectorAll("[role=option]").length === 1);
    assert.equal(await other.getByRole("searchbox", { name: "Search all requests" }).inputValue(), "Ship Your Idea");

    await page.getByRole("button", { name: "Clear" }).click();
    await shown(3);
    await page.getByRole("combobox", { name: "Event" }).selectOption("page_view");
    await shown(1);
    await page.getByRole("combobox", { name: "Event" }).selectOption("");
    await page.getByRole("combobox", { name: "Client" }).selectOption("site");
    await shown(2);

    // One that does not match does not appear; one that does, does.
    await shop.sendExample("woocommerce_order_created");
    await shop.sendExample("site_view_item");
    await shown(3);
    assert.match(await options.first().textContent(), /view_item/);

    // Paused, nothing moves.
    await page.getByRole("button", { name: "Pause" }).click();
    await shop.sendExample("site_add_to_cart");
    await page.getByRole("button", { name: "Resume (1 new)" }).click();
    await shown(4);
});

/** Sends bytes that are no good HTTP; gives what was answered. */
async function raw(shop, bytes) {
    const { hostname, port } = new URL(shop.url);
    const socket = net.connect(Number(port), hostname);
    socket.end(bytes);
    let told = "";
    for await (const part of socket) told += part;
    return told;
}
