import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import * as reference from "../../lib/reference/mod.ts";
import { cast, fill, floatsToHalves, halvesToFloats, readFloats, Tensor, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { axis, everyDevice, forAll } from "./cases.ts";

const anyFloat = fc.float({ noNaN: false });
const arrays = fc.array(anyFloat, { minLength: 0, maxLength: 1500 }).map((values) => Float32Array.from(values));

everyDevice("cast of floats to whole numbers drops the fraction and clamps", async (device) => {
  await forAll(arrays, async (floats) => {
    using x = Tensor.from(device, floats, [floats.length]);
    using signed = cast(x, "i32");
    using unsigned = cast(x, "u32");
    const host = reference.dense(floats, [floats.length]);
    assertEquals(await signed.read(), reference.cast(host, "i32").data);
    assertEquals(await unsigned.read(), reference.cast(host, "u32").data);
  });
});

everyDevice("cast to f16 rounds as the oracle does, and back is exact", async (device) => {
  await forAll(arrays, async (floats) => {
    using x = Tensor.from(device, floats, [floats.length]);
    using narrow = cast(x, "f16");
    const expected = reference.cast(reference.dense(floats, [floats.length]), "f16").data;
    assertEquals(await readFloats(narrow), expected);
    assertEquals(halvesToFloats(floatsToHalves(floats)), expected);
    using wide = cast(narrow, "f32");
    assertEquals(await readFloats(wide), expected);
  });
});

gpuTest(
  "cast to f16 rounds ties to even, also among subnormal numbers, and to infinity from 65,520 on",
  async (device) => {
    const steps = [
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2049,
      2051,
      2 ** -25,
      3 * 2 ** -25,
      2 ** -14 - 2 ** -25,
      65519,
      65520,
    ];
    const floats = new Float32Array([...steps, ...steps.map((value) => -value), 0, -0, Infinity]);
    using x = Tensor.from(device, floats, [floats.length]);
    using narrow = cast(x, "f16");
    assertEquals([...await narrow.read()], [...floatsToHalves(floats)]);
    assertEquals(await readFloats(narrow), reference.cast(reference.dense(floats, [floats.length]), "f16").data);
  },
);

gpuTest("cast converts whole numbers into each other modulo 2^32, and to floats", async (device) => {
  using signed = Tensor.from(device, new Int32Array([-1, 7, -(2 ** 31)]), [3]);
  using unsigned = cast(signed, "u32");
  assertEquals([...await unsigned.read()], [0xffffffff, 7, 2 ** 31]);
  using back = cast(unsigned, "i32");
  assertEquals([...await back.read()], [-1, 7, -(2 ** 31)]);
  using floats = cast(signed, "f32");
  assertEquals([...await floats.read()], [-1, 7, -(2 ** 31)]);
  using halves = cast(signed, "f16");
  assertEquals([...await readFloats(halves)], [-1, 7, -Infinity]);
  using again = cast(halves, "i32");
  assertEquals([...await again.read()], [-1, 7, -(2 ** 31)]);
});

everyDevice("fill and zeros hold one value of any type everywhere", async (device) => {
  await forAll(fc.array(axis, { maxLength: 3 }), async (shape) => {
    using floats = fill(device, shape, -1.5);
    using halves = fill(device, shape, 0.25, "f16");
    using signed = fill(device, shape, -7, "i32");
    using unsigned = fill(device, shape, 0xfffffffe, "u32");
    using none = zeros(device, shape, "i32");
    const size = floats.size;
    assertEquals([...await floats.read()], Array(size).fill(-1.5));
    assertEquals([...await readFloats(halves)], Array(size).fill(0.25));
    assertEquals([...await signed.read()], Array(size).fill(-7));
    assertEquals([...await unsigned.read()], Array(size).fill(0xfffffffe));
    assertEquals([...await none.read()], Array(size).fill(0));
  });
});

gpuTest("fill and readFloats refuse what the type can't hold", async (device) => {
  assertThrows(() => fill(device, [1], 1.5, "i32"), RangeError, "fill: 1.5 must be a whole number");
  assertThrows(() => fill(device, [1], -1, "u32"), RangeError, "fill: -1");
  using whole = zeros(device, [2], "u32");
  const failed = await readFloats(whole).then(() => undefined, (error) => error);
  assertEquals(failed instanceof TypeError, true);
});
