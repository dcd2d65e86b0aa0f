import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import type { Device } from "../../lib/gpu/mod.ts";
import * as reference from "../../lib/reference/mod.ts";
import { readFloats, type Tensor, topK, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";
import {
  count,
  everyDevice,
  floatType,
  forAll,
  LOW_LIMITS,
  random,
  randomFloats,
  randomWholes,
  seed,
  upload,
} from "./cases.ts";

/** Runs topK and compares values and indices with the oracle's: nothing is rounded, so nothing is tolerated. */
async function check(x: Tensor, xs: Float32Array, k: number): Promise<void> {
  const { values, indices } = topK(x, k);
  try {
    assertEquals(indices.shape, [...x.shape.slice(0, -1), k]);
    const expected = reference.topK(reference.dense(xs, x.shape), k);
    assertEquals([...await indices.read()], [...expected.indices.data]);
    assertEquals([...await readFloats(values)], [...expected.values.data]);
  } finally {
    values[Symbol.dispose]();
    indices[Symbol.dispose]();
  }
}

everyDevice("topK equals the oracle, with ties, of rows of one block and of many", async (device) => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(257, 511, 512, 513, 1100, 5000));
  const cases = fc.record({
    leading: fc.constantFrom([], [1], [3], [2, 2], [0]),
    size: sizes,
    k: fc.integer({ min: 1, max: 60 }),
    ties: fc.boolean(),
    dtype: floatType,
    seed,
  });
  await forAll(cases, async ({ leading, size, k, ties, dtype, seed }) => {
    const shape = [...leading, size];
    const xs = ties ? randomWholes(count(...shape), seed) : randomFloats(count(...shape), seed, dtype, 9);
    using x = upload(device, xs, shape, dtype);
    await check(x, xs, Math.min(k, size));
  }, 25);
});

gpuTestWith(LOW_LIMITS, "topK cuts a row past one binding", async (device) => {
  // 5,000 floats are 20,000 bytes; a binding here holds 4,096.
  const xs = randomFloats(15_000, 3, "f32");
  using x = upload(device, xs, [3, 5000]);
  await check(x, xs, 7);
});

gpuTest("topK takes any k up to 256 from a row of a million", async (device) => {
  const xs = randomFloats(1_000_003, 5, "f32", 1e6);
  using x = upload(device, xs, [xs.length]);
  for (const k of [1, 200, 256]) await check(x, xs, k);
});

gpuTest("topK keeps the order of a row that only rises, only falls, or is all one value", async (device) => {
  const size = 3000;
  for (const value of [(i: number) => i, (i: number) => -i, () => 0.5]) {
    const xs = Float32Array.from({ length: size }, (_, i) => value(i));
    using x = upload(device, xs, [size]);
    await check(x, xs, 40);
  }
});

gpuTest("topK ranks NaN last, below -infinity, and holds both zeros equal", async (device) => {
  const xs = new Float32Array([NaN, -Infinity, 0, -0, 1, NaN, Infinity]);
  using x = upload(device, xs, [xs.length]);
  await check(x, xs, xs.length);
});

gpuTest("topK of many rows runs past 65,535 workgroups", async (device) => {
  const next = random(9);
  const rows = 8 * 65_536 + 3;
  const xs = Float32Array.from({ length: rows * 2 }, () => Math.floor(next() * 3));
  using x = upload(device, xs, [rows, 2]);
  const { values, indices } = topK(x, 1);
  using _values = values;
  using places = indices;
  const expected = Uint32Array.from({ length: rows }, (_, row) => xs[2 * row + 1] > xs[2 * row] ? 1 : 0);
  const actual = await places.read();
  assertEquals(actual.findIndex((place, row) => place !== expected[row]), -1);
});

gpuTest("topK refuses a k that the row does not have", (device: Device) => {
  using x = zeros(device, [2, 3]);
  for (const k of [0, 4, 1.5, -1, NaN]) assertThrows(() => topK(x, k), RangeError, `topK: k ${k}`);
  using long = zeros(device, [300]);
  assertThrows(() => topK(long, 257), RangeError, "from 1 to 256");
  using whole = zeros(device, [3], "u32");
  assertThrows(() => topK(whole, 1), TypeError, "topK: [3] u32");
});
