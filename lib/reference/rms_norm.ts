import { type Dense, type DenseFloats, floatsFor, rowsOf, shapeText } from "./dense.ts";

/**
 * Root-mean-square norm over the last axis: `x / sqrt(mean(x^2) + epsilon) * weight`.
 *
 * @param x [.., d]
 * @param weight [d]
 * @param epsilon keeps rows of zeros finite
 * @returns f32 of x's shape
 * @throws {TypeError} if the shapes do not fit, naming both.
 * @throws {RangeError} if epsilon is negative or not finite.
 * @see Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4
 *
 * @example
 * ```ts
 * import { dense, rmsNorm } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const y = rmsNorm(dense([3, -3], [1, 2]), dense([1, 2], [2]), 0);
 * assertEquals([...y.data], [1, -2]);
 * ```
 */
export function rmsNorm(x: Dense, weight: Dense, epsilon: number): DenseFloats {
  const { rows, size } = rowsOf("rmsNorm", x);
  if (weight.shape.length !== 1 || weight.shape[0] !== size) {
    throw new TypeError(
      `rmsNorm: weight ${shapeText(weight)} must have one element for each of the last axis of ${shapeText(x)}`,
    );
  }
  if (!(epsilon >= 0 && epsilon < Infinity)) {
    throw new RangeError(`rmsNorm: epsilon ${epsilon} must be a number of at least 0`);
  }
  const output = floatsFor(x.shape);
  for (let row = 0; row < rows; row++) {
    let squares = 0;
    for (let i = 0; i < size; i++) squares += x.data[row * size + i] ** 2;
    const root = Math.sqrt(squares / size + epsilon);
    for (let i = 0; i < size; i++) output.data[row * size + i] = x.data[row * size + i] / root * weight.data[i];
  }
  return output;
}
