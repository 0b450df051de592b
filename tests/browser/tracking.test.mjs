// /tagwerk.js on real pages in Chromium, and what reaches the server and Amplitude.

import test from "node:test";
import assert from "node:assert/strict";
import fs from "node:fs";
import { openPage, withChromium } from "./support/chromium.mjs";
import { until } from "./support/patience.mjs";
import { Recorder, sink } from "./support/recorder.mjs";
import { Shop } from "./support/shop.mjs";
import { Site } from "./support/site.mjs";

withChromium();

const CASE = JSON.parse(fs.readFileSync(new URL("../data/cases/D27-pushes-merge-into-one-model.json", import.meta.url), "utf8"));
const PUSHES = CASE.input.pushes;
const NAMES = CASE.expect.events_in_order;

/** Server, site and page. Tagwerk is at tags.shop.localhost, the site at www.shop.localhost: one site. */
async function open(test, { pages = {}, attributes = "", files = {} } = {}) {
    const recorder = await Recorder.open(test);
    const { files: tags, config } = sink(recorder);
    const shop = await Shop.open(test, { emulators: { amplitude: [] }, config, files: { ...tags, ...files } });
    const tags_url = shop.url.replace("127.0.0.1", "tags.shop.localhost");
    const tag = `<script async src="${tags_url}/tagwerk.js" ${attributes}></script>`;
    const content = Object.fromEntries(Object.entries({ "/": "", "/next": "", ...pages }).map(([path, html]) => [path, html + tag]));
    const site = await Site.open(test, content);
    const page = await openPage(test);
    return { recorder, shop, site, page };
}

const push = (page, ...pushes) => page.evaluate((all) => (window.dataLayer = window.dataLayer || []).push(...all), pushes);
const gtag = (page, ...values) =>
    page.evaluate((all) => {
        window.dataLayer = window.dataLayer || [];
        (function () { window.dataLayer.push(arguments); })(...all);
    }, values);
const loaded = (page) => page.waitForFunction(() => window.dataLayer?.tagwerk);
const names = (events) => events.map((event) => event.event_name);

/** What Amplitude, or what stands in for it, has accepted: its own event objects. */
async function atAmplitude(shop) {
    await shop.settled();
    const { deliveries } = await shop.ask("GET", "/api/deliveries?state=delivered&destination=amplitude");
    const whole = await Promise.all(deliveries.map((one) => shop.ask("GET", `/api/deliveries/${one.delivery_id}`)));
    return whole.map((one) => one.payload);
}

test("the six pushes of the guide, unchanged, reach Amplitude as it says", async (test) => {
    // The first three before the script is there, as pages do.
    const early = PUSHES.slice(0, 3).map((one) => `dataLayer.push(${JSON.stringify(one)});`).join("\n");
    const html = `<script>window.dataLayer = window.dataLayer || [];\n${early}</script>`;
    const { recorder, shop, site, page } = await open(test, { pages: { "/": html } });
    await page.goto(site.at("/?utm_source=fb"));
    await loaded(page);
    for (const one of PUSHES.slice(3)) await push(page, one);
    const events = await recorder.wait(6);
    assert.deepEqual(names(events.sort((a, b) => a.timestamp_ms - b.timestamp_ms)).sort(), [...NAMES].sort());
    for (const event of events) {
        assert.equal(event.page_location, site.at("/?utm_source=fb"));
        assert.equal(event.page_title, "Shop");
        assert.equal(event.ip_override, "127.0.0.1");
        assert.match(event.user_agent, /Chrome/);
        assert.match(event.screen_resolution, /^\d+x\d+$/);
    }
    const sent = await atAmplitude(shop);
    assert.deepEqual(sent.map((one) => one.event_type).sort(), [...NAMES].sort());
    const of = (type) => sent.find((one) => one.event_type === type);
    for (const name of NAMES) assert.equal(of(name).user_id, "123456789", name);
    assert.equal(of("signup").event_properties.provider, "email");
    const { price, quantity, revenue, productId, revenueType, event_properties } = of("revenue");
    assert.deepEqual({ price, quantity, revenue, productId, revenueType, event_properties }, {
        price: 15, quantity: 1, revenue: 15, productId: "basic_plan", revenueType: "yearly", event_properties: { currency: "EUR" },
    });
    assert.deepEqual(await page.context().cookies(), [], "and without consent there is no cookie");
    assert.equal(await page.evaluate(() => localStorage.length), 0, "and nothing stored");
});

test("ecommerce: null leaves nothing of the order before", async (test) => {
    const { recorder, site, page } = await open(test);
    await page.goto(site.at("/"));
    await push(page,
        { event: "purchase", ecommerce: { transaction_id: "T-1", value: 15, currency: "EUR", items: [{ item_id: "1" }, { item_id: "2" }] } },
        { ecommerce: null },
        { event: "view_item", ecommerce: { items: [{ item_id: "3" }] } });
    const events = await recorder.wait(2);
    const [purchase, view] = ["purchase", "view_item"].map((name) => events.find((event) => event.event_name === name));
    assert.deepEqual([purchase.transaction_id, purchase.items.length], ["T-1", 2]);
    assert.deepEqual([view.transaction_id, view.value, view.items], [undefined, undefined, [{ item_id: "3" }]]);
});

