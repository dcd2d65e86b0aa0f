import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { clusteredInterval, designEffect, exactMatchInterval } from "../../lib/evaluation/mod.ts";

/** Chance of exactly `count` successes in `trials`. */
function binomial(count: number, trials: number, chance: number): number {
  let result = chance ** count * (1 - chance) ** (trials - count);
  for (let i = 1; i <= count; i++) result *= (trials - count + i) / i;
  return result;
}

Deno.test("exactMatchInterval is exact where all answers agree", () => {
  for (const trials of [1, 2, 8, 24, 100]) {
    const right = exactMatchInterval(trials, trials);
    // At the lower end so good a result has a chance of 2.5 %.
    assertAlmostEquals(binomial(trials, trials, right.low), 0.025, 1e-12);
    assertEquals(right.high, 1);
    const wrong = exactMatchInterval(0, trials);
    assertAlmostEquals(wrong.high, 1 - right.low, 1e-12);
    assertEquals(wrong.low, 0);
  }
});

Deno.test("exactMatchInterval is Wilson's where they do not", () => {
  // 81 of 263 is an example of Newcombe (1998); 7 of 10 was computed apart from the formula's other form.
  const seven = exactMatchInterval(7, 10);
  assertAlmostEquals(seven.low, 0.3968, 1e-4);
  assertAlmostEquals(seven.high, 0.8922, 1e-4);
  const many = exactMatchInterval(81, 263);
  assertAlmostEquals(many.low, 0.2553, 1e-4);
  assertAlmostEquals(many.high, 0.3662, 1e-4);
});

Deno.test("exactMatchInterval holds a true share in at least nine of ten samples", () => {
  for (const chance of [0.02, 0.1, 0.5, 0.77, 0.99]) {
    let held = 0;
    for (let correct = 0; correct <= 24; correct++) {
      const { low, high } = exactMatchInterval(correct, 24);
      if (low <= chance && chance <= high) held += binomial(correct, 24, chance);
    }
    // Wilson's interval covers 95 % on average over shares, less at some.
    assertGreater(held, 0.9, `at ${chance}`);
  }
});

Deno.test("exactMatchInterval refuses counts that are none", () => {
  assertThrows(() => exactMatchInterval(0, 0), RangeError, "total 0 must be");
  assertThrows(() => exactMatchInterval(5, 4), RangeError, "correct 5 must be a whole number from 0 to 4");
  assertThrows(() => exactMatchInterval(0.5, 4), RangeError, "correct 0.5");
});

Deno.test("clusteredInterval equals that of independent questions where haystacks are alike", () => {
  const alike = [{ correct: 4, total: 8 }, { correct: 4, total: 8 }];
  assertEquals(clusteredInterval(alike), exactMatchInterval(8, 16));
  assertEquals(clusteredInterval([{ correct: 3, total: 8 }]), exactMatchInterval(3, 8));
});

Deno.test("clusteredInterval widens as haystacks differ, to that of haystacks alone", () => {
  const widths = [4, 5, 6, 7, 8].map((correct) => {
    const { low, high } = clusteredInterval([{ correct, total: 8 }, { correct: 8 - correct, total: 8 }]);
    return high - low;
  });
  for (let i = 2; i < widths.length; i++) assertGreater(widths[i], widths[i - 1]);
  // Eight right and eight wrong: 16 questions say as much as one.
  assertEquals(designEffect([{ correct: 8, total: 8 }, { correct: 0, total: 8 }]), 16);
  assertGreater(widths[4], 0.85);
});

Deno.test("clusteredInterval counts questions or, when asked, haystacks where all agree", () => {
  const agreeing = [{ correct: 8, total: 8 }, { correct: 8, total: 8 }, { correct: 8, total: 8 }];
  assertEquals(clusteredInterval(agreeing), exactMatchInterval(24, 24));
  assertEquals(clusteredInterval(agreeing, { agreeing: "haystack" }), exactMatchInterval(3, 3));
  assertLess(clusteredInterval(agreeing, { agreeing: "haystack" }).low, 0.3);
});

Deno.test("designEffect is never below 1 and needs a spread", () => {
  const even = [{ correct: 4, total: 8 }, { correct: 4, total: 8 }, { correct: 4, total: 8 }];
  assertEquals(designEffect(even), 1);
  assertThrows(() => designEffect([{ correct: 1, total: 2 }]), RangeError, "at least 2");
  assertThrows(() => designEffect([{ correct: 2, total: 2 }, { correct: 1, total: 1 }]), RangeError, "all agree");
  assertThrows(() => clusteredInterval([]), RangeError, "at least one haystack");
  assert(designEffect([{ correct: 1, total: 2 }, { correct: 8, total: 8 }]) > 1);
});
