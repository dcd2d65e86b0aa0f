import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createMethod, resolveKnobs, type StorageType } from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { completeKnobs, dense, quantizeInt8, ReferenceLayer } from "../../../lib/reference/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, swapAxes, TestLayer } from "../layer.ts";

const KINDS = ["prefill selection", "decode selection"];

interface Case {
  k: number;
  headSize: number;
  heads: readonly [number, number];
  share: "layer" | "kvHead";
  first: number;
  rows: number;
  seed: number;
}

const cases = fc.record<Case>({
  k: fc.constantFrom(1, 4, 16, 17, 64),
  headSize: fc.constantFrom(4, 12, 16, 64, 128, 256),
  heads: fc.constantFrom<(readonly [number, number])[]>([1, 1], [2, 1], [2, 2], [6, 2]),
  share: fc.constantFrom("layer", "kvHead"),
  first: fc.integer({ min: 40, max: 1500 }),
  rows: fc.constantFrom(1, 3, 12, 40),
  seed: fc.nat(1e6),
});

/** Selects by workgroups or by threads on their own, and compares with the oracle; `keysOf` makes the first step's keys. */
async function check(
  device: Device,
  each: Case,
  keysOf = (count: number) => normals(each.seed + 1, count),
  option = "workgroups",
  keyType: StorageType = "f32",
) {
  const { k, headSize, heads: [queryHeads, keyValueHeads], share, first, rows, seed } = each;
  const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
  const knobs = resolveKnobs({
    globalSize: 3,
    window: rows > 40 ? 84 : 44,
    chunkSize: rows > 40 ? 80 : 40,
    spanSize: 2,
    k,
    share,
    recallClip: 40,
  });
  for (const kind of KINDS) device.choices.pick(kind, option);
  try {
    using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), { pageTokens: 64, keyType });
    const oracle = new ReferenceLayer({ queryHeads, keyValueHeads, headSize, knobs: completeKnobs(knobs) });
    for (const [index, count] of [first, rows].entries()) {
      const numbers = (heads: number, part: number) => normals(seed + 7 * index + part, count * heads * headSize);
      const given = index === 0 ? keysOf(count * keyValueHeads * headSize) : numbers(keyValueHeads, 5);
      // Stored again, what int8 storage gave back loses nothing.
      const keys = keyType === "int8"
        ? quantizeInt8(dense(given, [given.length / headSize, headSize])).restored.data
        : given;
      const [queries, values] = [numbers(queryHeads, 0), numbers(keyValueHeads, 2)];
      await layer.run({ rows: count, queries, keys, values });
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
    }
  } finally {
    for (const kind of KINDS) device.choices.pick(kind, undefined);
  }
}

// By groups of tokens: scan_groups or score_groups, then rescore_groups.
gpuTest("workgroups that share keys and lists select what the oracle selects, whatever the shape", async (device) => {
  await fc.assert(fc.asyncProperty(cases, (each) => check(device, each)), { seed: 61, numRuns: 14 });
});

gpuTest(
  "workgroups select right where every token beats the ones before it, and where all are equal",
  async (device) => {
    // With queries and keys of one sign in one channel only, scores rise, fall or stay along the context.
    for (const [slope, rows] of [[1, 40], [-1, 40], [0, 40], [1, 1], [0, 1]]) {
      for (const k of [4, 64]) {
        const each: Case = { k, headSize: 16, heads: [2, 1], share: "layer", first: 900, rows, seed: 5 };
        await check(device, each, (count) => {
          return Float32Array.from({ length: count }, (_, i) => i % 16 ? 0 : 1 + slope * Math.floor(i / 16) / 1000);
        });
      }
    }
    // More votes for a token than one digit of the clip holds, and equal ones at its border.
    const votes: Case = { k: 64, headSize: 16, heads: [4, 1], share: "layer", first: 300, rows: 80, seed: 6 };
    await check(device, votes, (count) => Float32Array.from({ length: count }, (_, i) => i % 16 ? 0 : 1));
  },
);

