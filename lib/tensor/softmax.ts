import { checkType, rowsOf } from "./checks.ts";
import { newTensor } from "./output.ts";
import { runOverRows } from "./row_ops.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Softmax over the last axis: `exp(x - max) / sum(exp(x - max))`.
 *
 * @param x [.., size], f32 or f16
 * @returns a new tensor of x's shape and type, computed in f32; -infinity gives 0, a row of nothing else gives NaN
 * @throws {TypeError} where the type is another one, or there is no axis.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { softmax, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([7, 7, -Infinity]), [3]);
 * using y = softmax(x);
 * assertEquals([...await y.read()], [0.5, 0.5, 0]);
 * ```
 */
export function softmax(x: Tensor): Tensor {
  checkType("softmax", x, ["f32", "f16"]);
  const { size } = rowsOf("softmax", x);
  return newTensor(x.device, x.shape, x.dtype, (y) => {
    runOverRows("softmax", x, y, size, size, {
      kernel: "softmax",
      wide: { kernel: "softmax_wide", outputWidth: 4, holds: true },
      types: { Element: x.dtype },
      workPerElement: 24,
    });
  });
}
