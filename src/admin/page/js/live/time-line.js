// Where the bars of a waterfall stand, in percent. Pure: numbers in, numbers out.

/** A pause that is longer than this share of all busy time is cut. */
const LONG_PAUSE = 0.35;

/** What a cut pause is drawn as, as a share of all busy time. */
const CUT_TO = 0.08;

/** No bar is so short that it cannot be seen. */
const LEAST = 0.6;

/** For each step its left edge and width; `cut` if a long pause before it was cut. */
export function layOut(steps) {
    if (!steps.length) return [];
    const stretches = busyStretches(steps);
    const busy = stretches.reduce((sum, { from, to }) => sum + to - from, 0) || 1;
    let end = stretches[0].from;
    let drawn = 0;
    for (const stretch of stretches) {
        const pause = stretch.from - end;
        stretch.cut = pause > busy * LONG_PAUSE;
        drawn += stretch.cut ? busy * CUT_TO : pause;
        stretch.at = drawn;
        drawn += stretch.to - stretch.from;
        end = stretch.to;
    }
    const percent = (length) => (100 * length) / (drawn || 1);
    return steps.map((step) => {
        const stretch = stretches.find(({ from, to }) => from <= step.from_us && step.from_us <= to);
        const width = Math.max(LEAST, percent(step.took_us));
        const left = Math.min(percent(stretch.at + step.from_us - stretch.from), 100 - width);
        return { left, width, cut: stretch.cut && step.from_us === stretch.from };
    });
}

/** Stretches of time in which something was done, in order. */
function busyStretches(steps) {
    const spans = steps.map(({ from_us, took_us }) => ({ from: from_us, to: from_us + took_us }));
    const merged = [];
    for (const span of spans.sort((a, b) => a.from - b.from)) {
        const last = merged.at(-1);
        if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
        else merged.push(span);
    }
    return merged;
}
