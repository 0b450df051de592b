// What /tagwerk.js makes of pushes: the model of Google's dataLayer. The very file, without a browser.

import test from "node:test";
import assert from "node:assert/strict";
import fs from "node:fs";
import { FakePage } from "./support/fake-page.mjs";

const readCase = (name) => JSON.parse(fs.readFileSync(new URL(`../data/cases/${name}.json`, import.meta.url), "utf8"));

/** The data of the events that these pushes make. */
async function made(...pushes) {
    const page = new FakePage();
    page.push(...pushes);
    await page.wait(1000);
    assert.deepEqual(page.errors, []);
    return page.events.map((event) => event.data);
}

test("D27: the pushes of the guide add up to one model, and each is an event", async () => {
    const { input, expect } = readCase("D27-pushes-merge-into-one-model");
    const events = await made(...input.pushes);
    assert.deepEqual(events.map((data) => data.event), expect.events_in_order);
    assert.deepEqual(events.at(-1), expect.model);
    let model = {};
    for (const [at, push] of input.pushes.entries()) {
        model = { ...model, ...push };
        assert.deepEqual(events[at], model);
    }
});

test("D28: objects merge, all else is overwritten", async (test) => {
    const { input, expect } = readCase("D28-object-merge-and-overwrite-table");
    for (const [at, one] of input.cases.entries()) {
        await test.test(JSON.stringify(one), async () => {
            const [data] = await made({ key: one.existing }, { key: one.new }, { event: "look" });
            assert.deepEqual(data.key, expect.results[at]);
        });
    }
});

const ITEMS = { items: [{ item_id: "1" }, { item_id: "2" }] };
const TABLE = {
    "arrays merge place by place": [[{ a: [1, 2, 3] }, { a: [9] }], { a: [9, 2, 3] }],
    "objects in arrays merge": [[{ a: [{ x: 1 }] }, { a: [{ y: 2 }] }], { a: [{ x: 1, y: 2 }] }],
    "dotted keys go down": [[{ "a.b": 1 }, { "a.c.d": 2 }], { a: { b: 1, c: { d: 2 } } }],
    "null replaces, so that nothing is left": [[{ ecommerce: ITEMS }, { ecommerce: null }], { ecommerce: null }],
    "and what comes then is alone": [
        [{ ecommerce: ITEMS }, { ecommerce: null }, { ecommerce: { items: [{ item_id: "3" }] } }],
        { ecommerce: { items: [{ item_id: "3" }] } },
    ],
    "without it old items stay": [
        [{ ecommerce: ITEMS }, { ecommerce: { items: [{ item_id: "3" }] } }],
        { ecommerce: { items: [{ item_id: "3" }, { item_id: "2" }] } },
    ],
    "_clear at the top has no effect": [[{ a: { b: 1 } }, { _clear: true, a: { c: 2 } }], { a: { b: 1, c: 2 } }],
    "_clear further down replaces": [
        [{ e: { items: [1, 2], n: 1 } }, { e: { _clear: true, items: [3] } }],
        { e: { items: [3], n: 1 } },
    ],
    "a command calls a method": [[{ a: { b: [1] } }, ["a.b.push", 2, 3]], { a: { b: [1, 2, 3] } }],
    "a command on nothing does nothing": [[{ a: 1 }, ["x.y.push", 2], ["a.b.c", 1], ["push"], [5], []], { a: 1 }],
    "functions read and write": [
        [
            { a: { b: 1 } },
            function () {
                this.set("a.c", this.get("a.b") + 1);
                this.set("gone", this.get("no.such.key") === undefined);
            },
        ],
        { a: { b: 1, c: 2 }, gone: true },
    ],
    "what is no push is passed over": [[{ a: 1 }, null, undefined, 5, "text", new Date(), true], { a: 1 }],
    "a push that fails stops no other": [[function () { throw new Error("no"); }, { a: 1 }], { a: 1 }, "a fault"],
    "names of Object's own are keys like others": [
        [{ "constructor.x": 1 }, { toString: { y: 2 } }, ["constructor.constructor", "return 1"]],
        { constructor: { x: 1 }, toString: { y: 2 } },
    ],
    "dates are as JSON has them": [[{ at: new Date(0) }], { at: "1970-01-01T00:00:00.000Z" }],
};

for (const [name, [pushes, expected, fault]] of Object.entries(TABLE)) {
    test(name, async () => {
        const page = new FakePage();
        page.push(...pushes, { event: "look" });
        await page.wait(1000);
        assert.deepEqual(page.events[0].data, { ...expected, event: "look" });
        assert.equal(page.errors.length, fault ? 1 : 0);
    });
}

test("nothing reaches the prototype of all objects", async () => {
    await made(JSON.parse('{"__proto__":{"bad":1},"a":{"__proto__":{"bad":1}},"__proto__.bad":1}'), { event: "look" });
    const page = new FakePage();
    page.push({ "__proto__.bad": 1 }, { "constructor.prototype.bad": 1 }, ["__proto__.push", 1], { event: "look" });
    assert.equal(page.run("({}).bad"), undefined);
    assert.equal({}.bad, undefined);
});

test("pushes before the script are handled in order, also those that they make", async () => {
    const before = [{ event: "one", n: 1 }, function () { page_pushes(before); }, { event: "three", n: 3 }];
    const page_pushes = (queue) => queue.push({ event: "last" });
    const page = new FakePage({ before });
    page.push({ event: "after" });
    await page.wait(1000);
    assert.deepEqual(page.events.map((event) => event.data.event), ["one", "three", "last", "after"]);
    assert.deepEqual(page.events.map((event) => event.data.n), [1, 3, 3, 3]);
    assert.equal(before.length, 5, "the page's own array stays as it is");
});

test("an event is what the model was when it was pushed", async () => {
    const [first, second] = await made({ event: "a", list: [1] }, { event: "b", list: [2] });
    assert.deepEqual([first.list, second.list], [[1], [2]]);
});

test("Tag Manager's own events are not sent", async () => {
    assert.deepEqual(await made({ event: "gtm.js", "gtm.start": 1 }, { event: "" }, { event: 5 }, { event: {} }), []);
});

test("what cannot be sent is left out, and what is beside it is sent", async () => {
    const ring = { name: "ring" };
    ring.self = ring;
    const page = new FakePage();
    page.push({ event: "click", element: { nodeType: 1, id: "x" }, run() {}, big: 12n, text: "ok" });
    page.push(function () { this.get("").x; }, { "gtm.element": null, nested: { element: { nodeType: 1 }, b: 1 } });
    page.push({ event: "again" });
    await page.wait(1000);
    assert.deepEqual(page.events[0].data, { event: "click", big: "12", text: "ok" });
    assert.deepEqual(page.events[1].data.nested, { b: 1 });
    page.push({ event: "ring", ring, list: [ring] });
    page.push({ event: "after the ring" });
    await page.wait(1000);
    assert.equal(page.events.at(-1).data.event, "after the ring");
});

test("gtag sets values and makes events", async () => {
    const page = new FakePage();
    page.gtag("js", new Date(0));
    page.gtag("config", "G-1");
    page.gtag("set", { currency: "EUR", "user.name": "x" });
    page.gtag("set", "country", "DE");
    page.gtag("event", "purchase", { value: 5 });
    page.gtag("event", "later");
    page.gtag();
    await page.wait(1000);
    const model = { currency: "EUR", user: { name: "x" }, country: "DE" };
    const events = page.events.map((event) => event.data);
    assert.deepEqual(events, [{ ...model, value: 5, event: "purchase" }, { ...model, event: "later" }]);
});
