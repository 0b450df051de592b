// A login link for somebody else.

import { post } from "../kit/api.js";
import { copyButton } from "../kit/copy.js";
import { element, fill } from "../kit/element.js";
import { left } from "../kit/ticking.js";
import { attempt } from "../kit/toast.js";

export function accessCard() {
    const told = element("div", { class: "stack", role: "status" });
    const make = async (role) => {
        const link = await attempt(() => post("/api/login-links", { role }));
        if (link) fill(told, shown(link));
    };
    return element(
        "section",
        { class: "card stack", "aria-labelledby": "access-title" },
        element("h2", { id: "access-title" }, "Let somebody else look"),
        element("p", { class: "soft" }, "A login link works once. A reader sees everything and changes nothing."),
        element("div", { class: "row" }, element("button", { type: "button", onclick: () => make("read") }, "Link for a reader"), element("button", { type: "button", onclick: () => make("admin") }, "Link for an administrator")),
        told,
    );
}

function shown(link) {
    return [
        element("div", { class: "code" }, element("pre", {}, link.url), copyButton("Copy", link.url)),
        element("p", { class: "soft tiny" }, `For a ${link.role === "read" ? "reader" : "new administrator"}, unused for at most `, left(link.expires), "."),
    ];
}
