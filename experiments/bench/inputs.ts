import { floatsToHalves } from "../../lib/tensor/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { type DType, Tensor } from "../../lib/tensor/mod.ts";

/** Element `index` of input number `seed`: from -0.5 to 0.5, the same here and in every peer. */
export function inputValue(seed: number, index: number): number {
  let x = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  // 11 bits: exact as half floats too, so that f16 and f32 have the same inputs.
  return ((x ^ (x >>> 15)) >>> 21) / 2048 - 0.5;
}

/** An input's numbers. */
function inputValues(seed: number, count: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let index = 0; index < count; index++) values[index] = inputValue(seed, index);
  return values;
}

/** An input on the device. */
export function inputTensor(device: Device, seed: number, shape: readonly number[], dtype: DType = "f32"): Tensor {
  const values = inputValues(seed, shape.reduce((product, size) => product * size, 1));
  return Tensor.from(device, dtype === "f16" ? floatsToHalves(values) : values, shape);
}
