// Waiting for what can only be seen by asking. Nothing in these tests sleeps for a fixed time.

/** Far more than anything takes in a debug build on a busy machine. */
export const PATIENCE_MS = 30_000;

const LOOK_MS = 25;

/** Asks until the answer is truthy, and gives it back. */
export async function until(what, ask) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
        const answer = await ask();
        if (answer) return answer;
        if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
}
