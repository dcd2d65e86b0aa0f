import { assertEquals, assertThrows } from "@std/assert";
import { argmax, dense, max, mean, sum } from "../../lib/reference/mod.ts";

Deno.test("sum, mean, max and argmax work row by row over the last axis", () => {
  const x = dense([1, 2, 3, -4, -5, -9], [2, 1, 3]);
  for (const op of [sum, mean, max, argmax]) assertEquals(op(x).shape, [2, 1], op.name);
  assertEquals([...sum(x).data], [6, -18]);
  assertEquals([...mean(x).data], [2, -6]);
  assertEquals([...max(x).data], [3, -4]);
  assertEquals([...argmax(x).data], [2, 0]);
});

Deno.test("sum and mean accumulate in f64", () => {
  const x = dense([2 ** 25, 1, 1, -(2 ** 25)], [4]);
  assertEquals([...sum(x).data], [2]);
  assertEquals([...mean(x).data], [0.5]);
});

Deno.test("max and argmax rank NaN lowest and take the lowest index among equals", () => {
  assertEquals([...max(dense([NaN, -Infinity, NaN, NaN], [2, 2])).data], [-Infinity, NaN]);
  assertEquals([...argmax(dense([NaN, -Infinity, 7, 7, NaN, NaN, -0, 0], [4, 2])).data], [1, 0, 0, 0]);
});

Deno.test("reductions of empty rows give 0, NaN and -infinity, and argmax refuses", () => {
  const x = dense([], [2, 0]);
  assertEquals([...sum(x).data], [0, 0]);
  assertEquals([...mean(x).data], [NaN, NaN]);
  assertEquals([...max(x).data], [-Infinity, -Infinity]);
  assertThrows(() => argmax(x), RangeError, "argmax: the rows of [2, 0] are empty");
  assertEquals(argmax(dense([], [0, 0])).shape, [0]);
  assertThrows(() => sum(dense([1], [])), TypeError, "sum: [] must have at least one axis");
});
