import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Random } from "../../lib/evaluation/mod.ts";

Deno.test("Random gives xoshiro128**'s numbers from splitmix32's state", () => {
  // Computed by a separate program from the published definitions, which gives 11520, 0, 5927040, ... for state 1, 2, 3, 4.
  const one = new Random(7);
  assertEquals([one.next(), one.next(), one.next(), one.next()], [1725147949, 933948351, 3179998425, 2625690779]);
  const several = new Random(1, 2, 3);
  assertEquals([several.next(), several.next()], [2364041603, 3301941246]);
});

Deno.test("Random gives other numbers for other seeds, whatever their place", () => {
  const seeds = [[1], [2], [1, 0], [0, 1], [1, 1], [2, 1], [1, 2], [1, 2, 0]];
  assertEquals(new Set(seeds.map((list) => new Random(...list).next())).size, seeds.length);
});

Deno.test("Random.below reaches every number about equally often", () => {
  const random = new Random(5);
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 7000; i++) counts[random.below(7)]++;
  // Standard deviation of a count is 29: five of them.
  for (const count of counts) assertLess(Math.abs(count - 1000), 146);
});

Deno.test("Random.distinct gives so many distinct numbers in range", () => {
  fc.assert(
    fc.property(fc.nat(30), fc.nat(30), fc.nat(1000), (size, more, seed) => {
      const numbers = new Random(seed).distinct(size, size + more);
      assertEquals(new Set(numbers).size, size);
      assert(numbers.every((number) => number >= 0 && number < size + more));
    }),
    { seed: 3, numRuns: 100 },
  );
});

Deno.test("Random.distinct puts every number in every place", () => {
  const seen = new Set(Array.from({ length: 400 }, (_, seed) => new Random(seed).distinct(3, 4).join("")));
  assertEquals(seen.size, 24);
});

Deno.test("Random refuses seeds and counts that are none", () => {
  assertThrows(() => new Random(), RangeError, "at least one seed");
  assertThrows(() => new Random(-1), RangeError, "seed -1 must be");
  assertThrows(() => new Random(1).below(0), RangeError, "count 0 must be");
  assertThrows(() => new Random(1).distinct(5, 4), RangeError, "5 distinct numbers can't be had from 4");
});
