// The top of the page: where one can go, and how the server is.

import { post } from "./kit/api.js";
import { here, to } from "./kit/address.js";
import { drawing, element, fill } from "./kit/element.js";
import { feed } from "./kit/feed.js";
import { showKeys } from "./kit/keys.js";
import { viewer } from "./kit/viewer.js";

const PAGES = [
    ["live", "Live"],
    ["scripts", "Scripts"],
    ["dead", "Dead letters"],
    ["overview", "Overview"],
    ["sessions", "Sessions"],
];

const counts = {};
const pulse = element("span", { class: "pulse", role: "status" });
const ways = element("ul");

export function buildFrame() {
    const mark = drawing(
        "svg",
        { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true" },
        drawing("path", { d: "M4 9h24M4 16h15M4 23h9" }),
        drawing("circle", { cx: 26, cy: 20, r: 4 }),
    );
    const end = element(
        "div",
        { class: "top-end" },
        pulse,
        viewer.role === "read" && element("span", { class: "badge calm" }, "read only"),
        element("button", { type: "button", class: "quiet", onclick: showKeys, "aria-label": "Keys" }, element("kbd", {}, "?")),
        element("button", { type: "button", class: "quiet", onclick: logOut }, "Log out"),
    );
    fill(
        document.querySelector("#top"),
        element("a", { class: "brand", href: to("live") }, mark, "Tagwerk"),
        element("nav", { "aria-label": "Pages" }, ways),
        end,
    );
    feed.addEventListener("state", showPulse);
    feed.addEventListener("sessions", ({ detail }) => markPage("sessions", detail.filter((one) => !one.ended).length, "calm"));
    feed.addEventListener("hello", ({ detail }) => markPage("sessions", detail.sessions.length, "calm"));
    showPulse();
    showWays();
}

/** The page that is shown is marked. */
export function showWays() {
    const { page } = here();
    const way = ([name, title]) => {
        const { count, tone } = counts[name] ?? {};
        const current = name === page ? "page" : null;
        const badge = count > 0 && element("span", { class: `badge ${tone}` }, count);
        return element("li", {}, element("a", { href: to(name), "aria-current": current }, title, badge));
    };
    fill(ways, PAGES.map(way));
}

/** A count beside the name of a page, if it is not 0. */
export function markPage(page, count, tone) {
    if (counts[page]?.count === count) return;
    counts[page] = { count, tone };
    showWays();
}

function showPulse() {
    const [tone, text] = {
        live: feed.configOk ? ["good", "live"] : ["bad", "files refused"],
        connecting: ["warn", "connecting"],
        lost: ["warn", "reconnecting"],
    }[feed.state];
    pulse.className = `pulse ${tone}`;
    const generation = feed.generation && element("span", { class: "mono roomy", title: "generation" }, feed.generation);
    fill(pulse, element("span", {}, text), generation);
}

async function logOut() {
    await post("/api/logout").catch(() => {});
    location.replace("/");
}
