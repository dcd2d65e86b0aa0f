import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import * as reference from "../../lib/reference/mod.ts";
import { concat, readFloats, slice, Tensor, transpose, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { axis, count, everyDevice, floatType, forAll, random, randomFloats, seed, upload } from "./cases.ts";

const shapes: fc.Arbitrary<number[]> = fc.oneof(
  fc.array(axis, { minLength: 1, maxLength: 4 }),
  fc.constantFrom<number[]>([70, 90], [3, 41, 20], [2, 3, 2, 1, 3, 2]),
);
const cases = fc.record({ shape: shapes, dtype: floatType, seed });

everyDevice("slice copies any block", async (device) => {
  await forAll(cases, async ({ shape, dtype, seed }) => {
    const next = random(seed);
    const starts = shape.map((size) => Math.floor(next() * (size + 1)));
    const sizes = shape.map((size, i) => Math.floor(next() * (size - starts[i] + 1)));
    const xs = randomFloats(count(...shape), seed, dtype);
    using x = upload(device, xs, shape, dtype);
    using y = slice(x, starts, sizes);
    assertEquals(y.shape, sizes);
    assertEquals(await readFloats(y), reference.slice(reference.dense(xs, shape), starts, sizes).data);
  }, 30);
});

everyDevice("transpose reorders axes in any way", async (device) => {
  await forAll(cases, async ({ shape, dtype, seed }) => {
    const next = random(seed);
    const axes = shape.map((_, i) => [next(), i]).sort(([a], [b]) => a - b).map(([, i]) => i);
    const xs = randomFloats(count(...shape), seed, dtype);
    using x = upload(device, xs, shape, dtype);
    using y = transpose(x, axes);
    const expected = reference.transpose(reference.dense(xs, shape), axes);
    assertEquals(y.shape, expected.shape);
    assertEquals(await readFloats(y), expected.data);
  }, 30);
});

everyDevice("concat joins along any axis", async (device) => {
  await forAll(
    fc.tuple(cases, fc.array(axis, { minLength: 1, maxLength: 4 })),
    async ([{ shape, dtype, seed }, lengths]) => {
      const along = seed % shape.length;
      const parts = lengths.map((length, n) => {
        const partShape = shape.map((size, i) => i === along ? length : size);
        return reference.dense(randomFloats(count(...partShape), seed + n, dtype), partShape);
      });
      const tensors = parts.map((part) => upload(device, part.data, part.shape, dtype));
      using joined = concat(tensors, along);
      for (const tensor of tensors) tensor[Symbol.dispose]();
      const expected = reference.concat(parts, along);
      assertEquals(joined.shape, expected.shape);
      assertEquals(await readFloats(joined), expected.data);
    },
    30,
  );
});

gpuTest("slice, transpose and concat keep whole numbers as they are", async (device) => {
  using x = Tensor.from(device, new Uint32Array([1, 2 ** 31 + 3, 0xffffffff, 4]), [2, 2]);
  using part = slice(x, [0, 1], [2, 1]);
  assertEquals([...await part.read()], [2 ** 31 + 3, 4]);
  using turned = transpose(x, [1, 0]);
  assertEquals([...await turned.read()], [1, 0xffffffff, 2 ** 31 + 3, 4]);
  using joined = concat([x, x], 0);
  assertEquals([...await joined.read()], [1, 2 ** 31 + 3, 0xffffffff, 4, 1, 2 ** 31 + 3, 0xffffffff, 4]);
});

gpuTest("slice, transpose and concat name what does not fit", (device) => {
  using x = zeros(device, [2, 3]);
  using y = zeros(device, [3, 3]);
  using whole = zeros(device, [2, 3], "u32");
  assertThrows(() => slice(x, [0], [2, 3]), TypeError, "slice: [2, 3] f32 needs a start and a size for each axis");
  assertThrows(() => slice(x, [1, 0], [2, 3]), RangeError, "reaches past [2, 3] f32");
  assertThrows(() => slice(x, [-1, 0], [2, 3]), TypeError, "[-1, 0]");
  assertThrows(() => transpose(x, [0, 0]), TypeError, "axes [0, 0] must name each axis of [2, 3] f32 once");
  assertThrows(() => transpose(x, [0]), TypeError, "transpose");
  assertThrows(() => concat([x, y], 1), TypeError, "concat: [2, 3] f32 and [3, 3] f32");
  assertThrows(() => concat([x, whole], 0), TypeError, "[2, 3] u32");
  assertThrows(() => concat([x], 2), RangeError, "axis 2");
  assertThrows(() => concat([], 0), TypeError, "at least one");
  using many = zeros(device, [2, 2, 2, 2, 2, 2, 2]);
  assertThrows(() => transpose(many, [6, 5, 4, 3, 2, 1, 0]), TypeError, "more than 6 axes");
});
