import { assertEquals, assertThrows } from "@std/assert";
import { dense, rmsNorm } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";

Deno.test("rmsNorm divides each row by its own root mean square", () => {
  // Root mean squares 5 and 1.
  const y = rmsNorm(dense([1, -7, 1, 1], [2, 2]), dense([1, 10], [2]), 0);
  assertClose(y.data, [0.2, -14, 1, 10], { relative: 1e-7 });
});

Deno.test("rmsNorm keeps rows of zeros finite by epsilon alone", () => {
  assertEquals([...rmsNorm(dense([0, 0], [1, 2]), dense([3, 3], [2]), 1e-6).data], [0, 0]);
  assertEquals([...rmsNorm(dense([1, 1], [1, 2]), dense([3, 3], [2]), 8).data], [1, 1]);
});

Deno.test("rmsNorm names what does not fit", () => {
  const x = dense([1, 2], [1, 2]);
  assertThrows(() => rmsNorm(x, dense([1], [1]), 0), TypeError, "weight [1]");
  assertThrows(() => rmsNorm(x, dense([1, 1], [2]), -1), RangeError, "epsilon -1");
  assertThrows(() => rmsNorm(x, dense([1, 1], [2]), NaN), RangeError, "epsilon NaN");
});
