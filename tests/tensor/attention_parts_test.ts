import fc from "fast-check";
import type { Device } from "../../lib/gpu/mod.ts";
import { joinAttentionParts, Tensor } from "../../lib/tensor/mod.ts";
import { assertClose } from "../assert_close.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { forAll, randomFloats, seed } from "./cases.ts";

const cases = fc.record({
  // From 1,024 rows of all heads on, of up to 32 parts, the first of the two kernels is called.
  rows: fc.constantFrom(1, 7, 130, 300),
  heads: fc.constantFrom(1, 2),
  share: fc.constantFrom(1, 4),
  splits: fc.constantFrom(1, 2, 5, 32, 40),
  d4: fc.constantFrom(1, 5, 16),
  seed,
});

gpuTest(
  "attention_join and attention_combine join parts as softmax would; those without a token count for nothing",
  async (device) => {
    await forAll(cases, (shape) => checkJoin(device, shape));
  },
);

gpuTest("parts of a longer list are joined by a workgroup for each row, many of them at once", async (device) => {
  const few = fc.record({
    rows: fc.constantFrom(1, 3),
    heads: fc.constantFrom(1, 2),
    share: fc.constantFrom(1, 2, 4),
    splits: fc.constantFrom(2, 7, 16, 33, 100, 300),
    d4: fc.constantFrom(1, 6, 16, 32, 64),
    seed,
  });
  await forAll(few, (shape) => checkJoin(device, shape));
});

interface Shape {
  rows: number;
  heads: number;
  share: number;
  splits: number;
  d4: number;
  seed: number;
}

async function checkJoin(device: Device, { rows, heads, share, splits, d4, seed }: Shape): Promise<void> {
  const pairs = rows * share;
  const width = 4 * d4 + 4;
  const parts = randomFloats(heads * pairs * splits * width, seed, "f32") as Float32Array<ArrayBuffer>;
  for (let part = 0; part < heads * pairs * splits; part++) {
    const tail = part * width + 4 * d4;
    // A part's highest score, and the sum of its weights: 1 for the highest itself, or none.
    parts[tail] *= 20;
    const empty = part % splits !== 0 && part % 3 === 0;
    parts[tail + 1] = empty ? 0 : 1 + Math.abs(parts[tail + 1]);
    if (empty) parts.fill(NaN, part * width, tail);
  }
  using given = Tensor.from(device, parts, [heads, pairs, splits, width]);
  using output = Tensor.zeros(device, [1, rows, heads * share, 4 * d4]);
  joinAttentionParts(given, { step_rows: rows, query_heads: heads * share, heads }, { buffer: output.buffer });
  // Means of numbers of about 1, by weights that may be rounded by a few units of their last place.
  assertClose(await output.read() as Float32Array, joined(parts, rows, heads, share, splits, d4), {
    absolute: 2e-5,
  });
}

function joined(parts: Float32Array, rows: number, heads: number, share: number, splits: number, d4: number) {
  const width = 4 * d4 + 4;
  const output = new Float32Array(rows * heads * share * 4 * d4);
  for (let head = 0; head < heads; head++) {
    for (let pair = 0; pair < rows * share; pair++) {
      const all = Array.from({ length: splits }, (_, split) => {
        const first = ((head * rows * share + pair) * splits + split) * width;
        return parts.subarray(first, first + width);
      }).filter((part) => part[4 * d4 + 1] > 0);
      const most = Math.max(...all.map((part) => part[4 * d4]));
      const factors = all.map((part) => Math.exp(part[4 * d4] - most));
      const total = all.reduce((sum, part, index) => sum + part[4 * d4 + 1] * factors[index], 0);
      const place = (Math.floor(pair / share) * heads * share + head * share + pair % share) * 4 * d4;
      for (let channel = 0; channel < 4 * d4; channel++) {
        output[place + channel] = all.reduce((sum, part, index) => sum + part[channel] * factors[index], 0) / total;
      }
    }
  }
  return output;
}
