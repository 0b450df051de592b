// How /tagwerk.js brings events to the server: batches, retries, consent, what outlives a page. The very
// file, without a browser: time passes when the test says so. tracking.test.mjs is the same in Chromium.

import test from "node:test";
import assert from "node:assert/strict";
import { FakePage } from "./support/fake-page.mjs";

const GRANTED = { analytics_storage: "granted" };
const DENIED = { analytics_storage: "denied", ad_storage: "denied" };
const names = (events) => events.map((event) => event.data.event);
const stored = (storage) => Object.keys(storage).filter((key) => key.startsWith("tagwerk."));

test("events of a moment are one request, as text, with credentials", async () => {
    const page = new FakePage();
    page.push({ event: "one", "user.id": "7" }, { event: "two" });
    await page.wait(1000);
    assert.equal(page.sent.length, 1);
    const [{ url, options, body }] = page.sent;
    assert.equal(url, "https://tags.example.com/tagwerk/events");
    const { method, keepalive, credentials, headers } = options;
    assert.deepEqual({ method, keepalive, credentials, headers }, {
        method: "POST", keepalive: true, credentials: "include", headers: undefined,
    });
    const [one, two] = body.events;
    assert.match(body.page_id, /^[0-9a-f]{32}$/);
    assert.deepEqual([one.id, two.id], [`${body.page_id}-1`, `${body.page_id}-2`]);
    assert.deepEqual(one.data, { event: "one", user: { id: "7" } });
    assert.deepEqual(one.page, {
        page_location: "https://www.example.com/cart?gclid=x",
        page_referrer: "https://news.example.org/",
        page_title: "Shop",
        page_encoding: "UTF-8",
        language: "en-GB",
        screen_resolution: "1920x1080",
        viewport_size: "1280x800",
    });
    assert.deepEqual([one.consent, body.consent, body.dropped], [{}, {}, 0]);
    assert.ok(one.at <= body.sent_at);
});

test("the script's own attributes say where to and of which queue", async () => {
    const page = new FakePage({ dataset: { endpoint: "/t/e", queue: "events", consent: "granted" } });
    page.push({ event: "of another queue" });
    page.window.events.push({ event: "mine" });
    await page.wait(1000);
    assert.deepEqual(page.sent.map((one) => one.url), ["https://tags.example.com/t/e"]);
    assert.deepEqual(names(page.events), ["mine"]);
    const all = { ad_storage: true, ad_user_data: true, ad_personalization: true, analytics_storage: true };
    assert.deepEqual(page.events[0].consent, all);
});

test("a batch is at most what may outlive a page, an event that is larger goes alone", async () => {
    const page = new FakePage();
    const text = "ü".repeat(10_000); // 20,000 bytes
    for (let n = 0; n < 7; n += 1) page.push({ event: `e${n}`, text });
    page.push({ event: "large", text: "x".repeat(100_000) });
    await page.wait(5000);
    const sizes = page.sent.map(({ options }) => [Buffer.byteLength(options.body) < 65_536, options.keepalive]);
    assert.deepEqual(sizes, [[true, true], [true, true], [true, true], [true, true], [false, false]].slice(-sizes.length));
    assert.deepEqual(names(page.events), ["e0", "e1", "e2", "e3", "e4", "e5", "e6", "large"]);
});

test("what fails is tried again, later each time, under the same ids", async () => {
    for (const failure of [0, 500, 503, 429, 404, 401]) {
        let down = true;
        const page = new FakePage({ answer: () => { if (down && !failure) throw new Error("no network"); return down ? failure : 200; } });
        page.push({ event: "one" });
        await page.wait(60_000);
        const tries = page.sent.map((one) => one.at);
        assert.ok(tries.length >= 5 && tries.length <= 9, `${failure}: ${tries.length} tries in a minute`);
        assert.equal(new Set(page.sent.map((one) => one.body.events[0].id)).size, 1);
        await page.wait(3_600_000);
        const pauses = page.sent.map((one) => one.at).map((at, n, all) => at - (all[n - 1] ?? at));
        assert.ok(Math.max(...pauses) <= 300_000, `${failure}: ${pauses}`);
        down = false;
        page.push({ event: "two" });
        await page.wait(300_000);
        assert.deepEqual(names(page.events), ["one", "two"], `${failure}`);
        const sent = page.sent.length;
        await page.wait(3_600_000);
        assert.equal(page.sent.length, sent, "and that is all");
    }
});

test("of a batch that is refused only the bad events are given up, and the console says so", async () => {
    const isBad = (request) => request.body.events.some((event) => event.data.event === "bad");
    const page = new FakePage({ answer: (request) => (isBad(request) ? 400 : 200) });
    page.push({ event: "a" }, { event: "bad" }, { event: "b" });
    await page.wait(5000);
    assert.deepEqual(names(page.events), ["a", "b"]);
    assert.equal(page.warnings.length, 1);
    assert.match(page.warnings[0].join(" "), /refuses an event.*bad/);
});

