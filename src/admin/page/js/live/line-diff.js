// Two texts, line by line: what is gone, what is new, what is the same around it. Pure.

/** Lines around a change that are shown too. */
const AROUND = 3;

/** Above that the two are compared by their beginning and end only: the table grows with the square. */
const MOST_CELLS = 1_000_000;

/** A comma at the end of a line of JSON says only that another follows. */
const sameLine = (one, other) => one.replace(/,$/, "") === other.replace(/,$/, "");

/** `{ kind: "same" | "gone" | "new" | "skipped", text }`, in order. */
export function diffLines(before, after) {
    const [old, fresh] = [split(before), split(after)];
    let start = 0;
    while (start < old.length && start < fresh.length && sameLine(old[start], fresh[start])) start += 1;
    let end = 0;
    while (end < old.length - start && end < fresh.length - start && sameLine(old.at(-1 - end), fresh.at(-1 - end))) end += 1;
    const middle = compare(old.slice(start, old.length - end), fresh.slice(start, fresh.length - end));
    const same = (lines) => lines.map((text) => ({ kind: "same", text }));
    return shortened([...same(old.slice(0, start)), ...middle, ...same(old.slice(old.length - end))]);
}

function split(text) {
    return text === "" ? [] : text.split("\n");
}

/** By the longest common subsequence. */
function compare(old, fresh) {
    const gone = (text) => ({ kind: "gone", text });
    const added = (text) => ({ kind: "new", text });
    if (old.length * fresh.length > MOST_CELLS) return [...old.map(gone), ...fresh.map(added)];
    const width = fresh.length + 1;
    const lengths = new Uint32Array((old.length + 1) * width);
    for (let i = old.length - 1; i >= 0; i -= 1) {
        for (let j = fresh.length - 1; j >= 0; j -= 1) {
            const at = i * width + j;
            lengths[at] = sameLine(old[i], fresh[j]) ? lengths[at + width + 1] + 1 : Math.max(lengths[at + width], lengths[at + 1]);
        }
    }
    const found = [];
    let [i, j] = [0, 0];
    while (i < old.length || j < fresh.length) {
        const at = i * width + j;
        if (i < old.length && j < fresh.length && sameLine(old[i], fresh[j])) {
            found.push({ kind: "same", text: old[i] });
            i += 1;
            j += 1;
        } else if (j >= fresh.length || (i < old.length && lengths[at + width] >= lengths[at + 1])) {
            found.push(gone(old[i]));
            i += 1;
        } else {
            found.push(added(fresh[j]));
            j += 1;
        }
    }
    return found;
}

/** Without what is the same and far from any change. */
function shortened(lines) {
    const isNear = (index) => lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== "same");
    const kept = [];
    let skipped = 0;
    const tell = () => {
        if (skipped) kept.push({ kind: "skipped", text: `${skipped} ${skipped === 1 ? "line" : "lines"}` });
        skipped = 0;
    };
    lines.forEach((line, index) => {
        if (!isNear(index)) {
            skipped += 1;
            return;
        }
        tell();
        kept.push(line);
    });
    tell();
    return kept;
}
