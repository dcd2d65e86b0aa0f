import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import { type Device, LimitExceededError } from "../../lib/gpu/mod.ts";
import * as reference from "../../lib/reference/mod.ts";
import { causalAttention, readFloats, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";
import { count, forAll, randomFloats, seed, upload } from "./cases.ts";
import { assertWithin } from "./tolerances.ts";

const cases = fc.record({
  batch: fc.constantFrom(1, 1, 2, 3),
  rows: fc.constantFrom(1, 1, 2, 5, 17),
  earlier: fc.constantFrom(0, 1, 7, 64, 129),
  heads: fc.constantFrom(1, 2, 3),
  share: fc.constantFrom(1, 2, 3, 4),
  size: fc.constantFrom(1, 4, 6, 20, 64),
  slide: fc.constantFrom(0, 0, 1, 2, 5, 100),
  seed,
});

/** Compares with the oracle on random shapes; keys and values are f32, as the kernel takes them. */
async function check(device: Device): Promise<void> {
  await forAll(cases, async ({ batch, rows, earlier, heads, share, size, slide, seed }) => {
    const shape = [batch, rows, heads * share, size];
    const past = [batch, rows + earlier, heads, size];
    const [q, k, v] = [shape, past, past].map((each, i) => randomFloats(count(...each), seed + i, "f32"));
    using queries = upload(device, q, shape);
    using keys = upload(device, k, past);
    using values = upload(device, v, past);
    using output = causalAttention(queries, keys, values, slide);
    assertEquals(output.shape, shape);
    const expected = reference.causalAttention(
      reference.dense(q, shape),
      reference.dense(k, past),
      reference.dense(v, past),
      slide,
    );
    assertWithin("causalAttention", await readFloats(output), expected.data, {
      dtype: "f32",
      length: rows + earlier + size,
      scale: 2,
    });
  });
}

gpuTest("causalAttention equals the oracle, heads grouped, the last rows of a longer past", check);
gpuTestWith({ groupsPerDimension: 7 }, "causalAttention equals the oracle past one grid dimension", check);

gpuTestWith(
  { bindingBytes: 8192 },
  "causalAttention cuts a batch past one binding, and refuses a sequence",
  async (device) => {
    const [shape, past] = [[9, 3, 4, 8], [9, 16, 2, 8]];
    const [q, k, v] = [shape, past, past].map((each, i) => randomFloats(count(...each), 7 + i, "f32"));
    using queries = upload(device, q, shape);
    using keys = upload(device, k, past);
    using values = upload(device, v, past);
    using output = causalAttention(queries, keys, values);
    const expected = reference.causalAttention(
      reference.dense(q, shape),
      reference.dense(k, past),
      reference.dense(v, past),
    );
    assertWithin("causalAttention", await readFloats(output), expected.data, { dtype: "f32", length: 24, scale: 2 });
    using one = zeros(device, [1, 1, 4, 8]);
    using long = zeros(device, [1, 600, 2, 8]);
    assertThrows(() => causalAttention(one, long, long)[Symbol.dispose](), LimitExceededError, "causalAttention");
  },
);

gpuTest("causalAttention names the shapes that do not fit", (device) => {
  using queries = zeros(device, [1, 2, 3, 4]);
  using keys = zeros(device, [1, 5, 2, 4]);
  using wide = zeros(device, [1, 5, 3, 8]);
  assertThrows(() => causalAttention(queries, keys, keys), TypeError, "3 query heads must be a multiple of 2 KV heads");
  assertThrows(() => causalAttention(queries, wide, wide), TypeError, "[1, 2, 3, 4] f32, keys [1, 5, 3, 8] f32");
});
