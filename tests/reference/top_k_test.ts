import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { dense, topK } from "../../lib/reference/mod.ts";

Deno.test("topK gives the lower index first among equals, row by row", () => {
  const { values, indices } = topK(dense([1, 3, 3, 2, 5, 5, 5, 5], [2, 4]), 3);
  assertEquals(values.shape, [2, 3]);
  assertEquals([...values.data], [3, 3, 2, 5, 5, 5]);
  assertEquals([...indices.data], [1, 2, 3, 0, 1, 2]);
});

Deno.test("topK ranks NaN below -infinity and both zeros the same", () => {
  const { values, indices } = topK(dense([NaN, -0, 0, -Infinity, NaN], [5]), 5);
  assertEquals([...values.data], [0, 0, -Infinity, NaN, NaN]);
  assertEquals([...indices.data], [1, 2, 3, 0, 4]);
});

Deno.test("topK equals the beginning of a stable sort", () => {
  // Few different values, so that ties are common.
  const row = fc.array(fc.constantFrom(-Infinity, -1, 0, 1, 2, NaN), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(row, fc.nat(), (values, choice) => {
      const k = 1 + choice % values.length;
      const rank = (value: number) => Number.isNaN(value) ? -1 : [-Infinity, -1, 0, 1, 2].indexOf(value);
      const sorted = [...values.keys()].sort((a, b) => rank(values[b]) - rank(values[a]));
      const { indices } = topK(dense(values, [values.length]), k);
      assertEquals([...indices.data], sorted.slice(0, k));
    }),
    { seed: 9, numRuns: 200 },
  );
});

Deno.test("topK refuses a k outside the row", () => {
  const x = dense([1, 2], [2]);
  for (const k of [0, 3, 1.5]) assertThrows(() => topK(x, k), RangeError, `topK: k ${k} must be`);
});
