import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import { type Device, LimitExceededError } from "../../lib/gpu/mod.ts";
import * as reference from "../../lib/reference/mod.ts";
import { causalAttentionInWindows, type KeyWindow, readFloats, Tensor, zeros } from "../../lib/tensor/mod.ts";
import { attentionQuestion, attentionTilesFor } from "../../lib/tensor/attention_tiles.ts";
import { gpuTest, gpuTestWith } from "../gpu_test_device.ts";
import { count, forAll, randomFloats, seed, upload } from "./cases.ts";
import { assertWithin } from "./tolerances.ts";

const casesUpTo = (length: number, windows: readonly number[]) =>
  fc.record({
    lengths: fc.array(fc.integer({ min: 1, max: length }), { minLength: 1, maxLength: 3 }),
    rows: fc.constantFrom(1, 5, 33, 70),
    heads: fc.constantFrom(1, 2),
    share: fc.constantFrom(1, 3),
    size: fc.constantFrom(4, 6, 40),
    window: fc.constantFrom(...windows),
    seed,
  });

/** A window of sequences of different lengths, of whose tokens some have fewer than it holds, or none: the rest is not a number. */
function windowOf(device: Device, start: number, tokens: number, sequences: readonly Sequence[]): KeyWindow {
  const [{ heads, size }] = sequences;
  const padded = 4 * Math.ceil(size / 4);
  const fill = (of: (sequence: Sequence) => Float32Array) => {
    const data = new Float32Array(sequences.length * heads * tokens * padded).fill(NaN);
    sequences.forEach((sequence, index) => {
      for (let token = 0; token < Math.min(tokens, sequence.length - start); token++) {
        for (let head = 0; head < heads; head++) {
          const place = ((index * heads + head) * tokens + token) * padded;
          const first = ((start + token) * heads + head) * size;
          data.fill(0, place, place + padded);
          data.set(of(sequence).subarray(first, first + size), place);
        }
      }
    });
    return Tensor.from(device, data, [sequences.length, heads, tokens, padded]);
  };
  return {
    tokens,
    ahead: sequences.map(({ length }) => length - start),
    load: () => ({ keys: fill(({ keys }) => keys), values: fill(({ values }) => values) }),
  };
}

interface Sequence {
  length: number;
  heads: number;
  size: number;
  keys: Float32Array;
  values: Float32Array;
}

async function check(device: Device, cases: ReturnType<typeof casesUpTo>, runs = 20): Promise<void> {
  await forAll(cases, async ({ lengths, rows, heads, share, size, window, seed }) => {
    const shape = [lengths.length, rows, heads * share, size];
    const queries = randomFloats(count(...shape), seed, "f32") as Float32Array<ArrayBuffer>;
    const sequences = lengths.map((earlier, index) => {
      const length = earlier + rows;
      const numbers = (which: number) =>
        randomFloats(length * heads * size, seed + 2 * index + which, "f32") as Float32Array<ArrayBuffer>;
      return { length, heads, size, keys: numbers(1), values: numbers(2) };
    });
    const longest = Math.max(...sequences.map(({ length }) => length));
    const windows = Array.from({ length: Math.ceil(longest / window) }, (_, index) => {
      return windowOf(device, index * window, Math.min(window, longest - index * window), sequences);
    });
    using asked = upload(device, queries, shape);
    using output = causalAttentionInWindows(asked, heads, windows);
    assertEquals(output.shape, shape);
    const own = count(...shape.slice(1));
    const expected = sequences.flatMap(({ length, keys, values }, index) => {
      const past = [1, length, heads, size];
      const rowsOf = queries.subarray(index * own, (index + 1) * own);
      return [
        ...reference.causalAttention(
          reference.dense(rowsOf, [1, ...shape.slice(1)]),
          reference.dense(keys, past),
          reference.dense(values, past),
        ).data,
      ];
    });
    assertWithin("causalAttention", await readFloats(output), expected, {
      dtype: "f32",
      length: longest + size,
      scale: 2,
    });
  }, runs);
}

gpuTest("attention over windows of keys (attended_rows) equals the oracle over all of them", (device) => {
  return check(device, casesUpTo(300, [32, 64, 100, 1000]));
});

gpuTest("the same by tiles of both kinds, which split a window's keys", async (device) => {
  const sizes = [4, 6, 40].map((size) => attentionQuestion(Math.ceil(size / 4)));
  for (const name of ["tiled", "transposed"]) {
    const tile = attentionTilesFor(1).find((each) => each.name.startsWith(name) && device.choices.fits(each))!;
    for (const question of sizes) device.choices.pick(question, tile.name);
    // A window of 256 keys and more is split.
    await check(device, casesUpTo(2000, [100, 1100, 1500]), 8);
    for (const question of sizes) device.choices.pick(question, undefined);
  }
});

gpuTest("causalAttentionInWindows names what does not fit", (device) => {
  using queries = zeros(device, [1, 2, 3, 4]);
  const windowOf = (shape: readonly number[]) => ({ tokens: 5, ahead: [5], load: () => both(shape) });
  const both = (shape: readonly number[]) => ({ keys: zeros(device, shape), values: zeros(device, shape) });
  assertThrows(() => causalAttentionInWindows(queries, 2, []), TypeError, "a multiple of 2 KV heads");
  const wrong = [windowOf([1, 3, 6, 4])];
  assertThrows(() => causalAttentionInWindows(queries, 3, wrong), TypeError, "[1, 3, 6, 4] f32 must be [1, 3, 5, 4]");
});

gpuTestWith({ bindingBytes: 2 ** 16 }, "causalAttentionInWindows refuses parts past one binding", (device) => {
  using queries = zeros(device, [1, 200, 4, 8]);
  const keys = () => zeros(device, [1, 2, 64, 8]);
  const windows = Array.from(
    { length: 2 },
    () => ({ tokens: 64, ahead: [64], load: () => ({ keys: keys(), values: keys() }) }),
  );
  assertThrows(
    () => causalAttentionInWindows(queries, 2, windows),
    LimitExceededError,
    "200 rows (4 query heads, 2 KV heads)",
  );
});
