import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { causalAttention, dense, matmul, scale, slice, softmax } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { randomDense } from "./random.ts";

Deno.test("causalAttention averages the values that a row may see", () => {
  // Keys of zeros make all weights equal; two rows over three tokens: row 0 sees two of them, row 1 all.
  const queries = dense([1, 1], [1, 2, 1, 1]);
  const keys = dense([0, 0, 0], [1, 3, 1, 1]);
  assertEquals([...causalAttention(queries, keys, dense([1, 3, 8], [1, 3, 1, 1])).data], [2, 4]);
});

Deno.test("causalAttention uses KV head floor(h / g)", () => {
  // One token: each query head returns its KV head's value.
  const queries = dense([1, 1, 1, 1, 1, 1], [1, 1, 6, 1]);
  const values = dense([10, 20, 30], [1, 1, 3, 1]);
  assertEquals([...causalAttention(queries, values, values).data], [10, 10, 20, 20, 30, 30]);
});

Deno.test("causalAttention equals softmax of a masked score matrix", () => {
  const size = fc.integer({ min: 1, max: 7 });
  fc.assert(
    fc.property(size, size, size, fc.nat(), (rows, older, channels, seed) => {
      const tokens = rows + older;
      const queries = randomDense(seed, [1, rows, 1, channels]);
      const keys = randomDense(seed + 1, [1, tokens, 1, channels]);
      const values = randomDense(seed + 2, [1, tokens, 1, channels]);
      const matrix = (x: { data: Float32Array<ArrayBuffer> }, height: number) => dense(x.data, [height, channels]);
      const scores = matmul(matrix(queries, rows), matrix(keys, tokens), { transposeRight: true });
      const masked = scale(scores, 1 / Math.sqrt(channels));
      masked.data.forEach((_, at) => {
        if (at % tokens > older + Math.floor(at / tokens)) masked.data[at] = -Infinity;
      });
      const wanted = matmul(softmax(masked), matrix(values, tokens));
      // The two-step way rounds scores and weights to f32.
      assertClose(causalAttention(queries, keys, values).data, wanted.data, { absolute: 2e-6 });
    }),
    { seed: 4, numRuns: 40 },
  );
});

Deno.test("causalAttention keeps the sequences of a batch apart", () => {
  const x = randomDense(1, [2, 5, 2, 3]);
  const whole = causalAttention(x, x, x);
  for (const sequence of [0, 1]) {
    const own = slice(x, [sequence, 0, 0, 0], [1, 5, 2, 3]);
    assertEquals(causalAttention(own, own, own), slice(whole, [sequence, 0, 0, 0], [1, 5, 2, 3]));
  }
});

Deno.test("causalAttention names shapes that do not fit", () => {
  const one = dense([1], [1, 1, 1, 1]);
  const two = dense([1, 2], [1, 2, 1, 1]);
  assertThrows(() => causalAttention(two, one, one), TypeError, "queries [1, 2, 1, 1], keys [1, 1, 1, 1]");
  assertThrows(() => causalAttention(one, two, one), TypeError, "do not fit");
  assertThrows(
    () => causalAttention(one, dense([1, 2], [1, 1, 2, 1]), dense([1, 2], [1, 1, 2, 1])),
    TypeError,
    "multiple",
  );
});

Deno.test("causalAttention slides over the last keys that a row may see", () => {
  // Keys are all alike, so each row has the mean of the values it sees.
  const zeros = dense([0, 0, 0, 0], [1, 4, 1, 1]);
  const values = dense([1, 3, 8, 10], [1, 4, 1, 1]);
  assertEquals([...causalAttention(zeros, zeros, values, 2).data], [1, 2, 5.5, 9]);
  assertEquals([...causalAttention(zeros, zeros, values, 9).data], [1, 2, 4, 5.5]);
});
