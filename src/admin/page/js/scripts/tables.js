// The tables of the scripts page: clients, tags, destinations.

import { post } from "../kit/api.js";
import { to } from "../kit/address.js";
import { element } from "../kit/element.js";
import { faultBox } from "../kit/fault.js";
import { ago } from "../kit/ticking.js";
import { attempt } from "../kit/toast.js";
import { mayChange } from "../kit/viewer.js";
import { micros, number, shorten, visible } from "../kit/words.js";
import { sum } from "./sum.js";

export function clientTable(clients) {
    const columns = ["Client", "Takes", "Requests", "Events", "Failures", "A run"];
    const row = (client) => [
        nameCell(client, { client: client.name }),
        element("td", { class: "mono foreign" }, client.paths.map((path) => element("div", {}, element("span", { class: "soft" }, `${client.methods.join(" ")} `), visible(path)))),
        numberCell(sum(client.requests)),
        numberCell(client.events),
        failureCell(client.failures),
        runCell(client.us_per_run),
    ];
    return table("clients", "Clients", columns, clients, row, "No client yet: `tagwerk new client NAME` makes one.");
}

export function tagTable(tags) {
    const columns = ["Tag", "Listens to", "To", "Fired", "Filtered", "Failures", "A run"];
    const row = (tag) => [
        nameCell(tag, { tag: tag.name }, !tag.enabled && element("span", { class: "badge" }, "off")),
        element("td", { class: "mono foreign" }, visible(tag.on.join(", "))),
        element("td", { class: "foreign" }, visible(tag.destination)),
        numberCell(tag.fires),
        numberCell(tag.filtered),
        failureCell(tag.failures),
        runCell(tag.us_per_run),
    ];
    return table("tags", "Tags", columns, tags, row, "No tag yet: `tagwerk new tag NAME` makes one.");
}

const STATES = {
    ready: ["good", "ready"],
    throttled: ["warn", "throttled"],
    open: ["bad", "breaker open"],
    paused: ["bad", "paused"],
    disabled: ["bad", "disabled"],
    not_configured: ["warn", "not configured"],
    removed: ["mute", "removed"],
};

export const destinationState = (state) => STATES[state] ?? ["mute", state ?? "starting"];

export function destinationTable(destinations, look) {
    const columns = ["Destination", "State", "Waiting", "Delivered", "Dead", "p50 / p99"];
    const row = (destination) => {
        const [tone, word] = destinationState(destination.state);
        return [
            element("th", { scope: "row" }, element("span", { class: "foreign strong" }, visible(destination.name)), element("span", { class: "soft" }, ` ${destination.type ?? ""}`)),
            element(
                "td",
                {},
                element("p", { class: "row" }, element("span", { class: `badge ${tone}` }, word), destination.dry_run && element("span", { class: "badge calm" }, "rehearsal"), resumeButton(destination, look)),
                destination.why && element("p", { class: "soft foreign" }, visible(destination.why)),
                destination.until && element("p", { class: "soft" }, "until ", ago(destination.until)),
            ),
            numberCell(destination.pending),
            numberCell(destination.delivered),
            element("td", { class: "right numbers" }, destination.dead > 0 ? element("a", { href: to("dead") }, number(destination.dead)) : number(destination.dead ?? 0)),
            element("td", { class: "right numbers" }, quantiles(destination)),
        ];
    };
    return table("destinations", "Destinations", columns, destinations, row, "No destination yet: they are tables of tagwerk.toml.");
}

/** There is something to resume only where something was stopped. */
function resumeButton(destination, look) {
    if (!mayChange() || !["throttled", "open", "paused", "disabled"].includes(destination.state)) return null;
    const resume = async () => {
        await attempt(() => post(`/api/destinations/${encodeURIComponent(destination.name)}/resume`));
        look();
    };
    return element("button", { type: "button", id: `resume-${destination.name}`, onclick: resume, "aria-label": `Resume ${destination.name}` }, "Resume");
}

function quantiles({ p50_ms, p99_ms }) {
    if (p50_ms === null || p50_ms === undefined) return element("span", { class: "soft" }, "–");
    return `${micros(p50_ms * 1_000)} / ${micros(p99_ms * 1_000)}`;
}

function table(id, title, columns, items, row, empty) {
    const head = columns.map((name, index) => element("th", { scope: "col", class: index > 1 && isCount(name) ? "right" : "" }, name));
    const body = items.flatMap((item) => {
        const cells = element("tr", {}, row(item));
        const fault = item.last_fault && element("tr", { class: "last-fault" }, element("td", { colspan: columns.length }, lastFault(`${id} ${item.name}`, item.last_fault)));
        return [cells, fault];
    });
    const content = items.length
        ? element("div", { class: "table", tabindex: 0, role: "group", "aria-labelledby": `${id}-title` }, element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body)))
        : element("p", { class: "soft" }, empty);
    return element("section", { class: "card stack", "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), content);
}

/** What was unfolded stays so when the numbers are made anew. */
const unfolded = new Set();

function lastFault(key, { at, fault }) {
    const summary = element("summary", {}, "last fault ", ago(at), ": ", element("span", { class: "foreign bad-text" }, visible(shorten(fault.message, 120))));
    const details = element("details", { class: "fold", open: unfolded.has(key) }, summary, faultBox(fault));
    details.addEventListener("toggle", () => (details.open ? unfolded.add(key) : unfolded.delete(key)));
    return details;
}

const isCount = (name) => !["Takes", "To", "Listens to", "State"].includes(name);

/** A name leads to what is seen of it live. */
function nameCell({ name, file }, filters, more) {
    return element("th", { scope: "row" }, element("a", { class: "foreign strong", href: to("live", null, filters) }, visible(name)), " ", more, element("div", { class: "soft tiny mono foreign" }, visible(file)));
}

function numberCell(value) {
    return element("td", { class: "right numbers" }, number(value ?? 0));
}

function failureCell(value) {
    return element("td", { class: "right numbers" }, value > 0 ? element("span", { class: "badge bad" }, number(value)) : "0");
}

function runCell(us) {
    return element("td", { class: "right numbers" }, us === null || us === undefined ? element("span", { class: "soft" }, "–") : micros(us));
}
