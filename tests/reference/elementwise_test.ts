import { assertEquals, assertThrows } from "@std/assert";
import { add, dense, multiply, scale, siluGate } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";

const x = dense([1, 2, 3, 4, 5, 6], [2, 3]);

Deno.test("add and multiply repeat an operand that is the end of the other's shape", () => {
  assertEquals([...add(x, dense([10, 20, 30], [3])).data], [11, 22, 33, 14, 25, 36]);
  assertEquals([...multiply(x, dense([0, 1, -1], [3])).data], [0, 2, -3, 0, 5, -6]);
  assertEquals([...add(x, dense([1], [])).data], [2, 3, 4, 5, 6, 7]);
  assertThrows(() => add(x, dense([1, 2], [2])), TypeError, "add: [2, 3] and [2] do not fit");
  assertThrows(() => multiply(dense([1, 2, 3], [3]), x), TypeError, "multiply: [3] and [2, 3]");
});

Deno.test("scale rounds its factor to f32", () => {
  assertEquals([...scale(dense([1, -2], [2]), 0.1).data], [Math.fround(0.1), Math.fround(-0.2)]);
});

Deno.test("siluGate is odd but for a line, and refuses other shapes", () => {
  // silu(z) - silu(-z) = z.
  const gate = dense([-30, -2, -0.5, 0, 0.5, 2, 30], [7]);
  const ones = dense([1, 1, 1, 1, 1, 1, 1], [7]);
  const silu = siluGate(gate, ones).data;
  // One rounding to f32 of values up to 30 on each side: 4e-6.
  assertClose(silu.map((value, i) => value - silu[6 - i]), gate.data, { absolute: 4e-6 });
  assertEquals([...siluGate(dense([0], [1]), dense([5], [1])).data], [0]);
  assertThrows(() => siluGate(gate, dense([1], [1])), TypeError, "siluGate: gate [7] and up [1]");
});
