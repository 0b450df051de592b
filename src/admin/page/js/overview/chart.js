// A small chart: lines over the last ten minutes, the newest value in words beside it.

import { drawing, element } from "../kit/element.js";

const WIDTH = 300;
const HEIGHT = 64;

/** `lines`: column, name, tone. */
export function chart({ title, lines, format }, series) {
    const columns = lines.map(([column]) => series[column] ?? []);
    const values = columns.flat().filter((value) => value !== null);
    const top = Math.max(...values, 0) || 1;
    const legend = lines.map(([, name, tone], index) => {
        const value = latest(columns[index]);
        return element("span", { class: `legend ${tone}` }, name, " ", element("strong", { class: "numbers" }, value === null ? "–" : format(value)));
    });
    const spoken = lines.map(([, name], index) => `${name} ${latest(columns[index]) === null ? "none" : format(latest(columns[index]))}`).join(", ");
    const picture = drawing(
        "svg",
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${title}: now ${spoken}; at most ${format(top)}` },
        drawing("path", { class: "chart-base", d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }),
        columns.map((column, index) => line(column, top, lines[index][2], index === 0)),
    );
    return element(
        "figure",
        { class: "card chart" },
        element("figcaption", {}, element("h3", {}, title), element("p", { class: "tiny row" }, legend)),
        element("div", { class: "chart-picture" }, picture, element("span", { class: "chart-top soft tiny numbers", "aria-hidden": "true" }, values.length ? format(top) : "")),
    );
}

/** What was last known, if it was known lately. */
function latest(column) {
    const recent = column.slice(-15).filter((value) => value !== null);
    return recent.length ? recent.at(-1) : null;
}

/** A line with gaps where nothing is known, and for the first one its area. */
function line(column, top, tone, isFirst) {
    const x = (index) => round((WIDTH * index) / Math.max(1, column.length - 1));
    const y = (value) => round(HEIGHT - 1 - ((HEIGHT - 6) * value) / top);
    const runs = [];
    column.forEach((value, index) => {
        if (value === null) return;
        const goesOn = index > 0 && column[index - 1] !== null;
        if (!goesOn) runs.push([]);
        runs.at(-1).push([x(index), y(value)]);
    });
    const path = (points) => `M${points.map((point) => point.join(" ")).join("L")}${points.length === 1 ? "h0.01" : ""}`;
    const area = (points) => `${path(points)}L${points.at(-1)[0]} ${HEIGHT}L${points[0][0]} ${HEIGHT}Z`;
    return [
        isFirst && runs.length > 0 && drawing("path", { class: `chart-area ${tone}`, d: runs.map(area).join("") }),
        runs.length > 0 && drawing("path", { class: `chart-line ${tone}`, d: runs.map(path).join(""), "vector-effect": "non-scaling-stroke" }),
    ];
}

function round(value) {
    return Math.round(value * 10) / 10;
}
