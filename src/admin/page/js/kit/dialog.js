// Dialogs: the browser's own, which keep the focus and give it back.

import { element } from "./element.js";

/** Shows a dialog. `build` gets a function that closes it, and gives what is in it. */
export function openDialog(title, build) {
    const heading = element("h2", { id: "dialog-title" }, title);
    const dialog = element("dialog", { "aria-labelledby": "dialog-title" });
    const close = () => dialog.close();
    dialog.append(element("div", { class: "stack" }, heading, build(close)));
    dialog.addEventListener("close", () => dialog.remove());
    // A click beside it closes it.
    dialog.addEventListener("click", (click) => click.target === dialog && isBeside(dialog, click) && close());
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

/** Asks before something is done that cannot be undone. */
export function confirmDialog({ title, text, action, danger = true, run }) {
    openDialog(title, (close) => {
        const act = element("button", { type: "button", class: danger ? "danger" : "primary" }, action);
        act.addEventListener("click", async () => {
            act.disabled = true;
            await run();
            close();
        });
        const back = element("button", { type: "button", onclick: close, autofocus: true }, "Cancel");
        return [element("p", {}, text), element("div", { class: "ends" }, back, act)];
    });
}

function isBeside(dialog, { clientX, clientY }) {
    const box = dialog.getBoundingClientRect();
    return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
