import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat, dense, slice, transpose } from "../../lib/reference/mod.ts";
import { randomDense } from "./random.ts";

const x = dense([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [2, 3, 2]);

Deno.test("concat joins along any axis", () => {
  const y = dense([20, 21, 22, 23], [2, 1, 2]);
  assertEquals(concat([x, y], 1).shape, [2, 4, 2]);
  assertEquals(concat([x, y], 1).data, [0, 1, 2, 3, 4, 5, 20, 21, 6, 7, 8, 9, 10, 11, 22, 23]);
  assertEquals(concat([dense([1], [1]), dense([], [0]), dense([2, 3], [2])], 0).data, [1, 2, 3]);
  assertThrows(() => concat([x, y], 0), TypeError, "[2, 3, 2] and [2, 1, 2]");
  assertThrows(() => concat([x], 3), RangeError, "axis 3 must be one of the 3 axes");
  assertThrows(() => concat([], 0), TypeError, "no arrays");
});

Deno.test("slice copies a block", () => {
  assertEquals(slice(x, [1, 1, 0], [1, 2, 1]).data, [8, 10]);
  assertInstanceOf(slice(dense(new Uint32Array([1, 2]), [2]), [1], [1]).data, Uint32Array);
  assertThrows(() => slice(x, [1, 0, 0], [2, 1, 1]), RangeError, "reaches past [2, 3, 2]");
  assertThrows(() => slice(x, [1, 0], [1, 1]), TypeError, "one whole number");
});

Deno.test("transpose moves element [i, j, k] to the place its axes name", () => {
  assertEquals(transpose(x, [2, 0, 1]).shape, [2, 2, 3]);
  assertEquals(transpose(x, [2, 0, 1]).data, [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
  assertThrows(() => transpose(x, [0, 0, 1]), TypeError, "axes [0, 0, 1]");
});

Deno.test("concat of the slices of an array, and transpose twice, give it back", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), (shape, choice, seed) => {
      const whole = randomDense(seed, shape);
      const axis = choice % shape.length;
      const cut = seed % (shape[axis] + 1);
      const part = (from: number, to: number) =>
        slice(
          whole,
          shape.map((_, other) => other === axis ? from : 0),
          shape.map((size, other) => other === axis ? to - from : size),
        );
      assertEquals(concat([part(0, cut), part(cut, shape[axis])], axis), whole);
      const axes = shape.map((_, other) => (other + choice) % shape.length);
      const back = axes.map((_, other) => axes.indexOf(other));
      assertEquals(transpose(transpose(whole, axes), back), whole);
    }),
    { seed: 2, numRuns: 60 },
  );
});
