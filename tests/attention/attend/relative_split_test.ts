import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createMethod, type Knobs, type MethodName, resolveKnobs } from "../../../lib/attention/mod.ts";
import { planRelativeSplit } from "../../../lib/attention/attend/relative.ts";
import {
  attendPairs,
  type Distance,
  dualChunkDistance,
  lmInfiniteDistance,
  ntkFrequencies,
  reRopeDistance,
  selfExtendDistance,
} from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { PairLayer } from "../pair_layer.ts";

// f32 sums of some thousand terms whose weights add up to 1, and angles rounded to f32, against f64.
const CLOSE = { absolute: 1e-4, relative: 0 };

Deno.test("a list is split so that all its places are covered and an adapter is kept busy", () => {
  const tasks = fc.record({
    rowGroups: fc.integer({ min: 1, max: 5000 }),
    places: fc.integer({ min: 1, max: 5_000_000 }),
    software: fc.boolean(),
  });
  fc.assert(fc.property(tasks, ({ rowGroups, places, software }) => {
    const { splits, splitKeys } = planRelativeSplit(rowGroups, places, software);
    assert(
      splits * splitKeys >= places && (splits - 1) * splitKeys < places,
      "every split has places, and all are covered",
    );
    assert(splitKeys <= 60_000, "a thread's turns");
  }));
  assertEquals(planRelativeSplit(1, 131_072, false), { splitKeys: 128, splits: 1024 });
  assertEquals(planRelativeSplit(2000, 8192, false).splits, 1, "many rows are enough");
  assertEquals(planRelativeSplit(1, 1024, true).splits, 1, "short lists are not split");
});

const long: readonly [MethodName, Partial<Knobs>, Distance][] = [
  ["lm-infinite", { window: 1500 }, lmInfiniteDistance(3, 1500)],
  ["self-extend", { own: { group: 5, neighbors: 300 } }, selfExtendDistance(5, 300)],
  ["rerope", { own: { near: 700 } }, reRopeDistance(700)],
  ["leaky-rerope", { own: { near: 700, leak: 4 } }, reRopeDistance(700, 4)],
  ["dual-chunk", { own: { chunk: 700, trained: 1000 } }, dualChunkDistance(700, 1000)],
];

for (const [name, changes, distance] of long) {
  gpuTest(`${name} is as defined where its list is split over workgroups, for relative_join`, async (device) => {
    const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 6, trainedContext: 4096 };
    const knobs = resolveKnobs({ globalSize: 3, window: 9, chunkSize: 9, allowBeyondTrained: true, ...changes });
    using layer = new PairLayer(device, shape, createMethod(name, knobs, shape), 3);
    // Many rows are not split; the few after them are, the last ones alone on the newest tokens of the list.
    await layer.step(2100);
    for (const rows of [1, 3, 7]) {
      const { found, ...input } = await layer.step(rows);
      const frequencies = ntkFrequencies(shape.headSize, 10000, 1);
      const { data } = attendPairs({ ...input, distance, frequencies });
      assertClose(found, data, { ...CLOSE, label: `${rows} rows` });
    }
  });
}