gpuTest(
  "workgroups select with kernels of their own: scan_groups, score_groups, rescore_short_groups and cast_votes",
  async (device) => {
    const called = new Set<string>();
    const { commands } = device;
    commands.dispatch = (call) => {
      called.add(call.kernel);
      Object.getPrototypeOf(commands).dispatch.call(commands, call);
    };
    try {
      const each: Case = { k: 2, headSize: 16, heads: [2, 1], share: "layer", first: 200, rows: 1, seed: 1 };
      await check(device, each);
      await check(device, { ...each, rows: 40 });
    } finally {
      Reflect.deleteProperty(commands, "dispatch");
    }
    const expected = ["scan_groups", "score_groups", "rescore_short_groups", "cast_votes"];
    assertEquals(expected.filter((kernel) => called.has(kernel)), expected);
    assertEquals(["score_short_top_k", "merge_top_k"].filter((kernel) => called.has(kernel)), []);
  },
);

gpuTest(
  "pairs are scored slab by slab, few and many; blocks without a page in a slab keep what they have",
  async (device) => {
    for (const kind of KINDS) device.choices.pick(kind, "workgroups");
    try {
      const [queryHeads, keyValueHeads, headSize] = [4, 2, 16];
      const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
      const knobs = resolveKnobs({ globalSize: 3, window: 600, chunkSize: 500, spanSize: 2, k: 4, recallClip: 40 });
      using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), { pageTokens: 64 });
      const oracle = new ReferenceLayer({ queryHeads, keyValueHeads, headSize, knobs: completeKnobs(knobs) });
      // Blocks hold 1,024 tokens.
      for (const [index, rows] of [500, 500, 500, 500, 500, 500, 500, 1].entries()) {
        const numbers = (heads: number, part: number) => normals(7 * index + part, rows * heads * headSize);
        const [queries, keys, values] = [numbers(queryHeads, 0), numbers(keyValueHeads, 1), numbers(keyValueHeads, 2)];
        await layer.run({ rows, queries, keys, values });
        const swapped = (numbers: Float32Array, heads: number) => swapAxes(numbers, rows, heads, headSize);
        const expected = oracle.step({
          queries: swapped(queries, queryHeads),
          keys: swapped(keys, keyValueHeads),
          values: swapped(values, keyValueHeads),
        });
        if (expected.mode !== "select") continue;
        if (rows === 1) assert(layer.cache.slabs().length > 2);
        const { layers: [{ groups }] } = (await layer.readTrace()).at(-1)!;
        assertEquals(groups.map(({ indices }) => [...indices]), expected.groups.map(({ indices }) => [...indices]));
        assertEquals(groups.map(({ votes }) => [...votes]), expected.groups.map(({ votes }) => [...votes]));
      }
    } finally {
      for (const kind of KINDS) device.choices.pick(kind, undefined);
    }
  },
);

gpuTest("threads with keys in an image (score_image_top_k) select what the oracle selects", async (device) => {
  if (!device.info.software) return;
  const many = cases.map((each) => ({
    ...each,
    k: Math.min(each.k, 16),
    headSize: Math.min(each.headSize, 64),
    first: each.first + 100,
    rows: 70,
  }));
  let images = 0;
  const { commands } = device;
  commands.dispatch = (call) => {
    images += Number(call.kernel === "score_image_top_k");
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  try {
    await fc.assert(fc.asyncProperty(many, (each) => check(device, each, undefined, "lanes")), {
      seed: 62,
      numRuns: 6,
    });
  } finally {
    Reflect.deleteProperty(commands, "dispatch");
  }
  assert(images > 0, "no case had an image");
});

gpuTest(
  "workgroups read int8 keys, a scale for each, and pick what the oracle picks from the same numbers",
  async (device) => {
    const run = fc.asyncProperty(cases, (each) => check(device, each, undefined, "workgroups", "int8"));
    await fc.assert(run, { seed: 29, numRuns: 8 });
  },
);
