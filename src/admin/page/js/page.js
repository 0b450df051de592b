// Begins here: who looks, the frame, and the page that the address names.

import { whenLoggedOut } from "./kit/api.js";
import { here } from "./kit/address.js";
import { element, fill } from "./kit/element.js";
import { feed } from "./kit/feed.js";
import { listenToKeys, useKeys } from "./kit/keys.js";
import { say } from "./kit/toast.js";
import { meet } from "./kit/viewer.js";
import { buildFrame, showWays } from "./frame.js";
import { watchCounts } from "./counts.js";
import { deadPage } from "./dead/page.js";
import { livePage } from "./live/page.js";
import { overviewPage } from "./overview/page.js";
import { scriptsPage } from "./scripts/page.js";
import { sessionsPage } from "./sessions/page.js";

const PAGES = {
    live: ["Live", livePage],
    scripts: ["Scripts", scriptsPage],
    dead: ["Dead letters", deadPage],
    overview: ["Overview", overviewPage],
    sessions: ["Sessions", sessionsPage],
};

const main = document.querySelector("#main");
let shown = { page: null, leave: new AbortController(), moved: () => {} };

/** Shows what the address says: another page, or another place on the same one. */
function show() {
    const place = here();
    if (place.page === shown.page) return shown.moved(place);
    shown.leave.abort();
    const [title, build] = PAGES[place.page] ?? [null, nowhere];
    document.title = title ? `${title} · Tagwerk` : "Tagwerk";
    const leave = new AbortController();
    useKeys({});
    // The live page says itself what it wants to hear of.
    if (place.page !== "live") feed.follow({});
    showWays();
    fill(main);
    main.className = "";
    // A page may say what to do when one moves on it.
    shown = { page: place.page, leave, moved: () => {} };
    shown.moved = build(main, place, leave.signal) ?? (() => {});
}

function nowhere(main) {
    fill(main, element("div", { class: "page" }, element("h1", {}, "There is no such page")));
}

function tellReloads() {
    feed.addEventListener("reload", ({ detail }) => {
        if (detail.reload === "live") return say(`Saved files are live: generation ${detail.generation}`);
        const [first] = detail.problems;
        const where = first ? `: ${first.file}${first.line ? `:${first.line}` : ""} ${first.message}` : "";
        return say(`Saved files are not live${where}`, "bad");
    });
}

async function begin() {
    whenLoggedOut(() => location.replace("/"));
    try {
        await meet();
    } catch (error) {
        fill(main, element("div", { class: "page" }, element("p", { role: "alert" }, error.message)));
        return;
    }
    buildFrame();
    listenToKeys();
    tellReloads();
    watchCounts();
    addEventListener("hashchange", show);
    document.querySelector(".skip").addEventListener("click", (click) => {
        click.preventDefault();
        main.focus();
    });
    show();
}

begin();