test("a server that refuses everything is not asked for ever", async () => {
    const page = new FakePage({ answer: () => 400 });
    page.gtag("consent", "update", GRANTED);
    await page.wait(10_000);
    assert.equal(page.sent.length, 1);
    page.push({ event: "a" }, { event: "b" });
    await page.wait(10_000);
    assert.equal(page.sent.length, 4, "both, then each");
});

test("without network nothing is tried, and everything is sent once it is back", async () => {
    const page = new FakePage();
    page.window.navigator.onLine = false;
    page.push({ event: "one" }, { event: "two" });
    await page.wait(3_600_000);
    assert.equal(page.sent.length, 0);
    page.window.navigator.onLine = true;
    await page.happen("online");
    await page.wait(0);
    assert.deepEqual(names(page.events), ["one", "two"]);
});

test("the queue is bounded: the oldest go, and the server is told how many", async () => {
    const page = new FakePage();
    page.window.navigator.onLine = false;
    for (let n = 0; n < 100; n += 1) page.push({ event: `e${n}`, text: "x".repeat(40_000) });
    page.window.navigator.onLine = true;
    await page.happen("online");
    await page.wait(60_000);
    const left = names(page.events);
    assert.equal(left.at(-1), "e99");
    assert.ok(left.length >= 20 && left.length <= 25, `${left.length}`);
    assert.equal(page.sent[0].body.dropped, 100 - left.length);
    assert.equal(page.sent.at(-1).body.dropped, 0, "told once");

    // Also where the page is left with all of it, and where the first time failed.
    const left_at_once = new FakePage({ answer: (_, n) => (n === 1 ? 503 : 200) });
    left_at_once.window.navigator.onLine = false;
    for (let n = 0; n < 100; n += 1) left_at_once.push({ event: `e${n}`, text: "x".repeat(40_000) });
    left_at_once.window.navigator.onLine = true;
    await left_at_once.happen("pagehide");
    await left_at_once.wait(60_000);
    const told = left_at_once.sent.filter((one) => one.status === 200).map((one) => one.body.dropped);
    assert.equal(told.reduce((sum, one) => sum + one, 0), 100 - left.length);
});

test("when the page is left, all that waits goes out at once", async () => {
    for (const [type, keepalive] of [["pagehide", true], ["visibilitychange", true], ["pagehide", false]]) {
        const page = new FakePage({ keepalive });
        page.push({ event: "one" });
        page.window.document.visibilityState = "hidden";
        await page.happen(type);
        assert.deepEqual(names(page.events), ["one"], type);
        assert.equal(page.sent[0].options.isBeacon ?? false, !keepalive);
        await page.wait(60_000);
        assert.equal(page.sent.length, 1);
    }
});

test("a second try that is on its way when the page is left goes once more", async () => {
    const answers = [() => 503, () => new Promise(() => {}), () => 200];
    const page = new FakePage({ answer: (_, n) => answers[n - 1]() });
    page.push({ event: "one" });
    await page.wait(5000);
    assert.deepEqual(page.sent.map((one) => one.options.keepalive), [true, false]);
    await page.happen("pagehide");
    assert.deepEqual(page.sent.map((one) => one.options.keepalive), [true, false, true]);
    assert.equal(new Set(page.sent.map((one) => one.body.events[0].id)).size, 1);
    await page.happen("pagehide");
    assert.equal(page.sent.length, 3, "once");
});

test("a beacon that the browser has no room for is not lost while the page lives", async () => {
    let room = false;
    const page = new FakePage({ keepalive: false, answer: (request) => (request.options.isBeacon && !room ? 0 : 200) });
    page.push({ event: "one" });
    page.window.document.visibilityState = "hidden";
    await page.happen("visibilitychange");
    assert.deepEqual(names(page.events), []);
    room = true;
    await page.wait(10_000);
    assert.deepEqual(names(page.events), ["one"]);
});

test("without consent nothing is stored; with it, the next page sends what this one could not", async () => {
    for (const [before, expected] of [
        [[], []],
        [[["consent", "default", DENIED]], []],
        [[["consent", "default", DENIED], ["consent", "update", GRANTED]], ["one"]],
    ]) {
        const storage = {};
        const first = new FakePage({ before: [...before], storage, answer: () => 503 });
        first.push({ event: "one" });
        await first.wait(1000);
        await first.happen("pagehide");
        assert.equal(stored(storage).length, expected.length);
        const second = new FakePage({ before: [...before], storage });
        await second.wait(5000);
        assert.deepEqual(names(second.events), expected);
        assert.deepEqual(stored(storage), []);
        if (expected.length) assert.equal(second.events[0].id, first.sent[0].body.events[0].id);
    }
});

