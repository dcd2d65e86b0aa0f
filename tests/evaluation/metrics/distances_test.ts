import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { editSimilarity, levenshtein, matchingRatio, rougeL, rougeLsum } from "../../../lib/evaluation/mod.ts";
import { commonLength } from "../../../lib/evaluation/metrics/edit_distance.ts";
import { tokenF1 } from "../../../lib/evaluation/mod.ts";

const short = fc.string({ unit: fc.constantFrom("a", "b", "🙂", "你", " "), maxLength: 7 });

/** By the definition, without a table. */
function plainDistance(a: string[], b: string[]): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  const [x, ...restA] = a;
  const [y, ...restB] = b;
  if (x === y) return plainDistance(restA, restB);
  return 1 + Math.min(plainDistance(restA, restB), plainDistance(a, restB), plainDistance(restA, b));
}

Deno.test("levenshtein is the definition's distance in code points", () => {
  fc.assert(fc.property(short, short, (a, b) => assertEquals(levenshtein(a, b), plainDistance([...a], [...b]))));
});

Deno.test("commonLength and levenshtein bound each other", () => {
  fc.assert(fc.property(short, short, (a, b) => {
    const [x, y] = [[...a], [...b]];
    const indel = x.length + y.length - 2 * commonLength(x, y);
    assert(levenshtein(a, b) <= indel && indel <= 2 * levenshtein(a, b));
  }));
});

Deno.test("editSimilarity is 1 for equal lines only as rounding lets it, and symmetric", () => {
  fc.assert(fc.property(short, short, (a, b) => {
    assertEquals(editSimilarity(a, a), 1);
    assertEquals(editSimilarity(a, b), editSimilarity(b, a));
  }));
  assertEquals(editSimilarity("", "x"), 0);
});

Deno.test("matchingRatio is difflib's, with the rule for frequent characters of long texts", () => {
  // Expected values are what CPython 3.11's difflib gives.
  assertEquals(matchingRatio("abxcd", "abcd"), 8 / 9);
  assertEquals(matchingRatio("", ""), 1);
  assertEquals(matchingRatio("tide", "diet"), 0.25);
  assertEquals(matchingRatio("diet", "tide"), 0.5);
  assertEquals(matchingRatio(`x${"ab".repeat(100)}`, "ab".repeat(100)), 0);
  assertEquals(matchingRatio(`x${"ab".repeat(99)}`, "ab".repeat(99)), 396 / 397);
});

Deno.test("tokenF1 counts each token as often as both have it", () => {
  fc.assert(fc.property(fc.array(fc.constantFrom("a", "b", "c")), fc.array(fc.constantFrom("a", "b", "c")), (a, b) => {
    const shared = ["a", "b", "c"].reduce((sum, token) => {
      return sum + Math.min(a.filter((one) => one === token).length, b.filter((one) => one === token).length);
    }, 0);
    assertAlmostEquals(tokenF1(a, b), shared === 0 ? 0 : 2 * shared / (a.length + b.length), 1e-12);
  }));
});

Deno.test("rougeLsum of single lines is rougeL where no word comes twice", () => {
  const line = fc.uniqueArray(fc.constantFrom("one", "two", "three", "four", "five"), { minLength: 1 })
    .map((words) => words.join(" "));
  fc.assert(fc.property(line, line, (a, b) => assertAlmostEquals(rougeLsum(a, b), rougeL(a, b), 1e-12)));
});
