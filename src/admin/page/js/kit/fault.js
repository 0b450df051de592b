// What went wrong in a file: the message, how to mend it, and the lines around it.

import { element } from "./element.js";
import { visible } from "./words.js";

/** A fault of a script, or a problem of the configuration: both say file, line, column, hint. */
export function faultBox(fault) {
    const place = [fault.file, fault.line, fault.column].filter((part) => part !== null && part !== undefined).join(":");
    return element(
        "div",
        { class: "fault" },
        element(
            "p",
            { class: "fault-what" },
            element("span", { class: "badge bad" }, "fault"),
            element("span", { class: "foreign" }, visible(fault.message)),
        ),
        fault.hint && element("p", { class: "fault-hint" }, element("strong", {}, "How to mend it: "), element("span", { class: "foreign" }, visible(fault.hint))),
        element("p", { class: "mono soft" }, visible(place), fault.function && ` in fn ${visible(fault.function)}`),
        source(fault),
    );
}

function source({ source, line, column }) {
    if (!source?.length) return null;
    const one = (shown) => {
        const isFaulty = shown.line === line;
        const caret = isFaulty && column > 0 && element("span", { class: "source-caret", "aria-hidden": "true" }, `${blank(shown.text, column - 1)}^`);
        return element(
            "div",
            { class: isFaulty ? "source-line faulty" : "source-line", "aria-current": isFaulty ? "true" : null },
            element("span", { class: "source-number" }, shown.line),
            element("code", { class: "foreign" }, visible(shown.text), caret && ["\n", caret]),
        );
    };
    return element("div", { class: "source", tabindex: 0, role: "group", "aria-label": "Source" }, source.map(one));
}

/** As wide as the text before the column; tabs stay tabs. */
function blank(text, width) {
    return text.slice(0, width).replace(/[^\t]/g, " ").padEnd(width);
}
