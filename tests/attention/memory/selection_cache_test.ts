import { assertEquals, assertThrows } from "@std/assert";
import { restoreMemory } from "../../../lib/attention/memory/restore_memory.ts";
import { cosine, meanQueries, SelectionCache, widenMarks } from "../../../lib/attention/memory/selection_cache.ts";
import { createMethod, resolveKnobs } from "../../../lib/attention/mod.ts";
import { Tensor } from "../../../lib/tensor/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

Deno.test("meanQueries means rows of each sequence, heads in a row; cosine is 0 for nothing", () => {
  // [batch 2, rows 2, heads 2, size 1]
  assertEquals(meanQueries([1, 2, 3, 4, 0, 0, 2, -2], [2, 2, 2, 1]), [
    Float64Array.of(2, 3),
    Float64Array.of(1, -1),
  ]);
  const [a, b] = [Float64Array.of(3, 4), Float64Array.of(4, 3)];
  assertEquals([cosine(a, b), cosine(a, a), cosine(a, Float64Array.of(0, 0))], [24 / 25, 1, 0]);
});

gpuTest("SelectionCache takes selections back with their tokens, in forks and files alike", async (device) => {
  const tensor = (value: number) => Tensor.from(device, Uint32Array.of(value), [1, 1, 1]);
  const picks = (value: number) => ({ marks: tensor(value), centers: tensor(value), centerCounts: tensor(1) });
  using cache = new SelectionCache();
  assertEquals([cache.latest, cache.bytes], [undefined, 0]);
  for (const end of [5, 6, 9]) cache.push({ query: Float64Array.of(end), end, picks: picks(end) });
  assertEquals(cache.bytes, 4 * (1 + 3));
  using fork = cache.fork();
  using file = restoreMemory(device, cache.save()) as SelectionCache;
  for (const one of [fork, file]) {
    one.truncate(9);
    assertEquals([one.latest!.end, ...one.latest!.query], [9, 9]);
    one.truncate(8);
    assertEquals([one.latest!.end, ...await one.latest!.picks.marks.read()], [6, 6]);
    one.truncate(1);
    assertEquals(one.latest, undefined);
  }
  assertEquals(cache.latest!.end, 9);
  using wide = widenMarks(cache.latest!.picks.marks, 3);
  assertEquals([wide.shape, [...await wide.read()]], [[1, 1, 3], [9, 0, 0]]);
  assertThrows(() => SelectionCache.restore({ facts: { kind: "selections" }, tensors: [] }), RangeError, "versions");
});

Deno.test("token-select says what similarity must be", () => {
  const make = (similarity: unknown) =>
    createMethod("token-select", resolveKnobs({ own: { similarity } }), {
      ...{ layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 },
    });
  assertThrows(() => make(-2), RangeError, "similarity -2: must be at least -1");
  assertThrows(() => make("much"), RangeError, 'similarity "much": must be a number');
});