test("what is pushed just before the page is left arrives", async (test) => {
    const { recorder, site, page } = await open(test);
    await page.goto(site.at("/"));
    await loaded(page);
    await page.evaluate(() => {
        window.dataLayer.push({ event: "leaving" });
        location.href = "/next";
    });
    await page.waitForURL(site.at("/next"));
    const [event] = await recorder.wait(1);
    assert.equal(event.event_name, "leaving");
    assert.equal(event.page_location, site.at("/"));
    await loaded(page);
    await page.evaluate(() => window.dataLayer.push({ event: "closing" }));
    await page.close({ runBeforeUnload: false });
    assert.deepEqual(names(await recorder.wait(2)), ["leaving", "closing"]);
});

test("what is pushed without network arrives once it is back", async (test) => {
    const { recorder, site, page } = await open(test);
    await page.goto(site.at("/"));
    await loaded(page);
    await page.context().setOffline(true);
    await push(page, { event: "one" }, { event: "two" });
    await page.waitForFunction(() => navigator.onLine === false);
    await page.context().setOffline(false);
    const events = await recorder.wait(2);
    assert.deepEqual(names(events).sort(), ["one", "two"]);
});

test("with consent, the next page sends what this one could not, and the server takes it once", async (test) => {
    const { recorder, shop, site, page } = await open(test, { attributes: 'data-consent="granted"' });
    let isDown = true;
    await page.route("**/tagwerk/events", (route) => (isDown ? route.abort() : route.continue()));
    await page.goto(site.at("/"));
    await loaded(page);
    await push(page, { event: "one" });
    await page.goto(site.at("/next"));
    const stored = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("tagwerk.")));
    await page.waitForFunction(() => window.dataLayer?.tagwerk);
    isDown = false;
    await page.goto(site.at("/"));
    const [event] = await recorder.wait(1);
    assert.deepEqual([event.event_name, event.page_location], ["one", site.at("/")]);
    await until("nothing is stored any more", async () => (await stored()).length === 0);
    await shop.settled();
    assert.equal(recorder.bodies.length, 1);
});

test("the cookie comes with consent, is the server's alone, and goes without", async (test) => {
    const html = "<script>window.dataLayer = []; function gtag() { dataLayer.push(arguments); } gtag('consent', 'default', { analytics_storage: 'denied', ad_storage: 'denied' });</script>";
    const { recorder, site, page } = await open(test, { pages: { "/": html, "/next": html } });
    const cookies = () => page.context().cookies();
    await page.goto(site.at("/"));
    await push(page, { event: "before" });
    const [before] = await recorder.wait(1);
    assert.deepEqual(before.consent_state, { analytics_storage: false, ad_storage: false });
    assert.deepEqual(await cookies(), []);

    await gtag(page, "consent", "update", { analytics_storage: "granted" });
    const [cookie] = await until("the cookie is set", async () => (await cookies()).length && cookies());
    const { name, domain, path, httpOnly, secure, sameSite } = cookie;
    assert.deepEqual({ name, domain, path, httpOnly, secure, sameSite }, {
        name: "tagwerk_id", domain: ".shop.localhost", path: "/", httpOnly: true, secure: true, sameSite: "Lax",
    });
    const days = (cookie.expires - Date.now() / 1000) / 86_400;
    assert.ok(days > 390 && days < 400, `${days} days`);
    assert.equal(cookie.value, before.client_id, "who it was before has the same name");
    assert.equal(await page.evaluate(() => document.cookie), "");

    await page.goto(site.at("/next"));
    await gtag(page, "consent", "update", { analytics_storage: "granted" });
    await push(page, { event: "after" });
    const after = (await recorder.wait(2)).find((event) => event.event_name === "after");
    assert.deepEqual([after.client_id, after.consent_state.analytics_storage], [cookie.value, true]);
    assert.equal((await cookies())[0].value, cookie.value);

    await gtag(page, "consent", "update", { analytics_storage: "denied" });
    await until("the cookie is gone", async () => (await cookies()).length === 0);
});

test("a page of another site may send if it is on the list, with credentials", async (test) => {
    const client = fs.readFileSync(new URL("../../clients/browser.rhai", import.meta.url), "utf8");
    const { recorder, shop, site, page } = await open(test);
    const other = site.at("/", "shop.other.localhost");
    const listed = client.replace('const CORS = "*"', `const CORS = ["${new URL(other).origin}"]`);
    assert.notEqual(listed, client);
    await shop.write("clients/browser.rhai", listed);
    await shop.ask("POST", "/api/reload", {});
    const answer = page.waitForResponse((response) => response.url().endsWith("/tagwerk/events"));
    await page.goto(other);
    await push(page, { event: "one" });
    const headers = await (await answer).allHeaders();
    assert.equal(headers["access-control-allow-origin"], new URL(other).origin);
    assert.equal(headers["access-control-allow-credentials"], "true");
    assert.deepEqual(names(await recorder.wait(1)), ["one"]);
    const sent = (await answer).request();
    assert.equal(sent.method(), "POST");
    assert.match((await sent.allHeaders())["content-type"], /^text\/plain/);
});

test("the page's own content security policy needs two lines", async (test) => {
    const { recorder, shop, site, page } = await open(test);
    const tags = shop.url.replace("127.0.0.1", "tags.shop.localhost");
    const policy = `<meta http-equiv="content-security-policy" content="default-src 'none'; script-src ${tags}; connect-src ${tags}">`;
    const strict = await Site.open(test, { "/": `${policy}<script async src="${tags}/tagwerk.js"></script>` });
    assert.ok(site.port !== strict.port);
    await page.goto(strict.at("/"));
    await loaded(page);
    await push(page, { event: "one" });
    assert.deepEqual(names(await recorder.wait(1)), ["one"]);
});
