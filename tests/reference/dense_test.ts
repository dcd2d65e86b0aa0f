import { assertStrictEquals, assertThrows } from "@std/assert";
import { dense } from "../../lib/reference/mod.ts";

Deno.test("dense keeps the array and refuses a shape of another size", () => {
  const data = new Float32Array(6);
  assertStrictEquals(dense(data, [2, 3]).data, data);
  dense([], [0, 4]);
  dense([1], []);
  assertThrows(() => dense(data, [2, 2]), TypeError, "shape [2, 2] has 4 elements, but 6 were given");
  assertThrows(() => dense(data, [-2, -3]), TypeError, "whole numbers of at least 0");
});
