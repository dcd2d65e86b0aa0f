import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { LimitExceededError } from "../../lib/gpu/mod.ts";
import * as reference from "../../lib/reference/mod.ts";
import { fill, matmul, readFloats, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";
import {
  axis,
  count,
  everyDevice,
  floatType,
  forAll,
  LOW_LIMITS,
  randomFloats,
  randomWholes,
  seed,
  upload,
} from "./cases.ts";
import { assertWithin } from "./tolerances.ts";

/** Sizes with and without whole vec4s, and past the kernels' tiles of 8 rows and of 32 or 64 columns. */
const size = fc.oneof(axis, fc.constantFrom(4, 12, 24, 36, 40, 68, 100));
const cases = fc.record({
  batches: fc.constantFrom(0, 1, 1, 2, 3, 5),
  rows: size,
  depth: size,
  columns: size,
  shared: fc.boolean(),
  transposed: fc.boolean(),
  left: floatType,
  right: floatType,
  output: floatType,
  seed,
});

everyDevice("matmul equals the oracle exactly on whole numbers of any shape", async (device) => {
  await forAll(cases, async (sizes) => {
    const { batches, rows, depth, columns, shared, transposed, left, right, output } = sizes;
    const [first, second] = transposed ? [columns, depth] : [depth, columns];
    const aData = randomWholes(count(batches, rows, depth), sizes.seed);
    const bData = randomWholes(count(shared ? 1 : batches, first, second), sizes.seed + 1);
    const bShape = shared ? [first, second] : [batches, first, second];
    using a = upload(device, aData, [batches, rows, depth], left);
    using b = upload(device, bData, bShape, right);
    const expected = reference.matmul(reference.dense(aData, [batches, rows, depth]), reference.dense(bData, bShape), {
      transposeRight: transposed,
    });
    using product = matmul(a, b, { transposeRight: transposed, outputType: output });
    assertEquals(product.shape, [batches, rows, columns]);
    assertEquals(product.dtype, output);
    // Sums of 100 products up to 9 stay below 2,048: exact even in f16.
    assertEquals([...await readFloats(product)], [...expected.data].map((value) => value + 0));
  }, 60);
});

gpuTest("matmul stays within rounding of the oracle on floats", async (device) => {
  await forAll(cases, async (sizes) => {
    const { batches, rows, depth, columns, shared, transposed, left, right, output } = sizes;
    const [first, second] = transposed ? [columns, depth] : [depth, columns];
    const aData = randomFloats(count(batches, rows, depth), sizes.seed, left);
    const bData = randomFloats(count(shared ? 1 : batches, first, second), sizes.seed + 1, right);
    const bShape = shared ? [first, second] : [batches, first, second];
    using a = upload(device, aData, [batches, rows, depth], left);
    using b = upload(device, bData, bShape, right);
    const expected = reference.matmul(reference.dense(aData, [batches, rows, depth]), reference.dense(bData, bShape), {
      transposeRight: transposed,
    });
    using product = matmul(a, b, { transposeRight: transposed, outputType: output });
    const actual = await readFloats(product);
    assertWithin("matmul", actual, expected.data, {
      dtype: output,
      length: depth,
      scale: 4 * depth,
    });
  });
});

gpuTest(
  "matmul gives a row the same bits alone, beside others, and with the right side stored either way",
  async (device) => {
    const [rows, depth, columns] = [11, 100, 52];
    const aData = randomFloats(rows * depth, 1, "f32");
    const bData = randomFloats(depth * columns, 2, "f32");
    const turned = Float32Array.from(
      { length: bData.length },
      (_, i) => bData[(i % depth) * columns + Math.floor(i / depth)],
    );
    using b = upload(device, bData, [depth, columns]);
    using bTurned = upload(device, turned, [columns, depth]);
    const product = async (from: number, until: number, transposeRight: boolean) => {
      using a = upload(device, aData.slice(from * depth, until * depth), [until - from, depth]);
      using c = matmul(a, transposeRight ? bTurned : b, { transposeRight });
      return [...await readFloats(c)];
    };
    const all = await product(0, rows, false);
    assertEquals(await product(0, rows, true), all);
    for (const [from, until] of [[0, 1], [10, 11], [3, 5], [2, 9]]) {
      const expected = all.slice(from * columns, until * columns);
      assertEquals(await product(from, until, false), expected);
      assertEquals(await product(from, until, true), expected);
    }
  },
);

gpuTestWith(LOW_LIMITS, "matmul reads a right side past one binding in pieces", async (device) => {
  // 60 x 100 floats are 24,000 bytes; a binding here holds 4,096, of which 256 may go to alignment.
  for (const transposeRight of [false, true]) {
    const [rows, depth, columns] = [5, 100, 60];
    const aData = randomFloats(rows * depth, 3, "f32");
    const bData = randomFloats(depth * columns, 4, "f32");
    using a = upload(device, aData, [rows, depth]);
    using b = upload(device, bData, transposeRight ? [columns, depth] : [depth, columns]);
    using product = matmul(a, b, { transposeRight });
    const expected = reference.matmul(
      reference.dense(aData, [rows, depth]),
      reference.dense(bData, transposeRight ? [columns, depth] : [depth, columns]),
      { transposeRight },
    );
    assertWithin("matmul", await readFloats(product), expected.data, { dtype: "f32", length: depth, scale: 4 * depth });
  }
});

gpuTestWith(
  LOW_LIMITS,
  "matmul binds a batch that fills a binding but does not start at its border",
  async (device) => {
    // A batch of the left side has 4,032 bytes, so that the second one starts 192 bytes past a border.
    const [batches, rows, depth, columns] = [3, 16, 63, 5];
    const a = randomWholes(batches * rows * depth, 6);
    const b = randomWholes(batches * depth * columns, 7);
    using left = upload(device, a, [batches, rows, depth]);
    using right = upload(device, b, [batches, depth, columns]);
    using product = matmul(left, right);
    const expected = reference.matmul(
      reference.dense(a, [batches, rows, depth]),
      reference.dense(b, [batches, depth, columns]),
    );
    assertEquals(await readFloats(product), expected.data);
  },
);

gpuTestWith(LOW_LIMITS, "matmul says what to do where a single row is past one binding", (device) => {
  using a = zeros(device, [2, 4]);
  using b = zeros(device, [4, 1200]);
  const error = assertThrows(() => matmul(a, b), LimitExceededError);
  assert(error.message.includes("split the columns"), error.message);
});

gpuTest("matmul of no depth is zero, also in a buffer used before", async (device) => {
  {
    using used = fill(device, [2, 3], 7);
    await used.read();
  }
  using a = zeros(device, [2, 0]);
  using b = zeros(device, [0, 3]);
  using product = matmul(a, b);
  assertEquals([...await product.read()], [0, 0, 0, 0, 0, 0]);
});

gpuTest("matmul names both shapes where they do not fit", (device) => {
  using a = zeros(device, [2, 3]);
  using b = zeros(device, [4, 5]);
  using batched = zeros(device, [2, 3, 4]);
  using whole = zeros(device, [3, 4], "u32");
  assertThrows(() => matmul(a, b), TypeError, "matmul: [2, 3] f32 and [4, 5] f32");
  assertThrows(() => matmul(a, b, { transposeRight: true }), TypeError, "[2, 3] f32 and [4, 5] f32");
  assertThrows(() => matmul(a, batched), TypeError, "[2, 3] f32 and [2, 3, 4] f32");
  assertThrows(() => matmul(a, whole), TypeError, "matmul: [3, 4] u32 must be of type f32 or f16");
  assertThrows(() => matmul(a, a, { outputType: "u32", transposeRight: true }), TypeError, "u32");
});
