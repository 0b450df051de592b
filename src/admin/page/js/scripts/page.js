// Scripts: what is live now, and how it does. A saved file shows here at once.

import { get, post } from "../kit/api.js";
import { element, fill } from "../kit/element.js";
import { faultBox } from "../kit/fault.js";
import { feed } from "../kit/feed.js";
import { ago } from "../kit/ticking.js";
import { attempt } from "../kit/toast.js";
import { mayChange } from "../kit/viewer.js";
import { count } from "../kit/words.js";
import { keepLooking } from "../kit/looking.js";
import { clientTable, destinationTable, tagTable } from "./tables.js";

const EVERY_MS = 4_000;

export function scriptsPage(main, place, leave) {
    const generation = element("section", { class: "card stack", "aria-labelledby": "generation-title" });
    const tables = element("div", { class: "stack roomy-stack" });
    const reload = element("button", { type: "button", onclick: () => attempt(() => post("/api/reload")) }, "Reload files");
    fill(
        main,
        element(
            "div",
            { class: "page" },
            element("div", { class: "page-head" }, element("h1", {}, "Scripts"), mayChange() && reload),
            generation,
            tables,
        ),
    );
    const look = async () => {
        const asked = ["status", "clients", "tags", "destinations"].map((name) => get(`/api/${name}`));
        const [status, clients, tags, destinations] = await Promise.all(asked);
        if (leave.aborted) return;
        fill(generation, generationCard(status));
        const focused = document.activeElement?.id;
        fill(tables, clientTable(clients), tagTable(tags), destinationTable(destinations, look));
        if (focused) document.getElementById(focused)?.focus();
    };
    const again = keepLooking(look, EVERY_MS, leave);
    feed.on("reload", () => {
        generation.classList.remove("fresh");
        again().then(() => requestAnimationFrame(() => generation.classList.add("fresh")));
    }, leave);
}

function generationCard({ generation, generation_since, problems, draft }) {
    const isGood = problems.length === 0;
    const badge = isGood ? element("span", { class: "badge good" }, "live") : element("span", { class: "badge bad" }, "newer files are refused");
    return [
        element(
            "header",
            {},
            element("h2", { id: "generation-title" }, "Generation ", element("code", { class: "generation-id" }, generation)),
            badge,
            element("span", { class: "soft tiny push" }, "since ", ago(generation_since)),
        ),
        isGood
            ? element("p", { class: "soft" }, "Save a file in clients/, tags/ or shared/, or tagwerk.toml, and it is live in a moment; or it is refused here, with its line.")
            : element("p", {}, `The files have ${count(problems.length, "problem")}. Until that is mended, the set before them stays live.`),
        problems.length > 0 && element("div", { class: "stack problems", role: "alert" }, problems.map(faultBox)),
        draftPart(draft),
    ];
}

function draftPart(draft) {
    if (!draft || (!draft.generation && !draft.problems?.length)) return null;
    return element(
        "div",
        { class: "stack" },
        element("p", {}, element("span", { class: "badge calm" }, "draft"), " Preview requests run through draft/ ", draft.generation && ["generation ", element("code", {}, draft.generation)]),
        (draft.problems ?? []).map(faultBox),
    );
}
