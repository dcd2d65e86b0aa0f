import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  bootstrapInterval,
  comparePaired,
  exactMatchInterval,
  holmCorrected,
  Random,
} from "../../../lib/evaluation/mod.ts";

Deno.test("bootstrapInterval of single questions is about as wide as Wilson's", () => {
  const clusters = Array.from({ length: 100 }, (_, index) => ({ correct: index < 70 ? 1 : 0, total: 1 }));
  const [bootstrap, wilson] = [bootstrapInterval(clusters), exactMatchInterval(70, 100)];
  assertAlmostEquals(bootstrap.low, wilson.low, 0.02);
  assertAlmostEquals(bootstrap.high, wilson.high, 0.02);
});

Deno.test("bootstrapInterval grows with what questions of one context share", () => {
  const spread = (clusters: { correct: number; total: number }[]) => {
    const { low, high } = bootstrapInterval(clusters);
    return high - low;
  };
  // Half of all answers right, either half of each context's or all of every second's.
  const apart = Array.from({ length: 20 }, () => ({ correct: 4, total: 8 }));
  const together = Array.from({ length: 20 }, (_, index) => ({ correct: 8 * (index % 2), total: 8 }));
  assertEquals(spread(apart), 0);
  assertAlmostEquals(spread(together), 2 * 1.96 * 0.5 / Math.sqrt(20), 0.06);
});

Deno.test("bootstrapInterval holds the true mean 95 times in a hundred, about", () => {
  const random = new Random(5);
  let held = 0;
  for (let trial = 0; trial < 200; trial++) {
    const clusters = Array.from({ length: 30 }, () => {
      // Contexts of their own difficulty, 0.6 on average.
      const rate = random.below(2) ? 0.4 : 0.8;
      const correct = Array.from({ length: 8 }, () => random.below(1000) < 1000 * rate).filter(Boolean).length;
      return { correct, total: 8 };
    });
    const { low, high } = bootstrapInterval(clusters, trial);
    if (low <= 0.6 && 0.6 <= high) held++;
  }
  // Of 200 with a chance of 0.95 fewer than 178 are held once in some thousand; percentile intervals are a little narrow.
  assert(held >= 178, `${held} of 200`);
});

/** The sign flip test as it is defined, by recursion. */
function byDefinition(differences: readonly number[]): number {
  const sum = Math.abs(differences.reduce((total, one) => total + one, 0));
  const count = (index: number, total: number): number =>
    index === differences.length
      ? (Math.abs(total) >= sum - 1e-9 ? 1 : 0)
      : count(index + 1, total + differences[index]) + count(index + 1, total - differences[index]);
  return count(0, 0) / 2 ** differences.length;
}

Deno.test("comparePaired gives the chance that all sign flips give", () => {
  const scores = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 10 });
  fc.assert(fc.property(scores, scores, (first, second) => {
    const pairs = Math.min(first.length, second.length);
    const [a, b] = [first.slice(0, pairs).map((n) => n / 8), second.slice(0, pairs).map((n) => n / 8)];
    const { p, difference, effect } = comparePaired(a, b);
    assertAlmostEquals(p, byDefinition(a.map((one, index) => one - b[index])), 1e-12);
    const back = comparePaired(b, a);
    assertAlmostEquals(back.difference, -difference, 1e-12);
    assertEquals(back.p, p);
    assert(!Number.isNaN(effect));
  }));
});

Deno.test("comparePaired draws flips for many contexts, and comes close to all of them", () => {
  const differences = Array.from({ length: 18 }, (_, index) => ((index * 7) % 5 - 1) / 8);
  const { p } = comparePaired(differences, differences.map(() => 0));
  // 16,384 draws: three standard errors are 0.012 at most.
  assertAlmostEquals(p, byDefinition(differences), 0.012);
  const clear = comparePaired(Array(40).fill(1), Array(40).fill(0));
  assert(clear.p > 0 && clear.p < 0.001);
  assertEquals([clear.difference, clear.effect], [1, Infinity]);
});

Deno.test("comparePaired of equal settings finds nothing", () => {
  const { p, difference, effect, interval } = comparePaired([0.5, 1, 0], [0.5, 1, 0]);
  assertEquals([p, difference, effect, interval], [1, 0, 0, { low: 0, high: 0 }]);
  assertThrows(() => comparePaired([1], [1, 2]), RangeError, "1 and 2 scores");
  assertThrows(() => comparePaired([], []), RangeError, "at least one");
});

Deno.test("holmCorrected never falls, keeps the order, and is Bonferroni's for the least chance", () => {
  assertEquals(holmCorrected([]), []);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }), (chances) => {
      const corrected = holmCorrected(chances);
      const least = chances.indexOf(Math.min(...chances));
      assertEquals(corrected[least], Math.min(1, chances.length * chances[least]));
      chances.forEach((chance, index) => {
        assert(corrected[index] >= chance && corrected[index] <= 1);
        chances.forEach((other, at) => assert(chance > other || corrected[index] <= corrected[at]));
      });
    }),
  );
});