test("consent that is taken back empties the storage", async () => {
    const storage = { "tagwerk.older": JSON.stringify({ at: 1_720_602_000_000, left: [{ json: "{\"id\":\"x\"", consent: {} }] }) };
    const page = new FakePage({ storage, dataset: { consent: "granted" }, answer: () => 503 });
    page.push({ event: "one" });
    await page.wait(1000);
    assert.equal(stored(storage).length, 1);
    page.gtag("consent", "update", DENIED);
    assert.deepEqual(stored(storage), []);
    await page.happen("pagehide");
    assert.deepEqual(stored(storage), []);
});

test("what is stored is of this week, or not sent; what is not ours is left alone", async () => {
    const storage = {
        "tagwerk.old": JSON.stringify({ at: 1_720_602_000_000 - 8 * 24 * 3_600_000, left: [{ json: '{"id":"x","data":{}', consent: {} }] }),
        other: "1",
    };
    const page = new FakePage({ storage, dataset: { consent: "granted" } });
    await page.wait(5000);
    assert.deepEqual(page.events, []);
    assert.deepEqual(Object.keys(storage), ["other"]);
});

test("storage that is forbidden or full harms nothing", async () => {
    const storage = {};
    const page = new FakePage({ storage, dataset: { consent: "granted" }, answer: (_, n) => (n === 1 ? 503 : 200) });
    Object.defineProperty(storage, "setItem", { value: () => { throw new Error("QuotaExceededError"); } });
    page.push({ event: "one" });
    await page.wait(10_000);
    assert.deepEqual(names(page.events), ["one"]);
    assert.deepEqual(page.errors, []);
});

test("consent goes with each event as it was at that moment", async () => {
    const page = new FakePage();
    page.push({ event: "unknown" });
    page.gtag("consent", "default", DENIED);
    page.push({ event: "denied" });
    page.gtag("consent", "update", GRANTED);
    page.push({ event: "granted" });
    page.push(["consent", "default", { ad_storage: "granted", analytics_storage: "denied" }]);
    page.push({ event: "an answer goes before a default" });
    await page.wait(1000);
    const ad_and_analytics = (event) => [event.consent.ad_storage, event.consent.analytics_storage];
    assert.deepEqual(page.events.map(ad_and_analytics), [[undefined, undefined], [false, false], [false, true], [true, true]]);
    assert.deepEqual(page.sent[0].body.consent, { analytics_storage: true, ad_storage: true });
});

test("what is denied in some region counts everywhere, as the script does not know where it is", async () => {
    const page = new FakePage();
    page.gtag("consent", "default", { ...DENIED, region: ["DE"] });
    page.gtag("consent", "default", { analytics_storage: "granted", ad_storage: "granted" });
    page.gtag("consent", "default", { ad_storage: "granted", region: ["US"] });
    page.push({ event: "one" });
    await page.wait(1000);
    assert.deepEqual(page.events[0].consent, { analytics_storage: false, ad_storage: false });
});

test("wait_for_update holds events until the answer is there, or the time is over", async () => {
    for (const [answered, at, consent] of [[true, 100, true], [false, 500, false]]) {
        const page = new FakePage();
        page.gtag("consent", "default", { analytics_storage: "denied", wait_for_update: 500 });
        page.push({ event: "one" });
        const begun = page.window.Date.now();
        await page.wait(100);
        if (answered) page.gtag("consent", "update", GRANTED);
        await page.wait(5000);
        assert.equal(page.sent.length, 1);
        assert.ok(page.sent[0].at - begun >= at, `${page.sent[0].at - begun}`);
        assert.deepEqual(page.events[0].consent, { analytics_storage: consent });
    }
});

test("an answer of the visitor is told at once, also without an event, and once", async () => {
    const page = new FakePage();
    page.gtag("consent", "default", DENIED);
    await page.wait(10_000);
    assert.equal(page.sent.length, 0);
    page.gtag("consent", "update", GRANTED);
    page.gtag("consent", "update", GRANTED);
    await page.wait(10_000);
    assert.deepEqual(page.sent.map((one) => [one.body.events, one.body.consent.analytics_storage]), [[[], true]]);
    page.gtag("consent", "update", DENIED);
    await page.wait(10_000);
    assert.equal(page.sent[1].body.consent.analytics_storage, false);
});

test("the script that is there twice works once", async () => {
    const first = new FakePage();
    const second = new FakePage({ before: first.window.dataLayer });
    first.push({ event: "one" });
    await first.wait(1000);
    await second.wait(1000);
    assert.deepEqual([names(first.events), names(second.events)], [["one"], []]);
});
