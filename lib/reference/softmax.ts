import { type Dense, type DenseFloats, floatsFor, rowsOf } from "./dense.ts";

/**
 * Softmax over the last axis: `exp(x - max) / sum(exp(x - max))`.
 *
 * @param x [.., size]
 * @returns f32 of x's shape; -infinity gives 0, a row of nothing else gives NaN
 * @throws {TypeError} if there is no axis.
 *
 * @example
 * ```ts
 * import { dense, softmax } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...softmax(dense([7, 7, -Infinity], [3])).data], [0.5, 0.5, 0]);
 * ```
 */
export function softmax(x: Dense): DenseFloats {
  const { rows, size } = rowsOf("softmax", x);
  const output = floatsFor(x.shape);
  for (let first = 0; first < rows * size; first += size) {
    let highest = -Infinity;
    for (let i = 0; i < size; i++) highest = Math.max(highest, x.data[first + i]);
    let total = 0;
    for (let i = 0; i < size; i++) total += Math.exp(x.data[first + i] - highest);
    for (let i = 0; i < size; i++) output.data[first + i] = Math.exp(x.data[first + i] - highest) / total;
  }
  return output;
}
