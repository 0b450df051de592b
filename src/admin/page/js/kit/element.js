// The only way in which anything gets onto the page. Text is always a text node: nothing here, and
// nothing else in these files, parses markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes: `class`, `on…` with a function, `vars` for custom properties of CSS, true
 * and false for those without a value, all others as text. Children: elements, texts, numbers,
 * arrays of these; `null`, `undefined` and `false` are left out.
 */
export function element(name, attributes = {}, ...children) {
    return build(document.createElement(name), attributes, children);
}

/** An element of a drawing. */
export function drawing(name, attributes = {}, ...children) {
    return build(document.createElementNS(SVG, name), attributes, children);
}

/** Replaces all children. */
export function fill(parent, ...children) {
    parent.replaceChildren(...nodes(children));
}

function build(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) set(made, name, value);
    made.append(...nodes(children));
    return made;
}

function set(made, name, value) {
    if (value === null || value === undefined || value === false) return;
    if (name.startsWith("on")) {
        made.addEventListener(name.slice(2), value);
    } else if (name === "vars") {
        for (const [key, text] of Object.entries(value)) made.style.setProperty(`--${key}`, text);
    } else if (name === "href" && !/^[#/]/.test(value)) {
        throw new Error(`links lead to this page only, not to ${value}`);
    } else {
        made.setAttribute(name, value === true ? "" : value);
    }
}

function nodes(children) {
    return children
        .flat(Infinity)
        .filter((child) => child !== null && child !== undefined && child !== false)
        .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
