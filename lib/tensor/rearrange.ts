import { checkDevice, tensorText } from "./checks.ts";
import { newTensor } from "./output.ts";
import { checkShape, shapeText } from "./shape.ts";
import { denseStrides, stridedCopy } from "./strided_copy.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Joins tensors along an axis.
 *
 * @param tensors at least one, of one type, and of one shape but for the axis
 * @param axis 0 and up
 * @returns a new tensor
 * @throws {TypeError} where shapes or types differ, naming both.
 * @throws {RangeError} where there is no such axis.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { concat, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2]), [2, 1]);
 * using y = Tensor.from(device, new Float32Array([3, 4]), [2, 1]);
 * using joined = concat([x, y], 1);
 * assertEquals([...await joined.read()], [1, 3, 2, 4]);
 * ```
 */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  if (tensors.length === 0) throw new TypeError("concat: no tensors were given; at least one is needed");
  const [first] = tensors;
  checkAxis("concat", first, axis);
  for (const tensor of tensors) checkJoins(first, tensor, axis);
  const shape = [...first.shape];
  shape[axis] = tensors.reduce((sum, tensor) => sum + tensor.shape[axis], 0);
  return newTensor(first.device, shape, first.dtype, (y) => {
    const yStrides = denseStrides(shape);
    let place = 0;
    for (const x of tensors) {
      const xStrides = denseStrides(x.shape);
      stridedCopy("concat", x, y, { sizes: x.shape, xStrides, yStrides, xOffset: 0, yOffset: place * yStrides[axis] });
      place += x.shape[axis];
    }
  });
}

/**
 * Copies a block out of a tensor.
 *
 * @param x any type
 * @param starts first index of each axis
 * @param sizes number of indices of each axis
 * @returns a new tensor of shape `sizes`
 * @throws {TypeError} where starts or sizes are not one whole number an axis.
 * @throws {RangeError} where the block reaches past x.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { slice, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * using column = slice(x, [0, 1], [2, 1]);
 * assertEquals([...await column.read()], [2, 4]);
 * ```
 */
export function slice(x: Tensor, starts: readonly number[], sizes: readonly number[]): Tensor {
  if (starts.length !== x.shape.length || sizes.length !== x.shape.length) {
    throw new TypeError(
      `slice: ${tensorText(x)} needs a start and a size for each axis; found ${shapeText(starts)} and ${
        shapeText(sizes)
      }`,
    );
  }
  checkShape("slice", starts);
  checkShape("slice", sizes);
  if (starts.some((start, axis) => start + sizes[axis] > x.shape[axis])) {
    throw new RangeError(
      `slice: a block of ${shapeText(sizes)} from ${shapeText(starts)} on reaches past ${tensorText(x)}`,
    );
  }
  return newTensor(x.device, sizes, x.dtype, (y) => {
    const xStrides = denseStrides(x.shape);
    const xOffset = starts.reduce((sum, start, axis) => sum + start * xStrides[axis], 0);
    stridedCopy("slice", x, y, { sizes, xStrides, yStrides: denseStrides(sizes), xOffset, yOffset: 0 });
  });
}

/**
 * Reorders a tensor's axes.
 *
 * @param x any type
 * @param axes for each axis of the result, the axis of x that it is: each once
 * @returns a new tensor of shape `axes.map((axis) => x.shape[axis])`
 * @throws {TypeError} where `axes` is no permutation of x's axes.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor, transpose } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
 * using y = transpose(x, [1, 0]);
 * assertEquals(y.shape, [3, 2]);
 * assertEquals([...await y.read()], [1, 4, 2, 5, 3, 6]);
 * ```
 */
export function transpose(x: Tensor, axes: readonly number[]): Tensor {
  const sorted = [...axes].sort((a, b) => a - b);
  if (axes.length !== x.shape.length || sorted.some((axis, index) => axis !== index)) {
    throw new TypeError(`transpose: axes ${shapeText(axes)} must name each axis of ${tensorText(x)} once`);
  }
  const shape = axes.map((axis) => x.shape[axis]);
  return newTensor(x.device, shape, x.dtype, (y) => {
    const strides = denseStrides(x.shape);
    const xStrides = axes.map((axis) => strides[axis]);
    stridedCopy("transpose", x, y, { sizes: shape, xStrides, yStrides: denseStrides(shape), xOffset: 0, yOffset: 0 });
  });
}

/**
 * Writes a tensor into a block of another one, in place.
 *
 * @param target changed where the block lies
 * @param starts first index of the block on each axis of the target
 * @param x of the target's type, as many axes
 * @param axes for each axis of the block, the axis of x that it is. Default: the same order
 * @throws {TypeError} where types or numbers of axes differ, or `axes` is no permutation.
 * @throws {RangeError} where the block reaches past the target.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor, writeBlock } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using target = Tensor.zeros(device, [2, 3]);
 * using row = Tensor.from(device, new Float32Array([7, 8]), [1, 2]);
 * writeBlock(target, [0, 1], row, [1, 0]);
 * assertEquals([...await target.read()], [0, 7, 0, 0, 8, 0]);
 * ```
 */
export function writeBlock(
  target: Tensor,
  starts: readonly number[],
  x: Tensor,
  axes: readonly number[] = x.shape.map((_, axis) => axis),
): void {
  checkDevice("writeBlock", target, x);
  const sorted = [...axes].sort((a, b) => a - b);
  const named = axes.length === x.shape.length && sorted.every((axis, index) => axis === index);
  if (!named || x.dtype !== target.dtype || target.shape.length !== axes.length || starts.length !== axes.length) {
    throw new TypeError(
      `writeBlock: ${tensorText(x)} with axes ${shapeText(axes)} must have the type and the number of axes of ` +
        `${tensorText(target)}, and a start for each: found ${shapeText(starts)}`,
    );
  }
  checkShape("writeBlock", starts);
  const sizes = axes.map((axis) => x.shape[axis]);
  if (starts.some((start, axis) => start + sizes[axis] > target.shape[axis])) {
    throw new RangeError(
      `writeBlock: a block of ${shapeText(sizes)} from ${shapeText(starts)} on reaches past ${tensorText(target)}`,
    );
  }
  const strides = denseStrides(x.shape);
  const yStrides = denseStrides(target.shape);
  const yOffset = starts.reduce((sum, start, axis) => sum + start * yStrides[axis], 0);
  stridedCopy("writeBlock", x, target, {
    sizes,
    xStrides: axes.map((axis) => strides[axis]),
    yStrides,
    xOffset: 0,
    yOffset,
  });
}

function checkAxis(op: string, tensor: Tensor, axis: number): void {
  if (Number.isInteger(axis) && axis >= 0 && axis < tensor.shape.length) return;
  throw new RangeError(`${op}: axis ${axis} must be one of the ${tensor.shape.length} axes of ${tensorText(tensor)}`);
}

function checkJoins(first: Tensor, tensor: Tensor, axis: number): void {
  checkDevice("concat", first, tensor);
  const fits = tensor.shape.length === first.shape.length &&
    tensor.shape.every((size, index) => index === axis || size === first.shape[index]);
  if (fits && tensor.dtype === first.dtype) return;
  throw new TypeError(
    `concat: ${tensorText(first)} and ${
      tensorText(tensor)
    } must have the same type, and the same shape but for axis ${axis}`,
  );
}
