import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import * as reference from "../../lib/reference/mod.ts";
import { add, fill, multiply, readFloats, scale, siluGate, Tensor, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";
import { axis, count, everyDevice, floatType, forAll, randomFloats, rowSize, seed, upload } from "./cases.ts";
import { assertWithin } from "./tolerances.ts";

const cases = fc.record({
  leading: fc.array(axis, { maxLength: 2 }),
  trailing: fc.oneof(fc.tuple(rowSize), fc.tuple(axis, rowSize), fc.constant([])),
  dtype: floatType,
  seed,
});

everyDevice("add and multiply equal the oracle, the second operand repeated along leading axes", async (device) => {
  await forAll(cases, async ({ leading, trailing, dtype, seed }) => {
    const shape = [...leading, ...trailing];
    const xs = randomFloats(count(...shape), seed, dtype);
    const others = randomFloats(count(...trailing), seed + 1, dtype);
    using x = upload(device, xs, shape, dtype);
    using other = upload(device, others, trailing, dtype);
    for (const [name, op] of [["add", add], ["multiply", multiply]] as const) {
      using y = op(x, other);
      assertEquals(y.shape, shape);
      const expected = reference[name](reference.dense(xs, shape), reference.dense(others, trailing));
      assertWithin(name, await readFloats(y), expected.data, { dtype, scale: 4 });
    }
  });
});

everyDevice("scale and siluGate equal the oracle", async (device) => {
  await forAll(cases, async ({ leading, trailing, dtype, seed }) => {
    const shape = [...leading, ...trailing];
    const xs = randomFloats(count(...shape), seed, dtype, 8);
    const ups = randomFloats(count(...shape), seed + 1, dtype);
    using x = upload(device, xs, shape, dtype);
    using up = upload(device, ups, shape, dtype);
    using scaled = scale(x, 0.3);
    const expected = reference.scale(reference.dense(xs, shape), Math.fround(0.3));
    assertWithin("scale", await readFloats(scaled), expected.data, { dtype, scale: 8 });
    using gated = siluGate(x, up);
    const expectedGated = reference.siluGate(reference.dense(xs, shape), reference.dense(ups, shape));
    assertWithin("siluGate", await readFloats(gated), expectedGated.data, { dtype, scale: 16 });
  });
});

gpuTest("add and multiply wrap whole numbers around", async (device) => {
  using x = Tensor.from(device, new Uint32Array([0xffffffff, 3]), [2]);
  using sum = add(x, x);
  assertEquals([...await sum.read()], [0xfffffffe, 6]);
  using signed = Tensor.from(device, new Int32Array([-2, 3]), [2]);
  using product = multiply(signed, signed);
  assertEquals([...await product.read()], [4, 9]);
});

// 128 MiB is the binding that every adapter has; 64 elements a workgroup make 524,294 workgroups.
gpuTestWith({ bindingBytes: 2 ** 27 }, "add works past 128 MiB and past 65,535 workgroups", async (device) => {
  const size = device.info.bindingBytes / 4 + 321;
  using x = fill(device, [size], 1.5);
  using y = add(x, x);
  const data = await readFloats(y);
  assertEquals(data.length, size);
  assertEquals(data.findIndex((value) => value !== 3), -1);
});

gpuTest("elementwise ops name both shapes where they do not fit", (device) => {
  using x = zeros(device, [2, 3]);
  using y = zeros(device, [3, 2]);
  using whole = zeros(device, [2, 3], "u32");
  assertThrows(() => add(x, y), TypeError, "add: [2, 3] f32 and [3, 2] f32");
  assertThrows(() => multiply(x, whole), TypeError, "multiply: [2, 3] f32 and [2, 3] u32");
  assertThrows(() => siluGate(x, y), TypeError, "siluGate: [2, 3] f32 and [3, 2] f32");
  assertThrows(() => scale(whole, 2), TypeError, "scale: [2, 3] u32 must be of type f32 or f16");
  using row = zeros(device, [1, 2, 3]);
  assertThrows(() => add(x, row), TypeError, "[1, 2, 3]");
});
