import { type DType, elementBytes } from "./dtype.ts";
import { newTensor } from "./output.ts";
import type { Tensor } from "./tensor.ts";
import { bindRows, rowWindows } from "./windows.ts";

const WORKGROUP = 64;
const KINDS: Readonly<Record<DType, number>> = { f32: 0, f16: 1, i32: 2, u32: 3 };

/**
 * Converts a tensor's elements to another type.
 *
 * Floats become whole numbers by dropping the fraction, clamped to the target's range; NaN gives 0. To f16 values are
 * rounded to nearest, ties to even, and to infinity past 65,504; whole numbers go to f16 by way of f32. i32 and u32
 * convert into each other modulo 2^32. f16 to f32 is exact; whole numbers past 2^24 are rounded by f32, in a direction
 * that WGSL leaves open.
 *
 * @param x any shape and type
 * @param dtype the new type
 * @returns a new tensor of x's shape
 * @throws {TypeError} for f16 where the adapter has none.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { cast, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1.9, -1.9, -5e9]), [3]);
 * using y = cast(x, "i32");
 * assertEquals([...await y.read()], [1, -1, -(2 ** 31)]);
 * ```
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  return newTensor(x.device, x.shape, dtype, (y) => {
    const bytes = [elementBytes(x.dtype), elementBytes(dtype)];
    for (const window of rowWindows(x.device, "cast", x.size, bytes)) {
      x.device.commands.dispatch({
        kernel: "cast",
        types: { From: x.dtype, To: dtype },
        constants: { TO_KIND: KINDS[dtype], FROM_FLOAT: x.dtype === "f32" || x.dtype === "f16" ? 1 : 0 },
        params: { count: window.count },
        bindings: [bindRows(x, 1, window), bindRows(y, 1, window)],
        groups: Math.ceil(window.count / WORKGROUP),
        work: 14 * window.count,
      });
    }
  });
}
