import { checkType, rowsOf, tensorText } from "./checks.ts";
import type { DType } from "./dtype.ts";
import { fill } from "./fill.ts";
import { newTensor } from "./output.ts";
import { runOverRows } from "./row_ops.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Sum over the last axis.
 *
 * @param x [.., size], f32 or f16
 * @returns [..] of x's type, summed in f32; 0 where size is 0
 * @throws {TypeError} where the type is another one, or there is no axis.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { sum, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * using y = sum(x);
 * assertEquals([...await y.read()], [3, 7]);
 * ```
 */
export function sum(x: Tensor): Tensor {
  return reduce("sum", x, 0, "sum", { divisor: 1 });
}

/**
 * Mean over the last axis.
 *
 * @param x [.., size], f32 or f16
 * @returns [..] of x's type, summed in f32; NaN where size is 0
 * @throws {TypeError} where the type is another one, or there is no axis.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { mean, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [2, 2]);
 * using y = mean(x);
 * assertEquals([...await y.read()], [1.5, 3.5]);
 * ```
 */
export function mean(x: Tensor): Tensor {
  return reduce("mean", x, NaN, "sum", { divisor: x.shape[x.shape.length - 1] });
}

/**
 * Largest element over the last axis. NaN ranks lowest: it is the result only where a row holds nothing else.
 *
 * @param x [.., size], f32 or f16
 * @returns [..] of x's type; -infinity where size is 0
 * @throws {TypeError} where the type is another one, or there is no axis.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { max, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, -3, -4]), [2, 2]);
 * using y = max(x);
 * assertEquals([...await y.read()], [2, -3]);
 * ```
 */
export function max(x: Tensor): Tensor {
  return reduce("max", x, -Infinity, "max");
}

/**
 * Index of the largest element over the last axis; the lowest index among equals. NaN ranks lowest.
 *
 * @param x [.., size], f32 or f16, size at least 1
 * @returns u32 [..]
 * @throws {TypeError} where the type is another one, or there is no axis.
 * @throws {RangeError} where size is 0 and there are rows.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { argmax, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 5, 5, 2]), [4]);
 * using y = argmax(x);
 * assertEquals([...await y.read()], [1]);
 * ```
 */
export function argmax(x: Tensor): Tensor {
  checkType("argmax", x, ["f32", "f16"]);
  const { rows, size } = rowsOf("argmax", x);
  if (rows > 0 && size === 0) {
    throw new RangeError(`argmax: the rows of ${tensorText(x)} are empty; they need at least one element`);
  }
  return run("argmax", x, size, "argmax", "u32");
}

function reduce(
  op: string,
  x: Tensor,
  ofNothing: number,
  kernel: "sum" | "max",
  params?: Readonly<Record<string, number>>,
): Tensor {
  checkType(op, x, ["f32", "f16"]);
  const { size } = rowsOf(op, x);
  if (size === 0) return fill(x.device, x.shape.slice(0, -1), ofNothing, x.dtype);
  return run(op, x, size, kernel, x.dtype, params);
}

function run(
  op: string,
  x: Tensor,
  size: number,
  kernel: "sum" | "max" | "argmax",
  dtype: DType,
  params?: Readonly<Record<string, number>>,
): Tensor {
  return newTensor(x.device, x.shape.slice(0, -1), dtype, (y) => {
    runOverRows(op, x, y, size, 1, {
      kernel,
      ...(kernel === "argmax" && { wide: { kernel: "argmax_wide", outputWidth: 1, threads: argmaxThreads(size) } }),
      types: { Element: x.dtype },
      params,
      workPerElement: 6,
    });
  });
}

/** On an H100 64 threads read rows of 4,096 at 2.54 TB/s and 256 at 2.02; a long row of few still wants many. */
function argmaxThreads(size: number): number {
  return size > 2 ** 14 ? 256 : 64;
}
