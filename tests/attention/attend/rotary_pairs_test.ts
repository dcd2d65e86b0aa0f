import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { rotaryPairs } from "../../../lib/attention/attend/rotary_pairs.ts";
import { rotaryFrequencies, rotaryTable } from "../../../lib/attention/mod.ts";

/** How many of the numbers differ from the table's, each by one step between f32 at most. */
function differing(size: number, base: number, start: number, count: number): number {
  const frequencies = rotaryFrequencies(size, { base });
  const found = new Float32Array(count * size);
  rotaryPairs(frequencies, start, found);
  const { cos, sin } = rotaryTable(frequencies, start, count);
  let off = 0;
  for (let place = 0; place < found.length; place++) {
    const expected = (place % 2 ? sin : cos)[place >> 1];
    if (found[place] === expected) continue;
    off++;
    // A step of numbers from 1/2 to 1.
    assert(
      Math.abs(found[place] - expected) <= 2 ** -24,
      `position ${start}, place ${place}: ${found[place]}, not ${expected}`,
    );
  }
  return off;
}

Deno.test("rotaryPairs gives the table's numbers, near ones and far ones, wherever it starts", () => {
  const cases = fc.record({
    size: fc.constantFrom(2, 6, 64, 128),
    base: fc.constantFrom(100, 10_000, 500_000, 5_000_000),
    start: fc.oneof(fc.integer({ min: 0, max: 2 ** 24 - 300 }), fc.constantFrom(0, 2 ** 17 - 100, 2 ** 17, 2 ** 22)),
    count: fc.integer({ min: 0, max: 300 }),
  });
  let numbers = 0;
  let off = 0;
  fc.assert(
    fc.property(cases, ({ size, base, start, count }) => {
      numbers += count * size;
      off += differing(size, base, start, count);
    }),
    { numRuns: 60, seed: 5 },
  );
  assert(numbers > 100_000 && off < numbers / 1000, `${off} of ${numbers}`);
  assertEquals(differing(128, 500_000, 2 ** 22 - 2048, 2048), 0, "up to four million all are the same");
});

Deno.test("rotaryPairs refuses positions that f32 can't hold", () => {
  assertThrows(
    () => rotaryPairs(new Float32Array([1]), 2 ** 24 - 1, new Float32Array(4)),
    RangeError,
    "f32 angles go up to",
  );
});
