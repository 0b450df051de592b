// The pictures of docs/images: the real page, with what the examples make of it. `make screenshots`.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./support/chromium.mjs";
import { until } from "./support/patience.mjs";
import { Shop } from "./support/shop.mjs";

const FOLDER = fileURLToPath(new URL("../../docs/images/", import.meta.url));

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 720 };

const CRM_ORDER = `// Paid WooCommerce orders go to the CRM, by hashed email address.
const ON = "order_created";
const TO = "crm";
const WHEN = #{
    value: #{ gt: 0 },
    status: ["processing", "completed"],
    "user_data.email_address": #{ exists: true },
};

fn tag(event) {
    #{
        path: \`/\${event.transaction_id}\`,
        body: #{
            customer: pii::hash_email(event.user_data.email_address),
            total: event.value,
            currency: event.currency,
            skus: event.items.map(|item| item.item_id),
        },
    }
}
`;

const NEWSLETTER = `// Who signs up gets the newsletter.
const ON = "signup";
const TO = "crm";

fn tag(event) {
    let email = event.user_data.email_address;
    #{ path: "/newsletter", body: #{ email: pii::email(email) } }
}
`;

const EXAMPLES = ["woocommerce_ping", "stripe_checkout_session_completed", "datalayer_1_signup", "datalayer_2_login", "datalayer_5_revenue", "site_page_view", "site_view_item", "site_add_to_cart", "site_purchase", "site_conversion", "woocommerce_order_created"];

const cleanups = [];
const shop = await Shop.open(
    { after: (done) => cleanups.push(done) },
    {
        emulators: { amplitude: [], tracify: [], slack: [400], http: [503] },
        files: { "tags/crm_order.rhai": CRM_ORDER, "tags/newsletter.rhai": NEWSLETTER },
    },
);
const browser = await launch();
cleanups.push(() => browser.close());
try {
    await mkdir(FOLDER, { recursive: true });
    await fillShop();
    await takeAll();
} finally {
    for (const done of cleanups.reverse()) await done();
}

async function fillShop() {
    await shop.ask("POST", "/api/preview/sessions", { ttl: "1h", limit: 500, capture: {} });
    for (const name of EXAMPLES) await shop.sendExample(name);
    await shop.post("/orders", { id: 1 });
    for (const value of [129.5, 240, 119]) await shop.post("/collect", { event_name: "purchase", value, currency: "EUR", transaction_id: `T-${value}` });
    await shop.sendExample("woocommerce_order_created");
    await until("something was delivered", async () => (await shop.ask("GET", "/api/traces?outcome=delivered")).length > 5);
}

async function takeAll() {
    const page = await open(WIDE, "light");
    const list = await shop.ask("GET", "/api/traces");
    const of = (is) => list.find(is).trace_id;
    const order = of((row) => row.events[0] === "order_created");
    const failed = of((row) => row.outcome === "failed");
    await take(page, "live", `#/live/${order}`, ".trace-head");
    await take(page, "tag", `#/live/${order}`, ".part.tag", (shown) => toPart(shown, "crm_order"));
    await take(page, "fault", `#/live/${failed}`, ".fault", (shown) => toPart(shown, "newsletter"));
    await take(page, "scripts", "#/scripts", "#destinations-title");
    await take(page, "dead-letters", "#/dead", ".group", (shown) => shown.locator(".group > .fold > summary").first().click());
    await take(page, "overview", "#/overview", ".chart", () => until("the charts have a few points", async () => (await shop.ask("GET", "/api/series")).time.length > 5));
    await take(page, "sessions", "#/sessions", ".session");
    await take(await open(WIDE, "dark"), "live-dark", `#/live/${order}`, ".trace-head");
    await take(await open(PHONE, "light"), "phone", `#/live/${order}`, ".trace-head");
}

/** A tag's section at the top. */
async function toPart(page, tag) {
    await page.getByRole("region", { name: `Tag ${tag} →` }).evaluate((part) => part.scrollIntoView({ block: "start" }));
}

async function open(viewport, colorScheme) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    const { url } = await shop.ask("POST", "/api/login-links", {});
    await page.goto(url);
    return page;
}

async function take(page, name, at, ready, prepare = () => {}) {
    await page.goto(`${shop.admin}/${at}`);
    await page.locator(ready).first().waitFor();
    await page.getByRole("banner").getByText("live", { exact: true }).waitFor();
    await prepare(page);
    await page.screenshot({ path: path.join(FOLDER, `${name}.png`) });
    console.log(`docs/images/${name}.png`);
}
