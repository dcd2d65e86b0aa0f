import { checkDevice, checkType, rowsOf, tensorText } from "./checks.ts";
import { newTensor } from "./output.ts";
import { runOverRows } from "./row_ops.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Root-mean-square norm over the last axis: `x / sqrt(mean(x^2) + epsilon) * weight`.
 *
 * @param x [.., d], f32 or f16
 * @param weight [d], f32 or f16
 * @param epsilon keeps rows of zeros finite
 * @returns a new tensor of x's shape and type, computed in f32
 * @throws {TypeError} where shapes or types do not fit, naming both.
 * @throws {RangeError} where epsilon is negative or not finite.
 * @see Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { rmsNorm, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([3, -3, 3, -3]), [1, 4]);
 * using weight = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [4]);
 * using y = rmsNorm(x, weight, 0);
 * assertEquals((await y.read()).map(Math.round).join(), "1,-2,3,-4");
 * ```
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  checkType("rmsNorm", x, ["f32", "f16"]);
  checkType("rmsNorm", weight, ["f32", "f16"]);
  checkDevice("rmsNorm", x, weight);
  const { size } = rowsOf("rmsNorm", x);
  if (weight.shape.length !== 1 || weight.shape[0] !== size) {
    throw new TypeError(
      `rmsNorm: weight ${tensorText(weight)} must have one element for each of the last axis of ${tensorText(x)}`,
    );
  }
  if (!(epsilon >= 0 && epsilon < Infinity)) {
    throw new RangeError(`rmsNorm: epsilon ${epsilon} must be a number of at least 0`);
  }
  return newTensor(x.device, x.shape, x.dtype, (y) => {
    runOverRows("rmsNorm", x, y, size, size, {
      kernel: "rms_norm",
      wide: { kernel: "rms_norm_wide", outputWidth: 4, holds: true },
      types: { Element: x.dtype, Weight: weight.dtype },
      params: { epsilon },
      weight,
      workPerElement: 16,
    });
  });
}
