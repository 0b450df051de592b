// The page as somebody uses it: logged in, and asked what it shows.

import { openPage } from "./chromium.mjs";

/** The page of a shop, logged in by a one-time link, at an address such as `#/dead`. */
export async function logIn(test, shop, { at = "#/live", role = "admin", ...options } = {}) {
    const page = await openPage(test, options);
    const { url } = await shop.ask("POST", "/api/login-links", { role });
    await page.goto(url);
    await page.goto(`${shop.admin}/${at}`);
    await page.getByRole("banner").getByText("live", { exact: true }).waitFor();
    return page;
}

/** Opens a session that watches live traffic. */
export function capture(shop, filter = {}, { ttl = "10m", limit = 500 } = {}) {
    return shop.ask("POST", "/api/preview/sessions", { ttl, limit, capture: filter });
}

/** The request in the list that has such a text; opens it. */
export async function openRequest(page, text) {
    const option = page.getByRole("listbox", { name: "Requests" }).getByRole("option").filter({ hasText: text }).first();
    const row = await option.getAttribute("id");
    await option.click();
    // Where there is no room for both, the list is gone now; the address says it everywhere.
    await page.waitForURL((url) => url.hash.includes(row.slice("row-".length)));
    await page.locator(".trace-head").waitFor();
}

/** The section of a tag. */
export function tagPart(page, name) {
    return page.getByRole("region", { name: `Tag ${name} →` });
}
