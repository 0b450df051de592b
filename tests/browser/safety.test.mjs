// Who is let in: no other site, no other name, no token in an address; and what is said to whom has no
// session.

import test from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { openPage, withChromium } from "./support/chromium.mjs";
import { logIn } from "./support/page.mjs";
import { ADMIN_TOKEN, Shop } from "./support/shop.mjs";

withChromium();

test("whoever comes without a session is told how to get one", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const page = await openPage(test);
    const answer = await page.goto(shop.admin);
    assert.equal(answer.status(), 401);
    assert.match(await page.textContent("main"), /login link works once/i);

    await page.getByRole("textbox", { name: "Admin token" }).fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").getByText("not the admin token").waitFor();

    await page.getByRole("textbox", { name: "Admin token" }).fill(ADMIN_TOKEN);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Nothing is watched yet" }).waitFor();
    // Scripts cannot read the cookie, so none can carry it away.
    assert.equal(await page.evaluate(() => document.cookie), "");
});

test("a login link works once, and logging out ends the session", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const { url } = await shop.ask("POST", "/api/login-links", {});
    const page = await openPage(test);
    await page.goto(url);
    await page.getByRole("heading", { name: "Nothing is watched yet" }).waitFor();
    const other = await openPage(test);
    assert.equal((await other.goto(url)).status(), 401);

    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "With a link" }).waitFor();
});

test("start-up prints a link that opens the page", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const link = await shop.server.line("a login link", (line) => line.match(/http:\/\/[\w.:]+\/login\/\w+/)?.[0]);
    const page = await openPage(test);
    assert.equal((await page.goto(link)).status(), 200);
    await page.getByRole("heading", { name: "Nothing is watched yet" }).waitFor();
});

test("a reader sees no button that changes anything", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const page = await logIn(test, shop, { role: "read" });
    await page.getByText("read only").waitFor();
    for (const [at, heading] of [["live", "Nothing is watched yet"], ["scripts", "Scripts"], ["dead", "Dead letters"], ["overview", "Overview"], ["sessions", "Sessions"]]) {
        await page.goto(`${shop.admin}/#/${at}`);
        await page.getByRole("heading", { name: heading, exact: true }).waitFor();
        const names = await page.locator("main button:visible").allTextContents();
        const changing = names.filter((name) => /capture|open|close|reload|resume|retry|discard|save|link|header/i.test(name));
        assert.deepEqual(changing, [], at);
    }
    // And if one pressed them all the same, the server would refuse.
    const refused = await page.evaluate(async () => {
        const answer = await fetch("/api/reload", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
        return answer.status;
    });
    assert.equal(refused, 403);
});

test("another name for the address is refused", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const { port } = new URL(shop.admin);
    for (const host of ["evil.example", "127.0.0.1.nip.io", "localhost.", "evil.example:" + port]) {
        assert.equal(await statusOf(shop, "/api/status", { host, authorization: `Bearer ${ADMIN_TOKEN}` }), 421, host);
    }
    assert.equal(await statusOf(shop, "/api/status", { host: `127.0.0.1:${port}`, authorization: `Bearer ${ADMIN_TOKEN}` }), 200);
});

test("a page of another site can neither post nor read, whoever is logged in", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const page = await logIn(test, shop);
    const before = await shop.ask("GET", "/api/preview/sessions");

    const evil = http.createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<title>evil</title>"));
    await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
    test.after(() => evil.close());
    const tab = await page.context().newPage();
    // Another port is another origin of the same site: cookies would go along.
    await tab.goto(`http://127.0.0.1:${evil.address().port}/`);
    const told = await tab.evaluate(async (admin) => {
        const target = `${admin}/api/preview/sessions`;
        const outcome = (asked) => asked.then((answer) => answer.type, () => "failed");
        const json = { method: "POST", credentials: "include", headers: { "content-type": "application/json" }, body: "{}" };
        const simple = { method: "POST", mode: "no-cors", credentials: "include", headers: { "content-type": "text/plain" }, body: "{}" };
        return [await outcome(fetch(target, json)), await outcome(fetch(target, simple)), await outcome(fetch(`${admin}/api/status`, { credentials: "include" }))];
    }, shop.admin);
    // A simple one is sent, and its answer hidden: what it did is looked at below.
    assert.deepEqual(told, ["failed", "opaque", "failed"]);
    await tab.evaluate((admin) => {
        const form = document.createElement("form");
        form.method = "post";
        form.enctype = "text/plain";
        form.action = `${admin}/api/preview/sessions`;
        document.body.append(form);
        form.submit();
    }, shop.admin);
    await tab.waitForURL(`${shop.admin}/**`);
    assert.match(await tab.textContent("body"), /"error"/);
    assert.deepEqual(await shop.ask("GET", "/api/preview/sessions"), before);

    const cookie = { cookie: (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ") };
    const headers = { ...cookie, origin: "https://evil.example", "sec-fetch-site": "cross-site", "content-type": "application/json" };
    assert.equal(await statusOf(shop, "/api/preview/sessions", headers, "POST", "{}"), 403);
    assert.deepEqual(await shop.ask("GET", "/api/preview/sessions"), before);
});

test("a token in an address is refused, and the policy is exact", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    assert.equal(await statusOf(shop, `/api/status?token=${ADMIN_TOKEN}`, {}), 401);
    assert.equal(await statusOf(shop, `/?token=${ADMIN_TOKEN}`, {}), 401);
    const answer = await fetch(shop.admin);
    assert.equal(
        answer.headers.get("content-security-policy"),
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal(answer.headers.get("cache-control"), "no-store");
});

/** `fetch` sets some of these headers itself, so not by it. */
function statusOf(shop, target, headers, method = "GET", body = "") {
    const { hostname, port } = new URL(shop.admin);
    return new Promise((resolve, reject) => {
        const request = http.request({ hostname, port, path: target, method, headers }, (answer) => {
            answer.resume();
            answer.on("end", () => resolve(answer.statusCode));
        });
        request.on("error", reject);
        request.end(body);
    });
}
