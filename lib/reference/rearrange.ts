import { type Dense, dense, elementCount, type Numbers, shapeText, zerosLike } from "./dense.ts";

/**
 * Joins arrays along an axis.
 *
 * @param parts at least one, of one shape but for the axis
 * @param axis 0 and up
 * @returns the same kind of array as the first
 * @throws {TypeError} if nothing was given, or the shapes differ elsewhere, naming both.
 * @throws {RangeError} if there is no such axis.
 *
 * @example
 * ```ts
 * import { concat, dense } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(concat([dense([1, 2], [2, 1]), dense([3, 4], [2, 1])], 1).data, [1, 3, 2, 4]);
 * ```
 */
export function concat<T extends Numbers>(parts: readonly Dense<T>[], axis: number): Dense<T> {
  if (parts.length === 0) throw new TypeError("concat: no arrays were given; at least one is needed");
  const [first] = parts;
  if (!Number.isInteger(axis) || axis < 0 || axis >= first.shape.length) {
    throw new RangeError(`concat: axis ${axis} must be one of the ${first.shape.length} axes of ${shapeText(first)}`);
  }
  for (const part of parts) checkJoins(first, part, axis);
  const shape = [...first.shape];
  shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const y = zerosLike(first.data, elementCount(shape));
  const outer = elementCount(shape.slice(0, axis));
  let place = 0;
  for (let block = 0; block < outer; block++) {
    for (const part of parts) {
      const run = elementCount(part.shape.slice(axis));
      for (let i = 0; i < run; i++) y[place++] = part.data[block * run + i];
    }
  }
  return dense(y, shape);
}

/**
 * Copies a block out of an array.
 *
 * @param x any shape
 * @param starts first index of each axis
 * @param sizes number of indices of each axis
 * @returns an array of shape `sizes`, of the same kind as x
 * @throws {TypeError} if starts or sizes are not one whole number an axis.
 * @throws {RangeError} if the block reaches past x.
 *
 * @example
 * ```ts
 * import { dense, slice } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(slice(dense([1, 2, 3, 4], [2, 2]), [0, 1], [2, 1]).data, [2, 4]);
 * ```
 */
export function slice<T extends Numbers>(
  x: Dense<T>,
  starts: readonly number[],
  sizes: readonly number[],
): Dense<T> {
  const whole = [...starts, ...sizes].every((value) => Number.isSafeInteger(value) && value >= 0);
  const asked = `a block of [${sizes.join(", ")}] from [${starts.join(", ")}] on`;
  if (!whole || starts.length !== x.shape.length || sizes.length !== x.shape.length) {
    throw new TypeError(`slice: ${asked} must have one whole number of at least 0 for each axis of ${shapeText(x)}`);
  }
  if (starts.some((start, axis) => start + sizes[axis] > x.shape[axis])) {
    throw new RangeError(`slice: ${asked} reaches past ${shapeText(x)}`);
  }
  const strides = stridesOf(x.shape);
  return collect(
    x,
    sizes,
    (place) => place.reduce((sum, index, axis) => sum + (starts[axis] + index) * strides[axis], 0),
  );
}

/**
 * Reorders an array's axes.
 *
 * @param x any shape
 * @param axes for each axis of the result, the axis of x that it is: each once
 * @returns an array of shape `axes.map((axis) => x.shape[axis])`, of the same kind as x
 * @throws {TypeError} if `axes` is no permutation of x's axes.
 *
 * @example
 * ```ts
 * import { dense, transpose } from "@reattention/toolkit/reference";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(transpose(dense([1, 2, 3, 4, 5, 6], [2, 3]), [1, 0]).data, [1, 4, 2, 5, 3, 6]);
 * ```
 */
export function transpose<T extends Numbers>(x: Dense<T>, axes: readonly number[]): Dense<T> {
  const sorted = [...axes].sort((a, b) => a - b);
  if (axes.length !== x.shape.length || sorted.some((axis, index) => axis !== index)) {
    throw new TypeError(`transpose: axes [${axes.join(", ")}] must name each axis of ${shapeText(x)} once`);
  }
  const strides = stridesOf(x.shape);
  const shape = axes.map((axis) => x.shape[axis]);
  return collect(x, shape, (place) => place.reduce((sum, index, axis) => sum + index * strides[axes[axis]], 0));
}

/** Fills an array of a shape, element by element, from the places in x that `source` names. */
function collect<T extends Numbers>(
  x: Dense<T>,
  shape: readonly number[],
  source: (place: readonly number[]) => number,
): Dense<T> {
  const y = zerosLike(x.data, elementCount(shape));
  const place = shape.map(() => 0);
  for (let i = 0; i < y.length; i++) {
    y[i] = x.data[source(place)];
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0;
  }
  return dense(y, shape);
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}

function checkJoins(first: Dense, part: Dense, axis: number): void {
  const fits = part.shape.length === first.shape.length &&
    part.shape.every((size, index) => index === axis || size === first.shape[index]);
  if (fits) return;
  throw new TypeError(
    `concat: ${shapeText(first)} and ${shapeText(part)} must have the same shape but for axis ${axis}`,
  );
}
