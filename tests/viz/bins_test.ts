import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { binned } from "../../lib/viz/bins.ts";
import { shrunk } from "../../lib/viz/shrunk.ts";
import { thinned } from "../../lib/viz/thinned.ts";

const numbers = (most: number) =>
  fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: most });

Deno.test("binned keeps least, greatest and mean of each stretch, in at most so many", () => {
  fc.assert(
    fc.property(numbers(300), fc.integer({ min: 1, max: 40 }), (values, most) => {
      const { width, low, high, mean } = binned(values, most);
      assert(low.length <= most && low.length === Math.ceil(values.length / width));
      low.forEach((least, bin) => {
        const own = values.slice(bin * width, (bin + 1) * width);
        assertEquals([least, high[bin]], [Math.min(...own), Math.max(...own)]);
        assertAlmostEquals(mean[bin], own.reduce((a, b) => a + b) / own.length, 1e-9);
      });
    }),
    { seed: 1, numRuns: 100 },
  );
});

Deno.test("binned leaves out what is no number, and has none where there is no other", () => {
  const { low, high } = binned([1, NaN, NaN, NaN], 2);
  assertEquals([low[0], high[0], Number.isNaN(low[1])], [1, 1, true]);
});

Deno.test("shrunk keeps the sum of every row's weights", () => {
  const sizes = fc.record({ rows: fc.integer({ min: 1, max: 9 }), columns: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 8 }), ({ rows, columns }, most) => {
      const weights = Array.from(
        { length: rows * columns },
        (_, i) => (i % columns + 1) / (columns * (columns + 1) / 2),
      );
      const { values } = shrunk(weights, rows, columns, { mostRows: most, mostColumns: most });
      assert(values.length <= most && values[0].length <= most);
      for (const row of values) assertAlmostEquals(row.reduce((a, b) => a + b), 1, 1e-9);
    }),
    { seed: 2, numRuns: 100 },
  );
});

Deno.test("thinned keeps both ends and the extremes, in order, and short curves whole", () => {
  const points = Array.from({ length: 10_000 }, (_, x) => ({ x, y: Math.sin(x / 100) }));
  points[1234].y = -5;
  points[7777].y = 5;
  const kept = thinned(points, 100);
  assert(kept.length <= 202);
  assertEquals([kept[0].x, kept.at(-1)!.x], [0, 9999]);
  assert(kept.includes(points[1234]) && kept.includes(points[7777]));
  assert(kept.every((point, i) => i === 0 || point.x > kept[i - 1].x));
  const few = points.slice(0, 200);
  assertEquals(thinned(few, 100), few);
});
