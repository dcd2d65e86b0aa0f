import type { Device } from "../gpu/mod.ts";
import type { DType } from "./dtype.ts";
import { floatsToHalves } from "./half.ts";
import { newTensor } from "./output.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import { rowWindows } from "./windows.ts";

const WORKGROUP = 64;

/**
 * A tensor that holds one value everywhere.
 *
 * @param device where it lives
 * @param shape any
 * @param value rounded to the type; for i32 and u32 a whole number in the type's range
 * @param dtype element type, default f32
 * @throws {RangeError} where a whole-number type can't hold the value.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { fill } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = fill(device, [3], 1.5);
 * assertEquals([...await x.read()], [1.5, 1.5, 1.5]);
 * ```
 */
export function fill(device: Device, shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  const word = pattern(value, dtype);
  return newTensor(device, shape, dtype, (y) => {
    const words = Math.ceil(y.bytes / 4);
    for (const { start, count } of rowWindows(device, "fill", words, [4])) {
      device.commands.dispatch({
        kernel: "fill",
        params: { count, word },
        bindings: [{ buffer: y.buffer, offset: 4 * start, bytes: 4 * count }],
        groups: Math.ceil(count / WORKGROUP),
        work: 2 * count,
      });
    }
  });
}

/**
 * A tensor of zeros.
 *
 * @param device where it lives
 * @param shape any
 * @param dtype element type, default f32
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { zeros } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = zeros(device, [2, 1], "u32");
 * assertEquals([...await x.read()], [0, 0]);
 * ```
 */
export function zeros(device: Device, shape: Shape, dtype: DType = "f32"): Tensor {
  return Tensor.zeros(device, shape, dtype);
}

/** The 32 bits that a value fills a buffer with: one element, or the same half twice. */
function pattern(value: number, dtype: DType): number {
  if (dtype === "f16") return floatsToHalves(new Float32Array([value]))[0] * 0x10001;
  if (dtype === "f32") return new Uint32Array(new Float32Array([value]).buffer)[0];
  const [low, high] = dtype === "i32" ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  if (Number.isInteger(value) && value >= low && value <= high) return value >>> 0;
  throw new RangeError(`fill: ${value} must be a whole number from ${low} to ${high} for ${dtype}`);
}
