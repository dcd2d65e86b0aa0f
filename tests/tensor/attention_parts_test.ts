import fc from "fast-check";
import { joinAttentionParts, Tensor } from "../../lib/tensor/mod.ts";
import { assertClose } from "../assert_close.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { forAll, randomFloats, seed } from "./cases.ts";

const cases = fc.record({
  batch: fc.constantFrom(1, 2),
  rows: fc.constantFrom(1, 1, 3),
  heads: fc.constantFrom(1, 2),
  share: fc.constantFrom(1, 2, 4),
  splits: fc.constantFrom(1, 2, 3, 7, 16, 33, 100),
  size: fc.constantFrom(4, 24, 64, 128, 256),
  empty: fc.constantFrom(0, 0.3),
  seed,
});

gpuTest("parts are joined by their largest scores and weights, those without a token left out", async (device) => {
  await forAll(cases, async ({ batch, rows, heads, share, splits, size, empty, seed }) => {
    const pairs = rows * share;
    const width = size + 4;
    const count = batch * heads * pairs * splits;
    const numbers = randomFloats(count * width, seed, "f32");
    const draws = randomFloats(count, seed + 1, "f32");
    const expected = new Float64Array(batch * rows * heads * share * size);
    for (let group = 0; group < batch * heads * pairs; group++) {
      const parts = Array.from({ length: splits }, (_, split) => {
        const first = (group * splits + split) * width;
        // The first part always has tokens. What an empty one holds besides its weight is left as it was.
        const isEmpty = split > 0 && Math.abs(draws[group * splits + split]) < empty;
        if (isEmpty) numbers.fill(NaN, first, first + size);
        const most = numbers[first + size] *= 20;
        const weight = numbers[first + size + 1] = isEmpty ? 0 : 1 + Math.abs(numbers[first + size + 1]);
        return { most, weight, sums: numbers.subarray(first, first + size) };
      }).filter(({ weight }) => weight > 0);
      const highest = Math.max(...parts.map(({ most }) => most));
      const weight = parts.reduce((sum, part) => sum + part.weight * Math.exp(part.most - highest), 0);
      const [pair, head, sequence] = [
        group % pairs,
        Math.floor(group / pairs) % heads,
        Math.floor(group / pairs / heads),
      ];
      const row = sequence * rows + Math.floor(pair / share);
      const place = ((row * heads + head) * share + pair % share) * size;
      for (let c = 0; c < size; c++) {
        const sum = parts.reduce((sum, part) => sum + part.sums[c] * Math.exp(part.most - highest), 0);
        expected[place + c] = sum / weight;
      }
    }
    using parts = Tensor.from(device, numbers, [batch * heads, pairs, splits, width]);
    using output = Tensor.zeros(device, [batch, rows, heads * share, size]);
    joinAttentionParts(parts, { step_rows: rows, query_heads: heads * share, heads }, { buffer: output.buffer });
    // Some tens of roundings of sums of size 1, and WGSL's exp: 3 + 2 |x| units in the last place, x up to some tens here.
    assertClose(await output.read(), expected, { absolute: 2e-5 });
  });
});
