// The pictures of docs/images: the real page, with what the examples make of it. `make screenshots`.

import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { launch, serveFromDisk } from "./support/chromium.mjs";
import { until } from "./support/patience.mjs";
import { Shop } from "./support/shop.mjs";

const FOLDER = fileURLToPath(new URL("../../docs/images/", import.meta.url));

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 720 };

/** Each picture is taken twice: `live.png` is light, `live-dark.png` is dark. */
const LOOKS = { "": "light", "-dark": "dark" };

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

/** Its mistake: the address is in `user_data`. */
const NEWSLETTER = `// Who signs up gets the newsletter.
const ON = "signup";
const TO = "crm";

fn tag(event) {
    let email = event.user.email_address;
    #{ path: "/newsletter", body: #{ email: email } }
}
`;

const EXAMPLES = ["woocommerce_ping", "stripe_checkout_session_completed", "datalayer_1_signup", "datalayer_2_login", "datalayer_5_revenue", "site_page_view", "site_view_item", "site_add_to_cart", "site_purchase", "site_conversion"];

/** Points that a chart has before its picture is taken. */
const POINTS = 10;

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
    const files = [];
    for (const [suffix, colorScheme] of Object.entries(LOOKS)) files.push(...(await takeAll(suffix, colorScheme)));
    await shrink(files);
} finally {
    for (const done of cleanups.reverse()) await done();
}

async function fillShop() {
    await shop.ask("POST", "/api/preview/sessions", { ttl: "1h", limit: 500, capture: {} });
    let points = 0;
    await until("the charts have points", async () => {
        const { time } = await shop.ask("GET", "/api/series");
        if (time.length > points) await shop.post("/collect", { event_name: "purchase", value: 100 + 7 * points, currency: "EUR", transaction_id: `T-${points}` });
        points = time.length;
        return points > POINTS;
    });
    for (const name of EXAMPLES) await shop.sendExample(name);
    await shop.post("/orders", { id: 1 });
    await shop.send("/order_created", { headers: { "content-encoding": "br" }, body: "?" });
    await shop.sendExample("woocommerce_order_created");
    await until("it was delivered", async () => (await shop.ask("GET", "/api/traces?event=order_created&outcome=delivered")).length > 0);
}

async function takeAll(suffix, colorScheme) {
    const page = await open(WIDE, colorScheme);
    const list = await shop.ask("GET", "/api/traces?limit=1000");
    const of = (is) => list.find(is).trace_id;
    const order = of((row) => row.events[0] === "order_created");
    const failed = of((row) => row.outcome === "failed");
    const pictures = [
        ["live", `#/live/${order}`, ".trace-head"],
        ["tag", `#/live/${order}`, ".part.tag", (shown) => toPart(shown, "crm_order")],
        ["fault", `#/live/${failed}`, ".fault", (shown) => toPart(shown, "newsletter")],
        ["scripts", "#/scripts", "#destinations-title"],
        ["dead-letters", "#/dead", ".group", toLetter],
        ["overview", "#/overview", ".chart"],
        ["sessions", "#/sessions", ".session"],
    ];
    const files = [];
    for (const [name, at, ready, prepare] of pictures) files.push(await take(page, name + suffix, at, ready, prepare));
    files.push(await take(await open(PHONE, colorScheme), `phone${suffix}`, `#/live/${order}`, ".trace-head"));
    return files;
}

/** The first letter, opened. */
async function toLetter(page) {
    await page.locator(".group > .fold > summary").first().click();
    await page.locator(".letter summary").first().click();
    await page.locator(".letter-inside > *").first().waitFor();
}

/** A tag's section at the top. */
async function toPart(page, tag) {
    await page.getByRole("region", { name: `Tag ${tag} →` }).evaluate((part) => part.scrollIntoView({ block: "start" }));
}

async function open(viewport, colorScheme) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    await serveFromDisk(page);
    const { url } = await shop.ask("POST", "/api/login-links", {});
    await page.goto(url);
    return page;
}

async function take(page, name, at, ready, prepare = () => {}) {
    await page.goto(`${shop.admin}/${at}`);
    await page.locator(ready).first().waitFor();
    await page.getByRole("banner").getByText("live", { exact: true }).waitFor();
    await prepare(page);
    const file = path.join(FOLDER, `${name}.png`);
    await page.screenshot({ path: file });
    console.log(`docs/images/${name}.png`);
    return file;
}

/** A palette of 256 colours: a third of the size, and nobody sees it. */
async function shrink(files) {
    await promisify(execFile)("pngquant", ["--force", "--ext", ".png", "--skip-if-larger", "--speed", "1", "--strip", ...files]);
}
