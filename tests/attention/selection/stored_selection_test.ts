import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createMethod, resolveKnobs, type StorageType } from "../../../lib/attention/mod.ts";
import { completeKnobs, ReferenceLayer } from "../../../lib/reference/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, swapAxes, TestLayer } from "../layer.ts";

const cases = fc.record({
  // Halves of whole stored vectors of eight, of four, and of neither.
  headSize: fc.constantFrom(16, 32, 64, 128, 24, 12),
  keyValueHeads: fc.constantFrom(1, 2),
  // Two, four or eight pairs a thread on a software adapter.
  share: fc.constantFrom(1, 3, 4),
  rows: fc.constantFrom(1, 8),
  keyType: fc.constantFrom<StorageType>("f32", "f16", "int8"),
  pageTokens: fc.constantFrom(33, 64),
  length: fc.integer({ min: 80, max: 500 }),
  seed: fc.nat(1e6),
});

gpuTest(
  "keys that every storage holds exactly give the oracle's selection (score_short_top_k), read four channels at once or eight",
  async (device) => {
    const property = fc.asyncProperty(
      cases,
      async ({ headSize, keyValueHeads, share, rows, length, seed, ...cache }) => {
        if (cache.keyType === "f16" && !device.info.f16) return;
        const queryHeads = keyValueHeads * share;
        const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
        const knobs = resolveKnobs({ globalSize: 3, window: 12, chunkSize: 8, spanSize: 2, k: 3, recallClip: 6 });
        using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), cache);
        const oracle = new ReferenceLayer({ queryHeads, keyValueHeads, headSize, knobs: completeKnobs(knobs) });
        for (const [index, count] of [length, rows].entries()) {
          const numbers = (heads: number, part: number) => normals(seed + 3 * index + part, count * heads * headSize);
          const [queries, values] = [numbers(queryHeads, 0), numbers(keyValueHeads, 2)];
          // Whole numbers up to 127, which is in each vector: int8's scale is 1.
          const keys = numbers(keyValueHeads, 1).map((x, at) => {
            return at % headSize === 5 ? 127 : Math.max(-127, Math.min(127, Math.round(40 * x)));
          });
          await layer.run({ rows: count, queries, keys, values });
          const expected = oracle.step({
            queries: swapAxes(queries, count, queryHeads, headSize),
            keys: swapAxes(keys, count, keyValueHeads, headSize),
            values: swapAxes(values, count, keyValueHeads, headSize),
          });
          if (index === 0) continue;
          const { layers: [{ groups }] } = (await layer.readTrace()).at(-1)!;
          assertEquals(groups.map(({ indices }) => [...indices]), expected.groups.map(({ indices }) => [...indices]));
          assertEquals(groups.map(({ votes }) => [...votes]), expected.groups.map(({ votes }) => [...votes]));
        }
      },
    );
    await fc.assert(property, { seed: 17, numRuns: 12, endOnFailure: true });
  },
);
