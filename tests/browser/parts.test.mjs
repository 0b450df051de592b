// The parts of the page that only compute: given this, they give that.

import test from "node:test";
import assert from "node:assert/strict";
import { openPage, withChromium } from "./support/chromium.mjs";
import { Shop } from "./support/shop.mjs";

withChromium();

test("what only computes", async (test) => {
    const shop = await Shop.open(test, { emulators: {} });
    const page = await openPage(test);
    await page.goto(shop.admin);
    /** Calls a function of a module of the page. */
    const call = (file, name, ...given) => page.evaluate(async ([from, what, values]) => (await import(`/page/js/${from}`))[what](...values), [file, name, given]);

    await test.test("two texts are compared line by line", async () => {
        const diff = async (before, after) => (await call("live/line-diff.js", "diffLines", before, after)).map(({ kind, text }) => `${kind} ${text}`);
        assert.deepEqual(await diff("a\nb\nc", "a\nx\nc"), ["same a", "gone b", "new x", "same c"]);
        assert.deepEqual(await diff("", "a"), ["new a"]);
        assert.deepEqual(await diff("a", ""), ["gone a"]);
        assert.deepEqual(await diff("same", "same"), ["skipped 1 line"]);
        const far = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        assert.deepEqual(await diff(far, `${far}\nnew`), ["skipped 6 lines", "same 7", "same 8", "same 9", "new new"]);
        // A comma at the end is no difference.
        assert.deepEqual(await diff("{\n  a\n}", "{\n  a,\n  b\n}"), ["same {", "same   a", "new   b", "same }"]);
        const many = await diff("a\n".repeat(3_000), "b\n".repeat(3_000));
        assert.equal(many.length, 6_001);
    });

    await test.test("a time line is to scale, and cut where nothing happened for long", async () => {
        const bars = await call("live/time-line.js", "layOut", [
            { from_us: 0, took_us: 100 },
            { from_us: 100, took_us: 100 },
            { from_us: 1_000_000_000, took_us: 100 },
        ]);
        assert.ok(Math.abs(bars[0].width - bars[2].width) < 0.01);
        assert.ok(bars[1].left > bars[0].left && bars[2].left > bars[1].left);
        assert.deepEqual(bars.map(({ cut }) => cut), [false, false, true]);
        assert.ok(bars.every(({ left, width }) => left >= 0 && left + width <= 100.001));
        assert.deepEqual(await call("live/time-line.js", "layOut", []), []);
        const [still] = await call("live/time-line.js", "layOut", [{ from_us: 5, took_us: 0 }]);
        assert.ok(still.width > 0);
    });

    await test.test("numbers and texts as people read them", async () => {
        for (const [name, given, wanted] of [
            ["micros", 9, "9 µs"],
            ["micros", 1_250, "1.25 ms"],
            ["micros", 40_210, "40.2 ms"],
            ["micros", 3_400_000, "3.4 s"],
            ["bytes", 817, "817 B"],
            ["bytes", 2_445, "2.39 KiB"],
            ["span", 40_000, "40 s"],
            ["span", 7_200_000, "2 h"],
            ["countdown", 3_547_000, "59:07"],
            ["countdown", 3_600_000, "1:00:00"],
            ["countdown", -5, "0:00"],
            ["visible", "a\u202eb\u0000c\nd", "a‹U+202E›b‹U+0000›c\nd"],
        ]) {
            assert.equal(await call("kit/words.js", name, given), wanted);
        }
        assert.equal(await call("kit/words.js", "shorten", "ab\ud83d\ude00", 3), "ab…");
        assert.equal(await call("kit/words.js", "count", 1, "request"), "1 request");
        assert.equal(await call("kit/words.js", "count", 1_000, "request"), "1,000 requests");
    });

    await test.test("a number that JavaScript cannot hold stays what it was", async () => {
        const text = await page.evaluate(async () => {
            const { compact, parseJson } = await import("/page/js/kit/json-text.js");
            return compact(parseJson('{"id":12345678901234567890,"small":1.5,"huge":1e400}'));
        });
        assert.equal(text, '{"id":12345678901234567890,"small":1.5,"huge":1e400}');
    });
});
