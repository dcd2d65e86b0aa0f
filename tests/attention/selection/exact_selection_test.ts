import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createMethod, resolveKnobs } from "../../../lib/attention/mod.ts";
import { completeKnobs, ReferenceLayer } from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, swapAxes, TestLayer } from "../layer.ts";

const cases = fc.record({
  k: fc.constantFrom(1, 5, 31, 100, 255, 256),
  headSize: fc.constantFrom(2, 4, 30, 64, 80, 128, 162, 256),
  heads: fc.constantFrom<[number, number]>([1, 1], [2, 1], [2, 2], [6, 2]),
  share: fc.constantFrom("layer", "kvHead"),
  first: fc.integer({ min: 40, max: 900 }),
  rows: fc.constantFrom(1, 8),
  recallClip: fc.constantFrom(-1, 3, 40),
  seed: fc.nat(1e6),
});

gpuTest("the selection is exact for any k up to 256, any even head size up to 256 and any length", async (device) => {
  const property = fc.asyncProperty(cases, async ({ k, headSize, heads, share, first, rows, recallClip, seed }) => {
    const [queryHeads, keyValueHeads] = heads;
    const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
    const knobs = resolveKnobs({ globalSize: 3, window: 12, chunkSize: 8, spanSize: 2, k, share, recallClip });
    using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), { pageTokens: 64 });
    const oracle = new ReferenceLayer({ queryHeads, keyValueHeads, headSize, knobs: completeKnobs(knobs) });
    for (const [index, count] of [first, rows].entries()) {
      const numbers = (heads: number, part: number) => normals(seed + 3 * index + part, count * heads * headSize);
      const [queries, keys, values] = [numbers(queryHeads, 0), numbers(keyValueHeads, 1), numbers(keyValueHeads, 2)];
      const output = await layer.run({ rows: count, queries, keys, values });
      const expected = oracle.step({
        queries: swapAxes(queries, count, queryHeads, headSize),
        keys: swapAxes(keys, count, keyValueHeads, headSize),
        values: swapAxes(values, count, keyValueHeads, headSize),
      });
      if (index === 0) continue;
      const { kind, layers: [{ groups }] } = (await layer.readTrace()).at(-1)!;
      assertEquals(kind, expected.mode);
      assertEquals(groups.map(({ indices }) => [...indices]), expected.groups.map(({ indices }) => [...indices]));
      assertEquals(groups.map(({ votes }) => [...votes]), expected.groups.map(({ votes }) => [...votes]));
      // f32 sums of up to 900 terms of size 1 against f64.
      const label = `k ${k}, d ${headSize}, ${first} tokens`;
      assertClose(swapAxes(output, count, queryHeads, headSize), expected.out, { absolute: 5e-5, relative: 0, label });
    }
  });
  await fc.assert(property, { seed: 51, numRuns: 8 });
});
