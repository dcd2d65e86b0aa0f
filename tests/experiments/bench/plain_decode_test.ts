import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { bestTokens, plainAttention, storedHead } from "../../../experiments/bench/plain_decode.ts";

const size = 4;
const stored = storedHead({ head: 1, heads: 2, size, block: 8, factorOf: (block) => 1 + block / 4 });
const query = Float32Array.of(0.5, -0.25, 0.125, 1);

Deno.test("plain decoding: keys come again by another factor, values as they are", () => {
  const first = [...stored.key(3)];
  assertEquals([...stored.key(11)], first.map((value) => Math.f16round(Math.fround(value * 1.25))));
  assertEquals(stored.value(11, 2), stored.value(3, 2));
});

Deno.test("plain decoding: the best tokens are those that sorting all scores names", () => {
  const scores = Array.from(
    { length: 20 },
    (_, token) => stored.key(2 + token).reduce((sum, x, c) => sum + x * query[c], 0),
  );
  const sorted = scores.map((_, token) => token).sort((a, b) => scores[b] - scores[a] || a - b);
  assertEquals(bestTokens(query, stored, 2, 20, 5), sorted.slice(0, 5));
});

Deno.test("plain decoding: attention over one token is its value; without turning, order does not matter", () => {
  const still = new Float32Array(size / 2);
  const alone = plainAttention(query, stored, [5], still);
  alone.forEach((value, c) => assertAlmostEquals(value, stored.value(5, c), 1e-12));
  const [a, b] = [[1, 2, 3], [3, 1, 2]].map((tokens) => plainAttention(query, stored, tokens, still));
  a.forEach((value, c) => assertAlmostEquals(value, b[c], 1e-12));
  const turned = plainAttention(query, stored, [1, 2, 3], Float32Array.of(1, 0.1));
  assert(turned.some((value, c) => Math.abs(value - a[c]) > 1e-6));
});
