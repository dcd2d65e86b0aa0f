import { checkType } from "./checks.ts";
import { halvesToFloats } from "./half.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Brings a tensor of floats to the host, f16 widened to f32.
 *
 * @param tensor f32 or f16, any shape
 * @throws {TypeError} where the type is another one.
 * @throws {GpuError} the first GPU error since the last read.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { readFloats, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2]), [2]);
 * assertEquals([...await readFloats(x)], [1, 2]);
 * ```
 */
export async function readFloats(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
  checkType("readFloats", tensor, ["f32", "f16"]);
  const data = await tensor.read();
  return data instanceof Uint16Array ? halvesToFloats(data) : data as Float32Array<ArrayBuffer>;
}
