// Putting text on the clipboard, and saying so.

import { element } from "./element.js";
import { say } from "./toast.js";

/** `text` is a text, or a function that makes one when asked, now or later. */
export function copyButton(label, text, attributes = {}) {
    const copy = async () => {
        try {
            await put(typeof text === "function" ? await text() : text);
            say("Copied");
        } catch {
            say("The browser does not let this page copy; select the text instead", "bad");
        }
    };
    return element("button", { type: "button", class: "quiet", onclick: copy, ...attributes }, label);
}

/** Without TLS, browsers know only the old way. */
async function put(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = element("textarea", { class: "unseen" });
    field.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    if (!isCopied) throw new Error("not copied");
    return undefined;
}
