import fc from "fast-check";
import type { Device, DeviceOptions } from "../../lib/gpu/mod.ts";
import { floatsToHalves, halvesToFloats, Tensor } from "../../lib/tensor/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";
import type { FloatType } from "./tolerances.ts";

/** Limits so low that small tensors take the paths of very large ones. */
export const LOW_LIMITS: DeviceOptions = { bindingBytes: 4096, groupsPerDimension: 7 };

/** Runs a test on an ordinary device and on one with low limits. */
export function everyDevice(name: string, run: (device: Device) => Promise<void>): void {
  gpuTest(name, run);
  gpuTestWith(LOW_LIMITS, `${name}, past one binding and one grid dimension`, run);
}

/** Checks a property on random cases; seeded, so that a failure repeats. */
export async function forAll<T>(cases: fc.Arbitrary<T>, check: (value: T) => Promise<void>, runs = 20): Promise<void> {
  await fc.assert(fc.asyncProperty(cases, check), { seed: 20240715, numRuns: runs });
}

/** Storage types of floats. */
export const floatType: fc.Arbitrary<FloatType> = fc.constantFrom("f32", "f16");

/** Seeds for `randomFloats`. */
export const seed: fc.Arbitrary<number> = fc.nat();

/** Sizes of one axis: 0 and 1, primes, powers of two and their neighbours. */
export const axis: fc.Arbitrary<number> = fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17);

/** Row sizes, some longer than a workgroup. */
export const rowSize: fc.Arbitrary<number> = fc.constantFrom(1, 2, 3, 31, 32, 33, 64, 97, 128, 259);

/** Numbers in [0, 1) by the mulberry32 generator. */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Floats in [-limit, limit), already rounded to the type they will be stored in. */
export function randomFloats(count: number, from: number, dtype: FloatType, limit = 2): Float32Array<ArrayBuffer> {
  const next = random(from);
  const floats = Float32Array.from({ length: count }, () => (2 * next() - 1) * limit);
  return dtype === "f16" ? halvesToFloats(floatsToHalves(floats)) : floats;
}

/** Whole numbers from -limit to limit: sums and products of a few are exact in every type, so nothing need be tolerated. */
export function randomWholes(count: number, from: number, limit = 3): Float32Array<ArrayBuffer> {
  const next = random(from);
  return Float32Array.from({ length: count }, () => Math.floor(next() * (2 * limit + 1)) - limit);
}

/** Puts floats on the device in a type. */
export function upload(
  device: Device,
  floats: Float32Array<ArrayBuffer>,
  shape: readonly number[],
  dtype: FloatType = "f32",
): Tensor {
  return Tensor.from(device, dtype === "f16" ? floatsToHalves(floats) : floats, shape);
}

/** Number of elements of a shape. */
export function count(...shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
