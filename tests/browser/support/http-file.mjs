// A `.http` file is one request: request line, header fields, an empty line, the body.

/** Headers that `fetch` sets by itself. */
const ITS_OWN = ["host", "content-length", "connection"];

export function parse(text) {
    const [head, ...rest] = text.split(/\r?\n\r?\n/);
    const [line, ...fields] = head.split(/\r?\n/);
    const [method, target] = line.split(" ");
    const headers = fields.map((field) => {
        const colon = field.indexOf(":");
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    });
    return {
        method,
        target,
        headers: Object.fromEntries(headers.filter(([name]) => !ITS_OWN.includes(name))),
        body: rest.join("\n\n"),
    };
}
