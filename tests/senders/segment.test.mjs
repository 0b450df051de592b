// Segment's own libraries, of Node and of Python, pointed at the real binary.

import test from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Analytics } from "@segment/analytics-node";
import { Recorder, sink } from "../browser/support/recorder.mjs";
import { Shop } from "../browser/support/shop.mjs";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const python = (...args) => promisify(execFile)(here(".venv/bin/python"), [here("segment_sender.py"), ...args]);

/** A shop whose every event is recorded, and its Amplitude. */
async function open(test) {
    const recorder = await Recorder.open(test);
    const shop = await Shop.open(test, { emulators: { amplitude: [] }, ...sink(recorder) });
    return { shop, recorder };
}

const ORDER = {
    order_id: "50314b8e9bcf000000000000",
    total: 27.5,
    revenue: 25,
    shipping: 3,
    tax: 2,
    currency: "usd",
    products: [
        { product_id: "507f1f77bcf86cd799439011", sku: "45790-32", name: "Monopoly: 3rd Edition", price: 19, quantity: 1, category: "Games" },
        { product_id: "505bd76785ebb509fc183733", sku: "46493-32", name: "Uno Card Game", price: "3", quantity: 2 },
    ],
};

const PURCHASE = {
    event_name: "purchase",
    event: "Order Completed",
    user_id: "019mr8mf4r",
    transaction_id: "50314b8e9bcf000000000000",
    value: 27.5,
    currency: "USD",
    shipping: 3,
    tax: 2,
    items: [
        { item_id: "507f1f77bcf86cd799439011", item_name: "Monopoly: 3rd Edition", item_category: "Games", price: 19, quantity: 1 },
        { item_id: "505bd76785ebb509fc183733", item_name: "Uno Card Game", price: 3, quantity: 2 },
    ],
};

function assertHas(actual, expected) {
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(actual[key], value, key);
}

/** Every kind of call, as both libraries made them; `name` is what the library calls itself. */
function assertCalls(events, name) {
    const of = (event_name) => events.find((event) => event.event_name === event_name);
    assert.deepEqual(events.map((event) => event.event_name).sort(),
        ["Song Played", "alias", "group", "identify", "page_view", "purchase", "screen_view"]);
    assertHas(of("purchase"), PURCHASE);
    assertHas(of("Song Played"), { client_id: "anonymous-1", name: "Fallin for You", user_agent: "Phone/1.0", ip_override: "24.5.68.47" });
    assert.equal(of("Song Played").user_id, undefined);
    const identify = of("identify");
    assertHas(identify, { user_id: "019mr8mf4r" });
    assert.deepEqual(identify.user_data, { email_address: "jake@example.com", address: { first_name: "Jake", last_name: "Peterson" } });
    assertHas(of("page_view"), { page_location: "https://example.com/a", name: "Home" });
    assertHas(of("screen_view"), { screen_name: "Settings" });
    assertHas(of("group"), { group_id: "g-1", traits: { plan: "pro" } });
    assertHas(of("alias"), { previous_id: "old-id", user_id: "019mr8mf4r" });
    for (const event of events) {
        assert.ok(event.context.library.name.includes(name), JSON.stringify(event.context.library));
        assert.ok(Math.abs(event.timestamp_ms - Date.now()) < 60_000, event.event_name);
        assert.equal(event.ip_override === undefined, event.event_name !== "Song Played", "a server is not the visitor");
    }
    assert.equal(new Set(events.map((event) => event.event_id)).size, events.length);
}

test("@segment/analytics-node", async (test) => {
    const { shop, recorder } = await open(test);
    const answers = [];
    const analytics = new Analytics({ writeKey: "abc123", host: shop.url, maxRetries: 0, flushAt: 3 });
    analytics.on("http_response", ({ status }) => answers.push(status));
    analytics.on("error", (error) => answers.push(error));
    const userId = "019mr8mf4r";
    analytics.identify({ userId, traits: { email: "jake@example.com", name: "Jake Peterson" } });
    analytics.track({ userId, event: "Order Completed", properties: ORDER });
    const context = { ip: "24.5.68.47", userAgent: "Phone/1.0" };
    analytics.track({ anonymousId: "anonymous-1", event: "Song Played", properties: { name: "Fallin for You" }, context });
    analytics.page({ userId, name: "Home", properties: { url: "https://example.com/a" } });
    analytics.screen({ userId, name: "Settings" });
    analytics.group({ userId, groupId: "g-1", traits: { plan: "pro" } });
    analytics.alias({ userId, previousId: "old-id" });
    await analytics.closeAndFlush();
    assert.deepEqual(answers, [200, 200, 200]);
    assertCalls(await recorder.wait(7), "analytics-node");
    // Of the seven, tags send the order and the page view, in one request or in two.
    let accepted = 0;
    await shop.emulator("amplitude").line("that it accepted both", (line) => {
        accepted += Number(/ 200 (\d+) accepted/.exec(line)?.[1] ?? 0);
        return accepted === 2;
    });
});

test("@segment/analytics-node that flushes late", async (test) => {
    const { shop, recorder } = await open(test);
    const answers = [];
    const analytics = new Analytics({ writeKey: "abc123", host: shop.url, maxRetries: 0, flushAt: 1_200, flushInterval: 60_000 });
    analytics.on("http_response", ({ status, body }) => answers.push([status, JSON.parse(body).batch.length]));
    analytics.on("error", (error) => answers.push(error));
    for (let at = 0; at < 1_200; at += 1) analytics.track({ userId: "019mr8mf4r", event: `Song ${at}` });
    await analytics.closeAndFlush();
    assert.deepEqual(answers, [[200, 1_200]]);
    const names = (await recorder.wait(1_200)).map((event) => event.event_name);
    assert.equal(new Set(names).size, 1_200);
});

for (const how of ["plain", "gzip"]) {
    test(`segment-analytics-python, ${how}`, async (test) => {
        const { shop, recorder } = await open(test);
        const { stdout } = await python(shop.url, how, JSON.stringify(ORDER));
        assert.equal(stdout, "", "no call failed");
        assertCalls(await recorder.wait(7), "analytics-python");
    });
}

test("a message that comes again is taken once, also in another batch", async (test) => {
    const { shop, recorder } = await open(test);
    const message = (messageId) => ({ type: "track", userId: "019mr8mf4r", event: "Order Completed", properties: ORDER, messageId });
    const send = async (...ids) => {
        const answer = await shop.post("/v1/batch", { batch: ids.map(message) }, { authorization: "Basic YWJjMTIzOg==" });
        assert.deepEqual([answer.status, await answer.json()], [200, { success: true }]);
        return answer.headers.get("x-duplicate");
    };
    assert.deepEqual([await send("a", "b"), await send("b", "c"), await send("a", "c")], [null, null, "true"]);
    await shop.settled();
    assert.deepEqual((await recorder.wait(3)).map((event) => event.event_id).sort(), ["a", "b", "c"]);
});
