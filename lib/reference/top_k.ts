import { type Dense, dense, type DenseFloats, floatsFor, type Numbers, rowsOf, shapeText } from "./dense.ts";
import { ranksAbove } from "./reduce.ts";

/** The highest elements of each row. */
export interface ReferenceTopK {
  /** f32 [.., k], highest first. */
  readonly values: DenseFloats;
  /** u32 [.., k]: places of the values in their rows. */
  readonly indices: Dense<Uint32Array<ArrayBuffer>>;
}

/**
 * The k highest elements over the last axis, highest first.
 *
 * Among equals the lower index comes first; 0 and -0 are equal and come out as 0; NaN ranks below every number.
 *
 * @param x [.., size]
 * @param k 1 to size
 * @returns values and their places
 * @throws {TypeError} if there is no axis.
 * @throws {RangeError} if k is not a whole number in that range.
 *
 * @example
 * ```ts
 * import { dense, topK } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * const { values, indices } = topK(dense([3, 9, 7, 9], [4]), 3);
 * assertEquals([...values.data], [9, 9, 7]);
 * assertEquals([...indices.data], [1, 3, 2]);
 * ```
 */
export function topK(x: Dense, k: number): ReferenceTopK {
  const { rows, size } = rowsOf("topK", x);
  if (!Number.isInteger(k) || k < 1 || k > size) {
    throw new RangeError(`topK: k ${k} must be a whole number from 1 to ${size} for ${shapeText(x)}`);
  }
  const shape = [...x.shape.slice(0, -1), k];
  const values = floatsFor(shape);
  const indices = dense(new Uint32Array(rows * k), shape);
  for (let row = 0; row < rows; row++) {
    const places = highest(x.data, row * size, size, k);
    indices.data.set(places, row * k);
    // Adding 0 turns -0 into 0.
    values.data.set(places.map((place) => x.data[row * size + place] + 0), row * k);
  }
  return { values, indices };
}

/** Places of the k highest of a row, best first: each element is sorted into the list of the best so far. */
function highest(data: Numbers, first: number, size: number, k: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < size; i++) {
    const value = data[first + i];
    if (best.length === k) {
      if (!ranksAbove(value, data[first + best[k - 1]])) continue;
      best.pop();
    }
    let place = best.length;
    // An equal one before stays before: its index is lower.
    while (place > 0 && ranksAbove(value, data[first + best[place - 1]])) place--;
    best.splice(place, 0, i);
  }
  return best;
}
