import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import * as reference from "../../lib/reference/mod.ts";
import { argmax, max, mean, readFloats, rmsNorm, softmax, sum, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";
import {
  axis,
  count,
  everyDevice,
  floatType,
  forAll,
  randomFloats,
  randomWholes,
  rowSize,
  seed,
  upload,
} from "./cases.ts";
import { assertWithin } from "./tolerances.ts";

const cases = fc.record({ leading: fc.array(axis, { maxLength: 2 }), size: rowSize, dtype: floatType, seed });

everyDevice("sum and mean equal the oracle", async (device) => {
  await forAll(cases, async ({ leading, size, dtype, seed }) => {
    const shape = [...leading, size];
    const xs = randomFloats(count(...shape), seed, dtype);
    using x = upload(device, xs, shape, dtype);
    using sums = sum(x);
    using means = mean(x);
    assertEquals(sums.shape, leading);
    assertEquals(sums.dtype, dtype);
    const host = reference.dense(xs, shape);
    assertWithin("sum", await readFloats(sums), reference.sum(host).data, { dtype, length: size, scale: 2 * size });
    assertWithin("mean", await readFloats(means), reference.mean(host).data, { dtype, length: size, scale: 2 });
  });
});

everyDevice("max and argmax equal the oracle, the lowest index among equals", async (device) => {
  await forAll(cases, async ({ leading, size, dtype, seed }) => {
    const shape = [...leading, size];
    const xs = randomWholes(count(...shape), seed);
    using x = upload(device, xs, shape, dtype);
    using highest = max(x);
    using places = argmax(x);
    const host = reference.dense(xs, shape);
    assertEquals([...await places.read()], [...reference.argmax(host).data]);
    assertEquals([...await readFloats(highest)], [...reference.max(host).data]);
  });
});

everyDevice("softmax equals the oracle", async (device) => {
  await forAll(cases, async ({ leading, size, dtype, seed }) => {
    const shape = [...leading, size];
    const xs = randomFloats(count(...shape), seed, dtype, 8);
    using x = upload(device, xs, shape, dtype);
    using y = softmax(x);
    assertEquals(y.shape, shape);
    const expected = reference.softmax(reference.dense(xs, shape));
    assertWithin("softmax", await readFloats(y), expected.data, { dtype, length: size, scale: 1 });
  });
});

everyDevice("rmsNorm equals the oracle", async (device) => {
  await forAll(fc.tuple(cases, floatType), async ([{ leading, size, dtype, seed }, weightType]) => {
    const shape = [...leading, size];
    const xs = randomFloats(count(...shape), seed, dtype);
    const weights = randomFloats(size, seed + 1, weightType);
    using x = upload(device, xs, shape, dtype);
    using weight = upload(device, weights, [size], weightType);
    using y = rmsNorm(x, weight, 1e-5);
    const expected = reference.rmsNorm(reference.dense(xs, shape), reference.dense(weights, [size]), 1e-5);
    // One large element among zeros gives sqrt(size), twice that with its weight.
    assertWithin("rmsNorm", await readFloats(y), expected.data, { dtype, length: size, scale: 2 * Math.sqrt(size) });
  });
});

gpuTest("softmax survives large values and gives 0 for -infinity", async (device) => {
  using x = upload(device, new Float32Array([1e30, 1e30, -Infinity, -1e30]), [4]);
  using y = softmax(x);
  assertEquals([...await y.read()], [0.5, 0.5, 0, 0]);
});

gpuTest("max and argmax rank NaN below -infinity and hold both zeros equal", async (device) => {
  using x = upload(device, new Float32Array([NaN, -Infinity, NaN, -0, 0, -1, NaN, NaN, NaN]), [3, 3]);
  using places = argmax(x);
  assertEquals([...await places.read()], [1, 0, 0]);
  using highest = max(x);
  const [first, , third] = await readFloats(highest);
  assertEquals(first, -Infinity);
  assertEquals(third, NaN);
});

gpuTest("reductions of empty rows are 0, NaN and -infinity, and argmax refuses them", async (device) => {
  using x = zeros(device, [2, 0]);
  using sums = sum(x);
  using means = mean(x);
  using highest = max(x);
  assertEquals([...await readFloats(sums)], [0, 0]);
  assertEquals([...await readFloats(means)], [NaN, NaN]);
  assertEquals([...await readFloats(highest)], [-Infinity, -Infinity]);
  assertThrows(() => argmax(x), RangeError, "argmax: the rows of [2, 0] f32 are empty");
  using noRows = zeros(device, [0, 0]);
  using none = argmax(noRows);
  assertEquals(none.shape, [0]);
});

gpuTest("sum works past 65,535 workgroups", async (device) => {
  const rows = 70_001;
  using x = upload(device, Float32Array.from({ length: rows * 3 }, (_, i) => i % 7), [rows, 3]);
  using sums = sum(x);
  const expected = Array.from(
    { length: rows },
    (_, row) => [0, 1, 2].reduce((total, i) => total + (3 * row + i) % 7, 0),
  );
  assertEquals([...await readFloats(sums)], expected);
});

gpuTest("row ops name the shapes that do not fit", (device) => {
  using x = zeros(device, [2, 3]);
  using weight = zeros(device, [4]);
  using single = zeros(device, []);
  using whole = zeros(device, [2, 3], "i32");
  assertThrows(() => rmsNorm(x, weight, 0), TypeError, "rmsNorm: weight [4] f32 must have one element");
  assertThrows(() => rmsNorm(x, x, 0), TypeError, "rmsNorm: weight [2, 3] f32");
  using right = zeros(device, [3]);
  assertThrows(() => rmsNorm(x, right, -1), RangeError, "epsilon -1");
  for (const op of [softmax, sum, mean, max, argmax]) {
    assertThrows(() => op(single), TypeError, "at least one axis");
    assertThrows(() => op(whole), TypeError, `${op.name}: [2, 3] i32 must be of type f32 or f16`);
  }
});
