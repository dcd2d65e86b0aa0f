import { AssertionError, assertThrows } from "@std/assert";
import { assertClose, assertSameTopK } from "./assert_close.ts";

Deno.test("assertClose accepts what the tolerance allows and names what it does not", () => {
  assertClose([1, NaN, Infinity, -0], [1.05, NaN, Infinity, 0], { absolute: 0.06 });
  assertClose([101], [100], { relative: 0.011 });
  assertThrows(
    () => assertClose([1, 2, 3], [1, 2.5, 3], { absolute: 0.4, label: "y" }),
    AssertionError,
    "[1] 2, expected 2.5",
  );
  assertThrows(() => assertClose([5], [Infinity], { relative: 0.1 }), AssertionError, "expected Infinity");
  assertThrows(() => assertClose([NaN], [0], { absolute: 1 }), AssertionError, "[0] NaN");
  assertThrows(() => assertClose([0], [NaN], { absolute: 1 }), AssertionError, "expected NaN");
  assertThrows(() => assertClose([0], [0, 0]), AssertionError, "1 elements, expected 2");
});

Deno.test("assertSameTopK accepts exchanges among near ties alone", () => {
  const scores = [5, 4.999, 3, 5, 1];
  assertSameTopK([0, 3], [0, 3], { scores, tolerance: 0 });
  assertSameTopK([3, 1], [0, 3], { scores, tolerance: 0.01 });
  assertThrows(() => assertSameTopK([3, 0], [0, 3], { scores, tolerance: 0 }), AssertionError, "no near tie");
  assertThrows(() => assertSameTopK([0, 2], [0, 3], { scores, tolerance: 0.01 }), AssertionError, "[1] 2 with score 3");
  assertThrows(() => assertSameTopK([0, 0], [0, 3], { scores, tolerance: 0.01 }), AssertionError, "comes twice");
  assertThrows(() => assertSameTopK([0, 5], [0, 3], { scores, tolerance: 0.01 }), AssertionError, "no index of a row");
  assertThrows(() => assertSameTopK([0], [0, 3], { scores, tolerance: 0.01 }), AssertionError, "1 indices, expected 2");
});
