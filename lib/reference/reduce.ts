import { type Dense, dense, type DenseFloats, floatsFor, type Numbers, rowsOf, shapeText } from "./dense.ts";

/**
 * Sum over the last axis, in f64.
 *
 * @param x [.., size]
 * @returns f32 [..]; 0 where size is 0
 * @throws {TypeError} if there is no axis.
 *
 * @example
 * ```ts
 * import { dense, sum } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...sum(dense([1, 2, 3, 4], [2, 2])).data], [3, 7]);
 * ```
 */
export function sum(x: Dense): DenseFloats {
  return reduce("sum", x, total);
}

/**
 * Mean over the last axis, in f64.
 *
 * @param x [.., size]
 * @returns f32 [..]; NaN where size is 0
 * @throws {TypeError} if there is no axis.
 *
 * @example
 * ```ts
 * import { dense, mean } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...mean(dense([1, 2, 3, 4], [2, 2])).data], [1.5, 3.5]);
 * ```
 */
export function mean(x: Dense): DenseFloats {
  return reduce("mean", x, (data, first, size) => total(data, first, size) / size);
}

/**
 * Largest element over the last axis. NaN ranks lowest: it is the result only where a row holds nothing else.
 *
 * @param x [.., size]
 * @returns f32 [..]; -infinity where size is 0
 * @throws {TypeError} if there is no axis.
 *
 * @example
 * ```ts
 * import { dense, max } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...max(dense([1, NaN, -3, -4], [2, 2])).data], [1, -3]);
 * ```
 */
export function max(x: Dense): DenseFloats {
  return reduce("max", x, (data, first, size) => size === 0 ? -Infinity : data[first + largest(data, first, size)]);
}

/**
 * Index of the largest element over the last axis; the lowest index among equals. NaN ranks lowest.
 *
 * @param x [.., size], size at least 1
 * @returns u32 [..]
 * @throws {TypeError} if there is no axis.
 * @throws {RangeError} if size is 0 and there are rows.
 *
 * @example
 * ```ts
 * import { argmax, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...argmax(dense([1, 5, 5, 2], [4])).data], [1]);
 * ```
 */
export function argmax(x: Dense): Dense<Uint32Array<ArrayBuffer>> {
  const { rows, size } = rowsOf("argmax", x);
  if (rows > 0 && size === 0) {
    throw new RangeError(`argmax: the rows of ${shapeText(x)} are empty; they need at least one element`);
  }
  const places = Uint32Array.from({ length: rows }, (_, row) => largest(x.data, row * size, size));
  return dense(places, x.shape.slice(0, -1));
}

/** Whether a ranks above b: NaN ranks below every number, and both zeros are equal. */
export function ranksAbove(a: number, b: number): boolean {
  return a > b || (Number.isNaN(b) && !Number.isNaN(a));
}

function reduce(
  op: string,
  x: Dense,
  ofRow: (data: Numbers, first: number, size: number) => number,
): DenseFloats {
  const { rows, size } = rowsOf(op, x);
  const output = floatsFor(x.shape.slice(0, -1));
  for (let row = 0; row < rows; row++) output.data[row] = ofRow(x.data, row * size, size);
  return output;
}

function total(data: Numbers, first: number, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += data[first + i];
  return sum;
}

function largest(data: Numbers, first: number, size: number): number {
  let best = 0;
  for (let i = 1; i < size; i++) {
    if (ranksAbove(data[first + i], data[first + best])) best = i;
  }
  return best;
}
