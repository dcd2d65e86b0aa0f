import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { dense, expandSpans, selectTokens } from "../../lib/reference/mod.ts";
import { randomDense } from "./random.ts";

Deno.test("expandSpans covers c-4 to c+3 for span 8, and exactly s tokens for odd s", () => {
  assertEquals([...expandSpans([10], 8, 20)], [6, 7, 8, 9, 10, 11, 12, 13]);
  assertEquals([...expandSpans([10], 5, 20)], [8, 9, 10, 11, 12]);
  assertEquals([...expandSpans([10], 1, 20)], [10]);
  assertEquals([...expandSpans([0, 19], 4, 20)], [0, 1, 17, 18, 19]);
  assertEquals([...expandSpans([], 4, 20)], []);
});

Deno.test("expandSpans is the union of the clamped offsets of ALGORITHM section 5", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), fc.array(fc.nat()), (m, s, raw) => {
      const centers = raw.map((token) => token % m);
      const wanted = new Set<number>();
      for (const c of centers) {
        for (let o = -Math.floor(s / 2); o <= Math.ceil(s / 2) - 1; o++) {
          wanted.add(Math.min(Math.max(c + o, 0), m - 1));
        }
      }
      assertEquals([...expandSpans(centers, s, m)], [...wanted].sort((a, b) => a - b));
    }),
    { seed: 10, numRuns: 200 },
  );
});

// Votes 2, 1, 2, 1, 2 for tokens 0 to 4, two from each of four rows.
const scores = dense([9, 8, 0, 0, 0, 9, 0, 8, 0, 0, 0, 0, 9, 0, 8, 0, 0, 0, 8, 9], [2, 2, 5]);

Deno.test("selectTokens counts votes over all heads and rows", () => {
  const { candidates, centers, votes, picked } = selectTokens(scores, { k: 2, recallClip: -1, spanSize: 1 });
  for (const list of [candidates, centers, picked]) assertEquals([...list], [0, 1, 2, 3, 4]);
  assertEquals([...votes], [2, 1, 2, 1, 2]);
});

Deno.test("selectTokens clips to the most votes, ties to the lower token", () => {
  const clipped = (recallClip: number) => [...selectTokens(scores, { k: 2, recallClip, spanSize: 1 }).centers];
  assertEquals([0, 1, 2, 3, 4, 5].map(clipped), [[], [0], [0, 2], [0, 2, 4], [0, 1, 2, 4], [0, 1, 2, 3, 4]]);
  assertEquals(selectTokens(scores, { k: 2, recallClip: 0, spanSize: 8 }).picked.length, 0);
  assertEquals(selectTokens(scores, { k: 2, recallClip: 0, spanSize: 8 }).candidates.length, 5);
});

Deno.test("selectTokens picks the lower of equal scores at the border of k", () => {
  const equal = dense([1, 5, 1, 1], [1, 1, 4]);
  assertEquals([...selectTokens(equal, { k: 2, recallClip: -1, spanSize: 1 }).picked], [0, 1]);
});

Deno.test("selectTokens takes the whole middle where k is larger", () => {
  assertEquals(selectTokens(scores, { k: 99, recallClip: -1, spanSize: 1 }).votes.join(), "4,4,4,4,4");
  assertEquals(selectTokens(dense([], [1, 1, 0]), { k: 4, recallClip: -1, spanSize: 2 }).picked.length, 0);
  assertThrows(() => selectTokens(dense([1], [1]), { k: 1, recallClip: 0, spanSize: 1 }), TypeError, "[1] must be");
});

Deno.test("selectTokens permutes with the tokens, before spans and without ties", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), fc.nat(), (m, k, seed) => {
      const given = randomDense(seed, [2, 3, m]);
      const order = [...randomDense(seed + 1, [m]).data.entries()].sort((a, b) => a[1] - b[1]).map(([token]) => token);
      const moved = given.data.map((_, at) => given.data[at - at % m + order[at % m]]);
      const select = (data: Float32Array<ArrayBuffer>) =>
        selectTokens(dense(data, given.shape), { k, recallClip: -1, spanSize: 1 });
      const back = [...select(moved).centers].map((token) => order[token]).sort((a, b) => a - b);
      assertEquals(back, [...select(given.data).centers]);
    }),
    { seed: 12, numRuns: 60 },
  );
});
