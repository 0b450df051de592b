// Buttons that put text on the clipboard, and say that they did.

import { element } from "./element.js";
import { say } from "./toast.js";

/** `text` is a text, or a function that makes one when asked. */
export function copyButton(label, text, attributes = {}) {
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
            say("Copied");
        } catch {
            say("The browser does not let this page copy; select the text instead", "bad");
        }
    };
    return element("button", { type: "button", class: "quiet", onclick: copy, ...attributes }, label);
}
