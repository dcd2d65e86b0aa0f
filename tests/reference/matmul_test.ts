import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { dense, matmul, transpose } from "../../lib/reference/mod.ts";
import { randomDense } from "./random.ts";

Deno.test("matmul multiplies rows with columns, batch by batch", () => {
  const a = dense([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  const b = dense([1, 0, 0, 1, 0, 1, 1, 0], [2, 2, 2]);
  assertEquals([...matmul(a, b).data], [1, 2, 3, 4, 6, 5, 8, 7]);
  const shared = dense([1, 10], [2, 1]);
  assertEquals(matmul(a, shared).shape, [2, 2, 1]);
  assertEquals([...matmul(a, shared).data], [21, 43, 65, 87]);
  // Row 0 picks out the columns of b as they are stored, row 1 their sum.
  const uneven = dense([1, 2, 3, 4, 5, 6], [3, 2]);
  assertEquals([...matmul(dense([1, 0, 1, 1], [2, 2]), uneven, { transposeRight: true }).data], [1, 3, 5, 3, 7, 11]);
});

Deno.test("matmul of an empty depth is 0", () => {
  assertEquals([...matmul(dense([], [2, 0]), dense([], [0, 3])).data], [0, 0, 0, 0, 0, 0]);
});

Deno.test("matmul with a transposed right side equals matmul with the transposed array", () => {
  const size = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(size, size, size, size, fc.nat(), (batch, rows, depth, columns, seed) => {
      const a = randomDense(seed, [batch, rows, depth]);
      const b = randomDense(seed + 1, [batch, columns, depth]);
      assertEquals(matmul(a, b, { transposeRight: true }), matmul(a, transpose(b, [0, 2, 1])));
    }),
    { seed: 3, numRuns: 50 },
  );
});

Deno.test("matmul sums in f64", () => {
  // In f32 the first sum swallows the 1.
  assertEquals([...matmul(dense([2 ** 25, 1, -(2 ** 25)], [1, 3]), dense([1, 1, 1], [3, 1])).data], [1]);
});

Deno.test("matmul names shapes that do not fit", () => {
  const a = dense(new Float32Array(6), [2, 3]);
  assertThrows(() => matmul(a, a), TypeError, "matmul: [2, 3] and [2, 3] do not fit");
  assertThrows(() => matmul(a, dense(new Float32Array(12), [2, 3, 2])), TypeError, "[2, 3, 2]");
  assertThrows(() => matmul(a, dense(new Float32Array(3), [3])), TypeError, "do not fit");
});
