import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { dense, type ReferenceScoring, scoreTokens, type ScoringInput } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { randomDense } from "./random.ts";

// Two query heads, one KV head, one row; two tokens of two channels.
const input: ScoringInput = {
  scoring: "qk",
  queries: dense([1, 2, 3, -1], [2, 1, 2]),
  newKeys: dense([10, 0], [1, 1, 2]),
  newValues: dense([0, 100], [1, 1, 2]),
  keys: dense([1, 0, 1, 1], [1, 2, 2]),
  values: dense([3, -4, 0, 2], [1, 2, 2]),
  start: 3,
  length: 9,
  frequencies: [0],
};

Deno.test("scoreTokens scores by each type of ALGORITHM section 5", () => {
  const scored = (scoring: ReferenceScoring) => [...scoreTokens({ ...input, scoring }).data];
  assertEquals(scored("qk"), [1, 3, 3, 2]);
  assertEquals(scored("qkv"), [7, 6, 21, 4]); // times 7 and 2, the L1 norms
  assertEquals(scored("qkv2"), [5, 6, 15, 4]); // times 5 and 2, the L2 norms
  assertEquals(scored("k"), [10, 10]);
  assertEquals(scored("v"), [-400, 200]);
  assertEquals(scoreTokens({ ...input, scoring: "v" }).shape, [1, 1, 2]);
});

Deno.test("scoreTokens turns rows and tokens to their original positions in the _pe types", () => {
  // At a quarter turn a position the query at 8 and the second token at 4 come out as they were.
  const turned = scoreTokens({ ...input, scoring: "qk_pe", frequencies: [Math.PI / 2] });
  // The first token, [1, 0] at 3, becomes [0, -1].
  assertClose(turned.data, [-2, 3, 1, 2], { absolute: 1e-5 });
  for (const scoring of ["qk", "qkv", "qkv2"] as const) {
    // Without turning, the types are those without _pe; f32 holds these numbers exactly.
    assertEquals(scoreTokens({ ...input, scoring: `${scoring}_pe` }), scoreTokens({ ...input, scoring }));
  }
});

Deno.test("scoreTokens uses KV head floor(h / g)", () => {
  const queries = dense([1, 1, 1, 1], [4, 1, 1]);
  const keys = dense([5, 7], [2, 1, 1]);
  const scores = scoreTokens({ ...input, queries, keys, values: keys });
  assertEquals([...scores.data], [5, 5, 7, 7]);
});

Deno.test("scoreTokens gives equal keys bitwise equal scores", () => {
  const key = randomDense(1, [1, 1, 37]).data;
  const other = randomDense(2, [1, 1, 37]).data;
  const keys = dense(Float32Array.of(...key, ...other, ...key), [1, 3, 37]);
  const scores = scoreTokens({ ...input, queries: randomDense(3, [2, 5, 37]), keys, values: keys });
  for (let row = 0; row < 10; row++) {
    assertEquals(scores.data[row * 3], scores.data[row * 3 + 2]);
    assertNotEquals(scores.data[row * 3], scores.data[row * 3 + 1]);
  }
});

Deno.test("scoreTokens names shapes that do not fit", () => {
  assertThrows(() => scoreTokens({ ...input, queries: dense([1], [1, 1, 1]) }), TypeError, "rows [1, 1, 1] and tokens");
});
