import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import { LimitExceededError } from "../../lib/gpu/mod.ts";
import * as reference from "../../lib/reference/mod.ts";
import { readFloats, rotary, Tensor, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";
import { count, everyDevice, floatType, forAll, LOW_LIMITS, random, randomFloats, seed, upload } from "./cases.ts";
import { assertWithin } from "./tolerances.ts";

const small = fc.constantFrom(0, 1, 2, 3, 5, 7);

/** Angles for 40 positions; the same on the host and on the device. */
function tables(pairs: number, positions = 40) {
  const angle = (i: number) => Math.floor(i / pairs) / 10 ** ((i % pairs) / pairs);
  const cos = Float32Array.from({ length: positions * pairs }, (_, i) => Math.cos(angle(i)));
  const sin = Float32Array.from({ length: positions * pairs }, (_, i) => Math.sin(angle(i)));
  return { cos, sin };
}

everyDevice("rotary equals the oracle, positions given on the host or on the GPU", async (device) => {
  const cases = fc.record({
    batch: small,
    rows: small,
    heads: small,
    pairs: fc.constantFrom(1, 2, 3, 8, 16),
    onHost: fc.boolean(),
    dtype: floatType,
    seed,
  });
  await forAll(cases, async ({ batch, rows, heads, pairs, onHost, dtype, seed }) => {
    const shape = [batch, rows, heads, 2 * pairs];
    const xs = randomFloats(count(...shape), seed, dtype);
    const next = random(seed + 1);
    const positions = Uint32Array.from({ length: batch * rows }, () => Math.floor(40 * next()));
    const host = tables(pairs);
    using cos = upload(device, host.cos, [40, pairs]);
    using sin = upload(device, host.sin, [40, pairs]);
    using x = upload(device, xs, shape, dtype);
    using onDevice = Tensor.from(device, positions, [batch, rows]);
    using y = rotary(x, onHost ? positions : onDevice, { cos, sin });
    assertEquals(y.shape, shape);
    const expected = reference.rotary(reference.dense(xs, shape), positions, {
      cos: reference.dense(host.cos, [40, pairs]),
      sin: reference.dense(host.sin, [40, pairs]),
    });
    assertWithin("rotary", await readFloats(y), expected.data, { dtype, scale: 4 });
  });
});

gpuTest(
  "rotary takes the table's last row for positions on the GPU past it, and refuses them on the host",
  async (device) => {
    const host = tables(2, 3);
    using cos = upload(device, host.cos, [3, 2]);
    using sin = upload(device, host.sin, [3, 2]);
    using x = upload(device, new Float32Array([1, 2, 3, 4]), [1, 1, 1, 4]);
    using past = Tensor.from(device, new Uint32Array([9]), [1, 1]);
    using turned = rotary(x, past, { cos, sin });
    using last = rotary(x, [2], { cos, sin });
    assertEquals([...await turned.read()], [...await last.read()]);
    assertThrows(
      () => rotary(x, [3], { cos, sin }),
      RangeError,
      "rotary: position 3 must be a whole number from 0 to 2",
    );
    assertThrows(() => rotary(x, [-1], { cos, sin }), RangeError, "position -1");
  },
);

gpuTest("rotary names the shapes that do not fit", (device) => {
  using cos = zeros(device, [3, 2]);
  using narrow = zeros(device, [3, 1]);
  using x = zeros(device, [1, 2, 1, 4]);
  using odd = zeros(device, [1, 2, 1, 5]);
  using flat = zeros(device, [2, 4]);
  using positions = zeros(device, [2], "u32");
  assertThrows(() => rotary(odd, [0, 0], { cos, sin: cos }), TypeError, "rotary: [1, 2, 1, 5] f32");
  assertThrows(() => rotary(flat, [0, 0], { cos, sin: cos }), TypeError, "rotary: [2, 4] f32");
  assertThrows(() => rotary(x, [0, 0], { cos, sin: narrow }), TypeError, "[3, 2] f32 and [3, 1] f32");
  assertThrows(() => rotary(x, positions, { cos, sin: cos }), TypeError, "positions [2] u32");
  assertThrows(() => rotary(x, [0], { cos, sin: cos }), TypeError, "1 positions were given for 2 rows");
});

gpuTestWith(LOW_LIMITS, "rotary refuses a table past one binding", (device) => {
  using cos = zeros(device, [1000, 2]);
  using x = zeros(device, [1, 1, 1, 4]);
  assertThrows(() => rotary(x, [0], { cos, sin: cos }), LimitExceededError, "use fewer positions");
});
