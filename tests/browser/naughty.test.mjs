// What strangers send is shown as text, wherever it stands: in the name of an event, in keys, values,
// paths, queries, header fields, vendors' answers, faults and log lines. Nothing of it ever runs.

import test from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { withChromium } from "./support/chromium.mjs";
import { NAUGHTY } from "./support/naughty.mjs";
import { logIn } from "./support/page.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

/** Events of one request. */
const TOGETHER = 60;

/** Characters of a text that the page shows at once. */
const SHOWN = 900;

const CLIENT = `const PATH = "/naughty/*";
const METHODS = ["POST", "GET"];
fn parse(request) {
    if request.method == "GET" { return (); }
    request.json.events
}
`;

const SENDS = `const ON = "*";
const TO = "crm";
fn tag(event) {
    log::info(event.text);
    #{ body: event, headers: #{ "x-echo": "yes" } }
}
`;

const THROWS = `const ON = "*";
const TO = "crm";
fn tag(event) { throw event.text; }
`;

/** Everything that could only be there if text had become markup. */
const FOREIGN = "main :is(script, style, img, iframe, object, embed, video, math, base, meta, link, template, b, animate)";

test("naughty strings appear as text only, in every place", async (test) => {
    assert.ok(NAUGHTY.length >= 500, String(NAUGHTY.length));
    const vendor = await echo(test);
    const crm = `[destinations.crm]\ntype = "http"\nurl = "${vendor}"\nrate = "off"\nconcurrency = 8\n`;
    const files = { "clients/naughty.rhai": CLIENT, "tags/sends.rhai": SENDS, "tags/throws.rhai": THROWS };
    const shop = await Shop.open(test, { emulators: {}, config: crm, files });
    const { token } = await shop.ask("POST", "/api/preview/sessions", { ttl: "30m", send: true });
    const page = await logIn(test, shop);

    for (let from = 0; from < NAUGHTY.length; from += TOGETHER) {
        const strings = NAUGHTY.slice(from, from + TOGETHER);
        const trace = await send(shop, token, strings);
        await shop.settled();
        // Not from trace to trace: what is waited for would be there of the one before.
        await page.goto("about:blank");
        await page.goto(`${shop.admin}/#/live/${trace}`);
        await page.locator(`#part-event-${strings.length - 1}`).waitFor();
        await page.waitForFunction((count) => document.querySelectorAll(".attempts li").length >= count, strings.length);
        const shown = await page.evaluate(collect);
        strings.forEach((text, index) => {
            const wanted = start(text);
            assert.equal(start(shown.names[index]), wanted, "event name");
            assert.ok(shown.keys[index].some((key) => start(key) === wanted), `key ${wanted}`);
            assert.ok(shown.values[index].some((value) => start(value) === start(JSON.stringify(text))), `value ${wanted}`);
            assert.ok(shown.logs[index].includes(wanted.slice(0, 300).trim()), `log ${wanted}`);
            assert.ok(shown.faults[index].includes(wanted.slice(0, 300).trim()), `fault ${wanted}`);
        });
        assert.equal(await page.locator(FOREIGN).count(), 0);
    }

    // In the request's own line and fields.
    const odd = NAUGHTY.filter((text) => text.length < 2_000);
    for (const text of odd.filter((_, index) => index % 6 === 0)) await get(shop, token, text);
    await page.goto(`${shop.admin}/#/live`);
    await page.getByRole("listbox", { name: "Requests" }).getByRole("option").first().waitFor();
    assert.equal(await page.locator(FOREIGN).count(), 0);
    await page.getByRole("listbox", { name: "Requests" }).getByRole("option").first().click();
    await page.locator("#part-request").getByText("header fields").click();
    assert.equal(await page.locator(FOREIGN).count(), 0);

    // As dead letters: what the scripts threw.
    await page.goto(`${shop.admin}/#/dead`);
    const group = page.getByRole("region", { name: "throws → crm" });
    await group.getByText("Letters").click();
    await group.locator(".letter").nth(49).waitFor();
    assert.equal(await page.locator(FOREIGN).count(), 0);

    // As the last fault of a tag, and in a filter that somebody was sent.
    await page.goto(`${shop.admin}/#/scripts`);
    await page.getByText("last fault").first().waitFor();
    assert.equal(await page.locator(FOREIGN).count(), 0);
    for (const text of NAUGHTY.slice(0, 30)) await page.goto(`${shop.admin}/#/live?${new URLSearchParams({ text, client: text, event: text })}`);
    await page.getByRole("heading", { name: "No request matches" }).waitFor();
    assert.equal(await page.locator(FOREIGN).count(), 0);
});

/** The texts of the sections, by event. Runs on the page. */
function collect() {
    const shown = { names: [], keys: [], values: [], logs: [], faults: [] };
    const texts = (root, selector) => [...root.querySelectorAll(selector)].map((found) => found.firstChild?.textContent ?? "");
    for (let index = 0; ; index += 1) {
        const event = document.querySelector(`#part-event-${index}`);
        if (!event) return shown;
        event.querySelectorAll("details").forEach((branch) => (branch.open = true));
        const tags = [...document.querySelectorAll(`[id^="part-event-${index}-tag-"]`)];
        shown.names.push(event.querySelector(".event-name").textContent);
        shown.keys.push(texts(event, ".json-key"));
        shown.values.push(texts(event, ".json-string"));
        shown.logs.push(tags.map((tag) => tag.querySelector(".log")?.textContent ?? "").join());
        shown.faults.push(tags.map((tag) => tag.querySelector(".fault-what")?.textContent ?? "").join());
    }
}

/** The beginning of a text as the page shows it: what cannot be seen has a name there. */
function start(text) {
    const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
    return text.slice(0, SHOWN).replace(unseen, (one) => `‹U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`).slice(0, SHOWN / 2);
}

/** Sends events that are named so, have such keys and such values; gives the trace's id. */
async function send(shop, token, strings) {
    const events = strings.map((text) => ({ event_name: text, text, keys: { [text]: text } }));
    const answer = await shop.post("/naughty/post", { events }, { "x-preview": token });
    assert.equal(answer.status, 200);
    return answer.headers.get("x-preview-trace");
}

/** A request that has the string in path, query and a field, as far as HTTP allows. */
function get(shop, token, text) {
    const encoded = encodeURIComponent(text);
    const field = text.replace(/[^\x20-\x7e]/g, "").trim() || "x";
    return shop.send(`/naughty/${encoded}?${encoded}=${encoded}`, { method: "GET", headers: { "x-preview": token, "x-naughty": field } });
}

/** A vendor whose answer is what the event said. */
async function echo(test) {
    const server = http.createServer(async (request, answer) => {
        const parts = [];
        for await (const part of request) parts.push(part);
        answer.setHeader("content-type", "text/html");
        answer.end(JSON.parse(Buffer.concat(parts)).text);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    test.after(() => server.close());
    return `http://127.0.0.1:${server.address().port}/`;
}
