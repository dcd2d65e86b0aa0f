import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { add, dense, softmax, sum } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { randomDense } from "./random.ts";

Deno.test("softmax gives the shares of the exponentials", () => {
  const y = softmax(dense([0, Math.log(3), 1000, 1000], [2, 2]));
  assertClose(y.data, [0.25, 0.75, 0.5, 0.5], { absolute: 1e-7 });
  assertEquals([...softmax(dense([-Infinity, -Infinity], [2])).data], [NaN, NaN]);
  assertEquals(softmax(dense([], [3, 0])).shape, [3, 0]);
  assertThrows(() => softmax(dense([1], [])), TypeError, "at least one axis");
});

Deno.test("softmax sums to 1 and does not change when a constant is added", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(), (size, seed) => {
      const x = randomDense(seed, [3, size]);
      const y = softmax(x);
      // Each of up to 9 shares is rounded to f32 once: 9 * 6e-8.
      assertClose(sum(y).data, [1, 1, 1], { absolute: 6e-7 });
      // Adding 4 rounds the inputs to steps of 4.8e-7.
      assertClose(softmax(add(x, dense([4], []))).data, y.data, { relative: 1e-6 });
    }),
    { seed: 5, numRuns: 30 },
  );
});
