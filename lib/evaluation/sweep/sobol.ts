/**
 * Direction numbers of Joe and Kuo (2008, new-joe-kuo-6), dimensions 2 to 13: degree, coefficients, and the first odd numbers.
 */
const DIRECTIONS: readonly (readonly [degree: number, coefficients: number, first: readonly number[]])[] = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
  [5, 11, [1, 1, 5, 1, 1]],
  [5, 13, [1, 1, 1, 3, 11]],
  [5, 14, [1, 3, 5, 5, 31]],
];

const BITS = 32;

/** Most dimensions that there are direction numbers for. */
export const mostSobolDimensions: number = DIRECTIONS.length + 1;

function directionsOf(dimension: number): number[] {
  if (dimension === 0) return Array.from({ length: BITS }, (_, bit) => 2 ** (BITS - 1 - bit));
  const [degree, coefficients, first] = DIRECTIONS[dimension - 1];
  const numbers = first.map((number, bit) => number * 2 ** (BITS - 1 - bit));
  for (let bit = degree; bit < BITS; bit++) {
    let next = numbers[bit - degree] ^ (numbers[bit - degree] >>> degree);
    for (let term = 1; term < degree; term++) {
      if ((coefficients >>> (degree - 1 - term)) & 1) next ^= numbers[bit - term];
    }
    numbers.push(next >>> 0);
  }
  return numbers;
}

/**
 * Points of Sobol's sequence (1967), in Antonov and Saleev's order, from its second one on (the first is the corner where
 * all are 0): they fill a cube evenly, however many are taken.
 *
 * @param dimensions 1 to {@linkcode mostSobolDimensions}
 * @returns points without end, each coordinate from 0 up to, not including, 1
 * @throws {RangeError} for more dimensions than that.
 *
 * @example
 * ```ts
 * import { sobolPoints } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const points = sobolPoints(2);
 * assertEquals([points.next().value, points.next().value], [[0.5, 0.5], [0.75, 0.25]]);
 * ```
 */
export function* sobolPoints(dimensions: number): Generator<number[], never, void> {
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > mostSobolDimensions) {
    throw new RangeError(
      `sobolPoints: dimensions ${dimensions} must be a whole number from 1 to ${mostSobolDimensions}`,
    );
  }
  const directions = Array.from({ length: dimensions }, (_, dimension) => directionsOf(dimension));
  const point = new Uint32Array(dimensions);
  for (let index = 1;; index++) {
    // Gray code: the numbers of one step differ in the lowest zero bit of the count before.
    const bit = 31 - Math.clz32(index & -index);
    for (let dimension = 0; dimension < dimensions; dimension++) point[dimension] ^= directions[dimension][bit];
    yield Array.from(point, (word) => word / 2 ** BITS);
  }
}
