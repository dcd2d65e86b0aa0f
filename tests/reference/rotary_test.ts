import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { dense, matmul, rotary, rotaryFrequencies, rotaryTable } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { randomDense } from "./random.ts";

const quarter = { cos: dense([1, 1, 0, 1], [2, 2]), sin: dense([0, 0, 1, 0], [2, 2]) };

Deno.test("rotary turns channel c with channel c + d/2", () => {
  // Position 1 turns the first pair, channels 0 and 2, by a quarter; two heads, two rows.
  const x = dense([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 4]);
  assertEquals([...rotary(x, [0, 1], quarter).data], [1, 2, 3, 4, 5, 6, 7, 8, -3, 2, 1, 4, -7, 6, 5, 8]);
});

Deno.test("rotary leaves channels beyond the table's pairs as they are", () => {
  const x = dense([1, 2, 3, 4, 5, 6], [1, 1, 1, 6]);
  assertEquals([...rotary(x, [1], quarter).data], [-3, 2, 1, 4, 5, 6]);
});

Deno.test("rotary makes scores depend on the distance of positions alone", () => {
  const place = fc.integer({ min: 0, max: 500 });
  const frequencies = rotaryFrequencies(8);
  const table = rotaryTable(frequencies, Array.from({ length: 1001 }, (_, position) => position));
  fc.assert(
    fc.property(place, place, place, fc.nat(), (query, key, shift, seed) => {
      const score = (a: number, b: number) => {
        const left = rotary(randomDense(seed, [1, 1, 1, 8]), [a], table);
        const right = rotary(randomDense(seed + 1, [1, 1, 1, 8]), [b], table);
        return matmul(dense(left.data, [1, 8]), dense(right.data, [1, 8]), { transposeRight: true }).data;
      };
      // Angles up to 1000 are rounded to f32 by up to 3e-5; 8 products of at most 2.
      assertClose(score(query + shift, key + shift), score(query, key), { absolute: 5e-4 });
    }),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("rotaryFrequencies are powers of the base", () => {
  assertEquals([...rotaryFrequencies(6, 8)], [1, 0.5, 0.25]);
  assertThrows(() => rotaryFrequencies(3), RangeError, "not 3");
  assertThrows(() => rotaryFrequencies(4, 0), RangeError, "not 0");
});

Deno.test("rotary names positions and shapes that do not fit", () => {
  const x = dense([1, 2, 3, 4], [1, 1, 1, 4]);
  assertThrows(() => rotary(x, [2], quarter), RangeError, "position 2 must be a whole number from 0 to 1");
  assertThrows(() => rotary(x, [0, 1], quarter), TypeError, "2 positions were given for 1 rows");
  assertThrows(() => rotary(dense([1, 2], [1, 1, 1, 2]), [0], quarter), TypeError, "at most d / 2 pairs");
});
