// Counts by label, added up.

export function sum(counts) {
    return Object.values(counts ?? {}).reduce((total, count) => total + count, 0);
}
